"""A Milvus Lite server for the tests, vector stores on it, and chunks with their vectors."""

from __future__ import annotations

import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.documents import Chunk
from domain.papers import Box
from runtime.ports import free_port
from runtime.private_files import secret
from runtime.processes import wait_for_port
from stores.embedded.embedded_milvus import server_command, server_environment
from stores.milvus.vector_store import VectorStore
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.records import make_chunk

DIMENSION = 8


class MilvusLite:
    """A Milvus Lite server process that can be stopped and restarted on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return (self.folder / "token").read_text()

    def start(self) -> None:
        """Starts the server and waits until its port is open."""
        log_file = self.folder / "server.log"
        secret(self.folder / "token")
        with log_file.open("ab") as log:
            self.process = subprocess.Popen(
                server_command(self.port, self.folder / "data", self.folder / "token"),
                stdout=log,
                stderr=log,
                env=server_environment(),
            )
        wait_for_port(self.port, self.process, 60, log_file)

    def kill(self) -> None:
        """Kills the server with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stops the server with SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=20)
            self.process = None


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusLite]:
    """A running Milvus Lite server, shared by the tests; each test uses its own collections."""
    server = MilvusLite(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_milvus(tmp_path: Path) -> Iterator[MilvusLite]:
    """A server for a single test, which may kill it."""
    server = MilvusLite(tmp_path)
    server.start()
    yield server
    server.stop()


def connect(
    server: MilvusLite,
    name: str | None = None,
    *,
    dimension: int = DIMENSION,
    model: str = "test",
    seconds: float = 8.0,
) -> VectorStore:
    """Returns a vector store on the server, by default with a new collection."""
    return VectorStore(
        server.uri,
        server.token,
        name=name or f"test_{uuid.uuid4().hex[:8]}",
        dimension=dimension,
        model=model,
        timeout_seconds=seconds,
    )


def chunk(
    document: str = "doc_a",
    ordinal: int = 0,
    text: str = "Turbulent flow over a flat plate.",
    *,
    page: int = 1,
    last_page: int | None = None,
    **fields: Any,
) -> Chunk:
    """Returns a chunk with one box on each page from `page` to `last_page`."""
    pages = range(page, (last_page or page) + 1)
    boxes = tuple(Box(number, 72.5, 100.25, 300.125, 240.0) for number in pages)
    defaults: dict[str, Any] = {"section": "2.1 Method", "boxes": boxes, "tokens": 9}
    return make_chunk(document, ordinal, text, **(defaults | fields))


def toward(*axes: int) -> np.ndarray:
    """Returns a vector between these axes, shape (DIMENSION,)."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[list(axes)] = 1.0
    return vector


def put(
    store: VectorStore | InMemoryVectorStore, *chunks: Chunk, collection: str = "physics"
) -> None:
    """Stores the chunks, each with a vector toward another axis."""
    vectors = np.stack([toward(number % DIMENSION) for number in range(len(chunks))])
    store.upsert(list(chunks), vectors, collection=collection)
