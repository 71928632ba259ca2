"""The service on a Ray cluster of several nodes with external stores, started by `serve deploy`."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import yaml
from moto.server import ThreadedMotoServer

from runtime.ports import free_port
from runtime.private_files import secret
from serve_app.process.environment import LOOPBACK_NODE
from serve_app.process.readiness import wait_until_ready
from stores.embedded.embedded_postgres import EmbeddedPostgres
from tests.addresses import StoreAddresses
from tests.command_lines import command_of
from tests.paths import BIN, ROOT
from tests.programs import Program
from tests.service import MARK, SHORT_LEASES, run_program
from tests.stores.milvus import MilvusLite

DEPLOY_FILE = ROOT / "configs" / "cluster.yaml"
CPUS_OF_WORKER = 2
BUCKET = "papers"
INCOMING = f"s3://{BUCKET}/incoming"
"""A prefix that the service may read."""
END_SECONDS = 90.0  # of workers that outlive their node
S3_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# Shorter than Ray's defaults, which wait 15 s for a killed node and 30 s for an agent that starts.
RAY_TIMES = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_agent_register_timeout_ms": "120000",
}


@dataclass(frozen=True, slots=True)
class ExternalStores:
    """Servers that do not belong to the service: PostgreSQL, Milvus Lite, and S3 (moto)."""

    addresses: StoreAddresses
    s3: Any

    @property
    def variables(self) -> dict[str, str]:
        """The content of `~/.paperworks.env`."""
        return {
            "DATABASE_URL": self.addresses.database_url,
            "MILVUS_URI": self.addresses.milvus_uri,
            "PAPERWORKS_STORES__MILVUS_TOKEN": self.addresses.milvus_token,
            "BLOB_URI": f"s3://{BUCKET}/library",
            "PAPERWORKS_HTTP__FOLDERS": json.dumps([INCOMING]),
            "AWS_ENDPOINT_URL": self.s3.meta.endpoint_url,
            **S3_VARIABLES,
        }

    def put(self, uri: str, data: bytes) -> None:
        """Writes an object of the bucket."""
        self.s3.put_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"), Body=data)

    def blobs(self, folder: str) -> set[str]:
        """Returns the names of the blobs in a folder of the library, without subfolders."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"library/{folder}/"
        )
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key.rpartition("/")[2] for key in keys}


@contextmanager
def external_stores(folder: Path) -> Iterator[ExternalStores]:
    """Yields running servers with their data in the folder and an empty bucket."""
    milvus_folder = folder / "milvus"
    milvus_folder.mkdir(parents=True)
    postgres, milvus = EmbeddedPostgres(folder / "postgres"), MilvusLite(milvus_folder)
    s3 = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    with ExitStack() as stack:
        for server in (postgres, milvus, s3):
            stack.callback(server.stop)
            server.start()
        endpoint = "http://{}:{}".format(*s3.get_host_and_port())
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=S3_VARIABLES["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=S3_VARIABLES["AWS_SECRET_ACCESS_KEY"],
            region_name=S3_VARIABLES["AWS_DEFAULT_REGION"],
        )
        client.create_bucket(Bucket=BUCKET)
        addresses = StoreAddresses(postgres.url, milvus.uri, milvus.token)
        yield ExternalStores(addresses, client)


