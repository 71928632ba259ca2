"""A program that runs several Ray nodes on this machine, and adds and kills nodes on command.

`python -m tests.cluster.node_program FOLDER CPUS_OF_HEAD`: each worker keeps its files in a
subfolder, the head in `RAY_TMPDIR`. The environment of the program is that of every node, as
`cluster.yaml` copies the same variables to every machine. The nodes end with the program.
"""

from __future__ import annotations

import sys
from typing import Any

from ray.cluster_utils import Cluster

from runtime.dashboard_mode import DashboardMode
from runtime.patches.ray_node import local_node
from runtime.ports import free_port
from tests.programs import run_commands

OBJECT_STORE_BYTES = 100 * 1024 * 1024  # of each node; the papers of the tests have a few KB
JOIN_SECONDS = 120.0  # 5 to 10 s for a node on two idle cores


class Nodes:
    """The head and the workers. Each has a loopback address and a folder."""

    def __init__(self, folder: str, cpus_of_head: int) -> None:
        self.folder, self.cpus_of_head = folder, cpus_of_head
        self.cluster: Any = Cluster()
        self.workers: dict[str, Any] = {}
        self.started = 0

    def start_head(self) -> None:
        """Starts the head with GCS and dashboard on free ports of 127.0.0.1."""
        dashboard = {"dashboard_host": "127.0.0.1", "dashboard_port": free_port()}
        self._add(self.cpus_of_head, 0, include_dashboard=True, **dashboard)

    def addresses(self) -> dict[str, str]:
        """Returns the id of the head, the address of the cluster and the URL of its dashboard."""
        head = self.cluster.head_node
        return {"head": head.node_id, "ray": head.address, "dashboard": f"http://{head.webui_url}"}

    def add(self, cpus: int, gpus: int) -> str:
        """Adds a worker with these logical resources; returns its node id when it has joined.

        Waits until the cluster has noticed the nodes that were killed before.
        """
        folder = f"{self.folder}/{self.started}"  # two nodes must not unpack the same files
        node = self._add(cpus, gpus, temp_dir=folder)
        self.cluster.wait_for_nodes(JOIN_SECONDS)
        self.workers[node.node_id] = node
        return node.node_id

    def kill(self, node_id: str) -> None:
        """Kills the processes of a worker with SIGKILL; Ray notices it by missing heartbeats."""
        self.cluster.remove_node(self.workers.pop(node_id), allow_graceful=False)

    def _add(self, cpus: int, gpus: int, **options: Any) -> Any:
        self.started += 1
        with local_node(DashboardMode.LEAN):  # starts in less CPU time than the full dashboard
            return self.cluster.add_node(
                wait=False,
                num_cpus=cpus,
                num_gpus=gpus,
                object_store_memory=OBJECT_STORE_BYTES,
                node_ip_address=f"127.0.0.{self.started}",
                **options,
            )


def main(folder: str, cpus_of_head: str) -> None:
    """Runs commands until the input ends."""
    nodes = Nodes(folder, int(cpus_of_head))
    commands = {one.__name__: one for one in (nodes.addresses, nodes.add, nodes.kill)}
    try:
        run_commands(commands, nodes.start_head)
    finally:
        nodes.cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
