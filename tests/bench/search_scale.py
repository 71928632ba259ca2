"""(k) Hybrid searches over many synthetic chunks, on an embedded Milvus of its own.

Measures `VectorStore.search` on an idle store and while another process upserts chunks at the rate
of a folder, the memory of the server process, and the seconds from a start after kill -9 to the
first answered search.
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import psutil

from domain.documents import Chunk
from domain.search import SearchQuery
from stores.embedded.embedded_milvus import EmbeddedMilvus
from stores.milvus.vector_store import VectorStore
from tests.bench.report import Figure, Findings, Grid, quantile
from tests.bench.search import questions
from tests.made_library import CHUNKS_OF_A_DOCUMENT, DIMENSION, made_documents, made_vectors

ROWS = (10_000, 100_000)
QUERIES, WARM_QUERIES = 200, 20
CHUNKS_PER_SECOND = 110  # a folder on two cores: docs/benchmarks.md, "One run"
COLLECTION = "bench-scale"
COLUMNS = ("idle p50 ms", "p99 ms", "busy p50 ms", "p99 ms", "KB per chunk", "restart s")


def measure(folder: Path, sizes: Sequence[int]) -> Findings:
    """A row of the table for each number of chunks; the chunks are added to the previous ones."""
    server, rows = EmbeddedMilvus(folder / "scale"), dict[str, Sequence[float]]()
    server.start()
    try:
        empty, store, filled = _resident(server), _store(server), 0
        for size in sizes:
            _fill(store, filled, size)
            filled = size
            rows[f"{size:,} chunks"] = _measured(server, store, size, empty)
    finally:
        server.stop()
        shutil.rmtree(folder / "scale")
    figures = [Figure(f"hybrid p50, {name}", row[0], "ms") for name, row in rows.items()]
    return Findings(figures, grids=[Grid("search-scale", COLUMNS, rows)])


def _measured(server: EmbeddedMilvus, store: VectorStore, size: int, empty: int) -> list[float]:
    idle = _searched(store)
    memory = (_resident(server) - empty) / size / 1000
    with multiprocessing.get_context("spawn").Manager() as manager:
        begun, ended = manager.Event(), manager.Event()
        writer = multiprocessing.get_context("spawn").Process(
            target=_write_on, args=(server.root, server.port, size, begun, ended)
        )
        writer.start()
        try:
            begun.wait()
            busy = _searched(store)
        finally:
            ended.set()
            writer.join()
    restart = _restarted(server, store)
    milliseconds = [1000 * quantile(one, share) for one in (idle, busy) for share in (0.5, 0.99)]
    return [*milliseconds, memory, restart]


def _searched(store: VectorStore) -> list[float]:
    """Seconds of each hybrid search."""
    seconds = list[float]()
    vectors = made_vectors(random.Random(7), WARM_QUERIES + QUERIES)
    for question, vector in zip(questions(len(vectors)), vectors, strict=True):
        began = time.perf_counter()
        if not store.search(SearchQuery(question, COLLECTION), vector):
            raise RuntimeError("A search over a full collection found nothing.")
        seconds.append(time.perf_counter() - began)
    return seconds[WARM_QUERIES:]


def _restarted(server: EmbeddedMilvus, store: VectorStore) -> float:
    """Seconds from the start after a kill -9 to the first answered search."""
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    store.close()
    began = time.perf_counter()
    server.start()
    _store(server).search(SearchQuery("function", COLLECTION), np.ones(DIMENSION))
    return time.perf_counter() - began


def _write_on(root: Path, port: int, first: int, begun: Event, ended: Event) -> None:
    """Upserts documents at the rate of a folder, from the event `begun` to the event `ended`."""
    store = _store(EmbeddedMilvus(root, port))
    for document in made_documents(COLLECTION, first, 10 * first):
        began = time.perf_counter()
        _upsert(store, *document)
        begun.set()
        if ended.wait(max(0.0, CHUNKS_OF_A_DOCUMENT / CHUNKS_PER_SECOND - _since(began))):
            break
    store.close()


def _since(began: float) -> float:
    return time.perf_counter() - began


def _store(server: EmbeddedMilvus) -> VectorStore:
    token = server.token_file.read_text()
    store = VectorStore(
        server.url, token, name="scale", dimension=DIMENSION, model="none", timeout_seconds=60
    )
    store.prepare()
    return store


def _resident(server: EmbeddedMilvus) -> int:
    assert server.process is not None
    return psutil.Process(server.process.pid).memory_info().rss


def _fill(store: VectorStore, first: int, end: int) -> None:
    for document in made_documents(COLLECTION, first, end):
        _upsert(store, *document)


def _upsert(store: VectorStore, chunks: list[Chunk], vectors: np.ndarray) -> None:
    store.upsert(chunks, vectors, collection=COLLECTION)
