"""A program that tries to access the ports and files of a service as another user of the machine.

`python -m tests.other_user`, started by root, reads `{"ports": […], "folders": […], "uid": …}`,
drops all privileges, and writes the response of each port. It knows no secrets.
"""

from __future__ import annotations

import asyncio
import ctypes
import http.client
import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import ray.core.generated
import ray.serve.generated
from pymilvus import grpc_gen

from stores.postgres.postgres_roles import SUPERUSER

PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
TIMEOUT_SECONDS = 10
CONCURRENT_PORTS = 4
PULL = "/ray.rpc.ObjectManagerService/Pull"  # its service has no Python module
REQUESTS = (
    "GET /",
    "GET /api/jobs/",
    'POST /api/jobs/ {"entrypoint": "id"}',
    "GET /api/v0/actors",
    "GET /nodes?view=summary",
    "GET /logical/actors",
    "GET /api/serve/applications/",
    "GET /api/v0/logs",
    "GET /api/cluster_status",
    "GET /api/data/datasets/01000000",
    "GET /events",
    "GET /api/prometheus/sd",
    "GET /api/v0/platform_events",
    "GET /worker/traceback",
    'POST /api/job_agent/jobs/ {"entrypoint": "id"}',
    "POST /report_events []",
    "POST /get_or_create_runtime_env x",
    "GET /metrics",
    "GET /livez",
)
# Prefixes of gRPC methods that change nothing if they are allowed, and of those that transfer data.
TESTED_METHODS = (
    "Get",
    "List",
    "InternalKVGet",
    "InternalKVKeys",
    "Show",
    "Describe",
    "Has",
    "Check",
)
TESTED_METHODS += ("Connect", "Healthz", "HandleRequest", "Export", "Query", "Search")


def main() -> None:
    """Handles one request from stdin."""
    request = json.loads(sys.stdin.read())
    methods = [*sorted(grpc_methods()), PULL]
    switch_user(request["uid"])
    ports: list[int] = request["ports"]
    with ThreadPoolExecutor(CONCURRENT_PORTS) as pool:
        responses = dict(zip(ports, pool.map(partial(probe, methods), ports), strict=True))
    readable = [str(path) for folder in request["folders"] for path in readable_paths(folder)]
    print(json.dumps({"uid": os.getuid(), "ports": responses, "readable": readable}), flush=True)


def probe(methods: Sequence[str], port: int) -> dict[str, Any]:
    """Returns the responses of the port, by the first protocol that it supports."""
    if http := http_statuses(port):
        return {"http": http}
    if calls := grpc_statuses(methods, port):
        return {"grpc": calls}
    return {"postgres": postgres_error(port)}


def switch_user(uid: int) -> None:
    """Switches this process to the user permanently: no groups, no capabilities."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.environ["HOME"] = "/nonexistent"  # the home of root is not accessible
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def grpc_methods() -> Iterator[str]:
    """Yields the tested methods of Ray, Serve and Milvus as `/package.Service/Name`."""
    for package in (ray.core.generated, ray.serve.generated, grpc_gen):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("_pb2"):
                continue
            services: Any = importlib.import_module(module.name).DESCRIPTOR.services_by_name
            for service in services.values():
                for method in service.methods:
                    if method.name.startswith(TESTED_METHODS):
                        yield f"/{service.full_name}/{method.name}"


def http_statuses(port: int) -> dict[str, int]:
    """Returns the status of each request that got a response."""
    statuses: dict[str, int] = {}
    for request in REQUESTS:
        verb, path, *body = request.split(" ", 2)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        with suppress(OSError, http.client.HTTPException):
            headers = {"Content-Type": "application/json"}
            connection.request(verb, path, body[0] if body else None, headers)
            statuses[request] = connection.getresponse().status
        connection.close()
        if not statuses:
            break  # no HTTP/1
    return statuses


def grpc_statuses(methods: Sequence[str], port: int) -> dict[str, str]:
    """Returns the status code of each method that the port implements."""
    codes: dict[str, str] = {}
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(TIMEOUT_SECONDS)
        except grpc.FutureTimeoutError:
            return {}  # no gRPC
        for method in methods:
            code = grpc_code(channel, method)
            if code != "UNIMPLEMENTED":
                codes[method] = code
    return codes


def grpc_code(channel: grpc.Channel, method: str) -> str:
    """Returns the status of a call with an empty message and without a token."""
    try:
        for _ in channel.unary_stream(method)(b"", timeout=TIMEOUT_SECONDS):
            break
    except grpc.RpcError as error:
        return error.code().name  # pyright: ignore[reportAttributeAccessIssue]
    return "OK"


def postgres_error(port: int) -> str | None:
    """Returns the error of a superuser login without a password; None without PostgreSQL."""

    async def connect() -> str | None:
        try:
            connection = await asyncpg.connect(
                f"postgresql://{SUPERUSER}:@127.0.0.1:{port}/postgres",
                password="",
                timeout=TIMEOUT_SECONDS,
            )
        except asyncpg.PostgresError as error:
            return type(error).__name__
        except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError):
            return None
        await connection.close()
        return "connected"

    return asyncio.run(connect())


def readable_paths(folder: str) -> Iterator[Path]:
    """Yields the readable folders (including itself) and files below the folder."""
    for parent, folders, files in os.walk(folder):
        yield Path(parent)
        for name in [*folders, *files]:
            path = Path(parent, name)
            if path.is_file() and os.access(path, os.R_OK):
                yield path


if __name__ == "__main__":
    main()
