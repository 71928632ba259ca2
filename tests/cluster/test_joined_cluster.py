"""`paperworks up` on a Ray cluster that another program has started (`ray.address`)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.ports import free_port
from serve_app.process.environment import LOOPBACK_NODE
from tests.cluster.several_nodes import head_node, marked, node_environment
from tests.command_lines import command_of
from tests.service import MARK, READY, RunningService
from tests.timing import wait_until

ACTORS = ("EmbeddedStores", "Embedder", "JobManager", "_deploy", "Runner", "ServeReplica")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a short path, because Ray's sockets are below it."""
    with tempfile.TemporaryDirectory(prefix="pw-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.timeout(900)
def test_service_that_stops_leaves_no_actor_on_the_cluster(
    short_folder: Path, converted_models: Path
) -> None:
    environment = node_environment(short_folder)
    with head_node(short_folder, environment, cpus=2) as head:
        settings: dict[str, Any] = {
            "HOME": environment["HOME"],  # with the token of the cluster
            "RAY_AUTH_MODE": "token",
            **LOOPBACK_NODE,
            "PAPERWORKS_RAY__ADDRESS": head.call("addresses")["ray"],
            "PAPERWORKS_HTTP__INGRESS": "proxy",
        }
        home, port = short_folder / "home", free_port()
        for words in ("Starting: serve", "database: ", READY):
            with RunningService(home, models=converted_models, port=port, **settings) as service:
                service.wait_for(words)
                time.sleep(1)
                service.stop(grace_seconds=30)  # the databases end after their actor
            wait_until(lambda: not actors_of(environment[MARK]))
        other_port = RunningService(home, models=converted_models, **settings)
        with other_port:
            other_port.process.wait(120)
            assert "Serve listens on port" in other_port.output()


def actors_of(mark: str) -> list[str]:
    """Returns the titles of the processes of the cluster that belong to the service."""
    titles = [command_of(process) for process in marked(mark)]
    return [title for title in titles if any(f"ray::{name}" in title for name in ACTORS)]
