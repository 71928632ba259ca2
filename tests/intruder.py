"""Another user of the machine, who tries every socket of a service and reads its files.

`python -m tests.intruder`, started by root, reads `{"ports": […], "folders": […], "uid": …}`, drops
every right, and writes what each door answered. It knows no secret and shows none.
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
SECONDS = 10
PORTS_AT_ONCE = 4
PULL = "/ray.rpc.ObjectManagerService/Pull"  # its service has no Python module
PATHS = (
    "GET /",
    "GET /api/jobs/",
    'POST /api/jobs/ {"entrypoint": "id"}',
    "GET /api/v0/actors",
    "GET /nodes?view=summary",
    "GET /logical/actors",
    "GET /api/serve/applications/",
    "GET /api/v0/logs",
    'POST /api/job_agent/jobs/ {"entrypoint": "id"}',
    "POST /get_or_create_runtime_env x",
    "GET /metrics",
    "GET /livez",
)
# Calls that change nothing where they are let in, and those through which data is brought.
HARMLESS = ("Get", "List", "InternalKVGet", "InternalKVKeys", "Show", "Describe", "Has", "Check")
HARMLESS += ("Connect", "Healthz", "HandleRequest", "Export", "Query", "Search")


def main() -> None:
    """Answers one request."""
    wanted = json.loads(sys.stdin.read())
    methods = [*sorted(grpc_methods()), PULL]
    become(wanted["uid"])
    ports: list[int] = wanted["ports"]
    with ThreadPoolExecutor(PORTS_AT_ONCE) as several:
        doors = dict(zip(ports, several.map(partial(answers, methods), ports), strict=True))
    readings = [str(path) for folder in wanted["folders"] for path in readable(folder)]
    print(json.dumps({"uid": os.getuid(), "doors": doors, "readable": readings}), flush=True)


def answers(methods: Sequence[str], port: int) -> dict[str, Any]:
    """What the port answered, by the first of the protocols that it speaks."""
    if http := http_answers(port):
        return {"http": http}
    if calls := grpc_answers(methods, port):
        return {"grpc": calls}
    return {"postgres": postgres_answer(port)}


def become(uid: int) -> None:
    """This process is that user: no groups, no capabilities, no way back."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.environ["HOME"] = "/nonexistent"  # that of root cannot even be asked for a file
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def grpc_methods() -> Iterator[str]:
    """Harmless methods of all services of Ray, Serve and Milvus: `/package.Service/Name`."""
    for package in (ray.core.generated, ray.serve.generated, grpc_gen):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("_pb2"):
                continue
            services: Any = importlib.import_module(module.name).DESCRIPTOR.services_by_name
            for service in services.values():
                for method in service.methods:
                    if method.name.startswith(HARMLESS):
                        yield f"/{service.full_name}/{method.name}"


def http_answers(port: int) -> dict[str, int]:
    """Status of each request that was answered."""
    statuses: dict[str, int] = {}
    for request in PATHS:
        verb, path, *body = request.split(" ", 2)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        with suppress(OSError, http.client.HTTPException):
            headers = {"Content-Type": "application/json"}
            connection.request(verb, path, body[0] if body else None, headers)
            statuses[request] = connection.getresponse().status
        connection.close()
        if not statuses:
            break  # does not speak HTTP/1
    return statuses


def grpc_answers(methods: Sequence[str], port: int) -> dict[str, str]:
    """Status code of each method that the port knows."""
    codes: dict[str, str] = {}
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(SECONDS)
        except grpc.FutureTimeoutError:
            return {}  # does not speak gRPC
        for method in methods:
            code = grpc_code(channel, method)
            if code != "UNIMPLEMENTED":
                codes[method] = code
    return codes


def grpc_code(channel: grpc.Channel, method: str) -> str:
    """The status of a call without a message and without a token."""
    try:
        for _ in channel.unary_stream(method)(b"", timeout=SECONDS):
            break
    except grpc.RpcError as error:
        return error.code().name  # pyright: ignore[reportAttributeAccessIssue]
    return "OK"


def postgres_answer(port: int) -> str | None:
    """How PostgreSQL refused the superuser without a password; None where none listens."""

    async def connect() -> str | None:
        try:
            connection = await asyncpg.connect(
                f"postgresql://{SUPERUSER}:@127.0.0.1:{port}/postgres", password="", timeout=SECONDS
            )
        except asyncpg.PostgresError as error:
            return type(error).__name__
        except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError):
            return None
        await connection.close()
        return "let in"

    return asyncio.run(connect())


def readable(folder: str) -> Iterator[Path]:
    """Files and folders below (itself too) that can be looked into."""
    for place, names, files in os.walk(folder):
        yield Path(place)
        for name in [*names, *files]:
            path = Path(place, name)
            if path.is_file() and os.access(path, os.R_OK):
                yield path


if __name__ == "__main__":
    main()