class DeployedCluster:
    """A head without CPUs, a CPU worker and a GPU worker, and the service deployed on them."""

    def __init__(
        self, program: Program, stores: ExternalStores, environment: Mapping[str, str]
    ) -> None:
        self.program, self.stores, self.environment = program, stores, environment
        addresses = program.call("addresses")
        self.ray_address, self.dashboard = addresses["ray"], addresses["dashboard"]
        self.head = addresses["head"]
        self.cpu_workers: set[str] = set()  # also those that were killed
        self.cpu_worker = self.add_cpu_worker()
        self.gpu_worker = self.add_gpu_worker()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def add_cpu_worker(self) -> str:
        """Returns the node id of a new worker for extraction."""
        added = self.program.call("add", cpus=CPUS_OF_WORKER, gpus=0)
        self.cpu_workers.add(added)
        return added

    def add_gpu_worker(self) -> str:
        """Returns the node id of a new worker for embedding, with one logical GPU and no CPU."""
        return self.program.call("add", cpus=0, gpus=1)

    def kill(self, node_id: str) -> None:
        """Kills a worker."""
        self.program.call("kill", node_id=node_id)

    def deploy(self, folder: Path) -> None:
        """Deploys `configs/cluster.yaml` with the port and the sizes of this cluster."""
        file = folder / "cluster.yaml"
        file.write_text(yaml.safe_dump(self._deploy_file()))
        command = ["serve", "deploy", file, "--address", self.dashboard]
        done = run_program(*command, environment=self.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        wait_until_ready(self.url)

    def _deploy_file(self) -> dict[str, Any]:
        """Returns the deploy file; one GPU has space for one embedding actor."""
        deployed = yaml.safe_load(DEPLOY_FILE.read_text())
        deployed["http_options"]["port"] = self.port
        [application] = deployed["applications"]
        application["args"]["model"]["actors"] = 1
        return deployed

    def nodes_of_tasks(self, *names: str, since: float = 0.0) -> Counter[str]:
        """Returns the number of Ray tasks of these names on each node.

        `since`: only tasks that started after this time (seconds since the epoch).
        """
        return Counter(
            task["node_id"]
            for task in self._state("tasks")
            if task["name"] in names and (task["start_time_ms"] or 0) > 1000 * since
        )

    def nodes_of_actors(self, class_name: str) -> set[str]:
        """Returns the nodes of the living actors of a class."""
        return {
            actor["node_id"]
            for actor in self._state("actors")
            if actor["class_name"] == class_name and actor["state"] == "ALIVE"
        }

    def _state(self, kind: str) -> list[dict[str, Any]]:
        token = Path(self.environment["HOME"], ".ray", "auth_token").read_text()
        response = httpx.get(
            f"{self.dashboard}/api/v0/{kind}",
            params={"detail": 1, "limit": 10_000},
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        return response.json()["data"]["result"]["result"]


@contextmanager
def deployed_cluster(folder: Path, models: Path) -> Iterator[DeployedCluster]:
    """Yields the ready service on a new cluster; asserts that no process remains afterwards.

    `folder`: the home of the nodes, with a short path, because Ray's sockets are below it.
    """
    (folder / "paperworks-home").mkdir()
    (folder / "paperworks-home" / "models").symlink_to(models)  # converted once for all tests
    with ExitStack() as stack:
        stores = stack.enter_context(external_stores(folder / "stores"))
        environment = {**node_environment(folder), **stores.variables}
        program = stack.enter_context(head_node(folder, environment, cpus=0))
        cluster = DeployedCluster(program, stores, environment)
        cluster.deploy(folder)
        yield cluster


@contextmanager
def head_node(folder: Path, environment: Mapping[str, str], *, cpus: int) -> Iterator[Program]:
    """Yields the program of a running head; asserts that no process remains afterwards."""
    secret(folder / ".ray" / "auth_token")
    arguments = (str(folder), str(cpus))
    program = Program("tests.cluster.node_program", *arguments, environment=environment)
    try:
        with closing(program):
            yield program
    finally:
        assert_ended(environment[MARK])


def node_environment(home: Path) -> dict[str, str]:
    """Returns the variables of the nodes as `cluster.yaml` sets them, and those of the tests."""
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        "RAY_AUTH_MODE": "token",
        "RAY_TMPDIR": str(home),
        MARK: uuid.uuid4().hex,
        **LOOPBACK_NODE,
        **RAY_TIMES,
        **SHORT_LEASES,
    }


def assert_ended(mark: str) -> None:
    """Asserts that no process with the mark remains; kills it otherwise."""
    deadline = time.monotonic() + END_SECONDS
    while (remaining := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    commands = [command_of(process)[:200] for process in remaining]
    for process in remaining:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert not commands


def marked(mark: str) -> list[psutil.Process]:
    """Returns the running processes whose environment has the mark."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.cmdline():
                found.append(process)
    return found
