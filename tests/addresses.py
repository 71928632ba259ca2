"""Addresses of the stores of a service; embedded ones are read from command lines of servers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from runtime.patches.pymilvus import MilvusClient
from stores.embedded.embedded_postgres import EmbeddedPostgres
from tests.command_lines import command_of
from tests.service import RunningService

POSTGRES = r"bin/postgres .*--port=(\d+)"
MILVUS_LITE = r"milvus_lite_process (\d+)"


@dataclass(frozen=True, slots=True)
class StoreAddresses:
    """The addresses of PostgreSQL and Milvus, and the token of Milvus."""

    database_url: str
    milvus_uri: str
    milvus_token: str


def stores_of(service: RunningService) -> StoreAddresses:
    """Returns the addresses of the embedded stores of a service."""
    root = service.process.pid
    return StoreAddresses(postgres_url(root, service.home), *milvus_server(root, service.home))


def postgres_url(root: int, home: Path) -> str:
    """Returns the URL of the PostgreSQL server below process `root`, with its password file."""
    port = _port(POSTGRES, root)
    return EmbeddedPostgres(home / "stores" / "postgres", port).url


def milvus_server(root: int, home: Path) -> tuple[str, str]:
    """Returns the URL and the token of the Milvus Lite server below process `root`."""
    port = _port(MILVUS_LITE, root)
    return f"http://127.0.0.1:{port}", (home / "stores" / "milvus" / "token").read_text()


def milvus_name(uri: str, token: str) -> str:
    """Returns the collection alias of the only library on a Milvus server."""
    client = MilvusClient(uri, token=token, dedicated=True)
    try:
        known: Any = client.list_aliases()
        [name] = known["aliases"]
    finally:
        client.close()
    return name


def milvus_process(root: int) -> psutil.Process:
    """Returns the Milvus Lite server below process `root`."""
    return _server(MILVUS_LITE, root)[0]


def _port(pattern: str, root: int) -> int:
    return int(_server(pattern, root)[1])


def _server(pattern: str, root: int) -> tuple[psutil.Process, str]:
    """Returns the process with that command line, and the first group of the pattern."""
    for process in psutil.Process(root).children(recursive=True):
        if found := re.search(pattern, command_of(process)):
            return process, found[1]
    raise LookupError(f"No process below {root} has {pattern!r} in its command line.")
