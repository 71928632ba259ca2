"""kill -9 of the embedded servers during concurrent writes: acknowledged data exists exactly once.

Measured with the unpatched server of the milvus-lite wheel, 3 writers, 2 kills per run: 6 of 8 runs
lost 12 to 36 acknowledged chunks, and one run rejected writes because a file was missing.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.documents import Chunk
from domain.errors import DatabaseUnavailable, NotFound, VectorStoreUnavailable
from domain.search import SearchMode, SearchQuery
from runtime.patches.pymilvus import MilvusClient
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.milvus.vector_store import VectorStore
from stores.postgres.database import Database
from tests.stores.milvus import MilvusLite, chunk, connect, toward
from tests.stores.postgres import make_template, postgres_stores, url_of
from tests.stores.work import admit

WRITERS, KILLS, CHUNKS_AT_ONCE = 3, 2, 12
STARTS, PAPERS_BESIDE_SEALING, READERS = 8, 60, 12


@pytest.mark.parametrize("seed", [0, 1])
def test_acknowledged_chunks_survive_kill_of_milvus_lite(seed: int, own_milvus: MilvusLite) -> None:
    chance = random.Random(seed)
    store = connect(own_milvus, "killed")
    store.prepare()
    acknowledged: list[str] = []
    for kill in range(KILLS):
        write_until_killed(own_milvus, kill, chance.uniform(1, 3), acknowledged)
        own_milvus.start()
    stored = stored_ids(store, own_milvus)
    assert len(acknowledged) > CHUNKS_AT_ONCE
    assert set(acknowledged) <= stored.keys()
    assert max(stored.values()) == 1


def test_concurrent_first_requests_after_start_lose_no_writes(
    own_milvus: MilvusLite,
) -> None:
    """Many clients read and write at the same moment, right after a start."""
    store = connect(own_milvus, "killed")
    store.prepare()
    acknowledged = put(store, "doc_before")
    for number in range(STARTS):
        clients = [connect(own_milvus, "killed", seconds=20) for _ in range(2 * WRITERS)]
        functions = [
            partial(put, one, f"doc_{number}_{n}") for n, one in enumerate(clients[:WRITERS])
        ]
        functions += [partial(one.count, "doc_before", 1) for one in clients[WRITERS:]]
        answers = run_concurrently(functions)
        acknowledged += [name for written in answers[:WRITERS] for name in written]
        assert answers[WRITERS:] == [CHUNKS_AT_ONCE] * WRITERS
        own_milvus.kill()
        own_milvus.start()
    assert stored_ids(store, own_milvus) == Counter(acknowledged)


def run_concurrently(functions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs the functions in threads, started by a barrier; returns their results."""
    together = threading.Barrier(len(functions))

    def begin(work: Callable[[], Any]) -> Any:
        together.wait()
        return work()

    with ThreadPoolExecutor(len(functions)) as threads:
        return list(threads.map(begin, functions))


def test_acknowledged_chunks_are_found_during_concurrent_flush(own_milvus: MilvusLite) -> None:
    store = connect(own_milvus, "sealing")
    store.prepare()
    ended = threading.Event()

    def seal_on() -> None:
        client = MilvusClient(own_milvus.uri, token=own_milvus.token, dedicated=True)
        while not ended.is_set():
            client.flush(store.name)
        client.close()

    sealing = threading.Thread(target=seal_on)
    sealing.start()
    try:
        found = []
        for number in range(PAPERS_BESIDE_SEALING):
            put(store, f"doc_{number}")
            found.append(store.count(f"doc_{number}", 1))
    finally:
        ended.set()
        sealing.join()
    assert found == [CHUNKS_AT_ONCE] * PAPERS_BESIDE_SEALING


def test_sealed_wal_is_not_replayed_after_kill(own_milvus: MilvusLite) -> None:
    store = connect(own_milvus, "sealed")
    store.prepare()
    written = put(store, "doc_a")
    [log] = (own_milvus.folder / "data").glob("collections/sealed*/wal")
    shutil.copytree(log, own_milvus.folder / "kept")
    client = MilvusClient(own_milvus.uri, token=own_milvus.token, dedicated=True)
    client.flush(store.name)
    client.close()
    own_milvus.kill()
    # Simulates an earlier kill: the rows are sealed, but their log still exists.
    shutil.copytree(own_milvus.folder / "kept", log, dirs_exist_ok=True)
    own_milvus.start()
    assert stored_ids(store, own_milvus) == Counter(written)


def write_until_killed(
    server: MilvusLite, kill: int, seconds: float, acknowledged: list[str]
) -> None:
    """Runs several writers, each with its own store, and kills the server meanwhile."""
    ended = threading.Event()
    writers = [
        threading.Thread(target=write, args=(server, f"{kill}_{writer}", acknowledged, ended))
        for writer in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    time.sleep(seconds)
    server.kill()
    ended.set()
    for writer in writers:
        writer.join()


def write(server: MilvusLite, name: str, acknowledged: list[str], ended: threading.Event) -> None:
    """Writes papers of a few chunks until the server is unavailable."""
    store, number = connect(server, "killed", seconds=20), 0
    try:
        while not ended.is_set():
            acknowledged.extend(put(store, f"doc_{name}_{number}"))
            number += 1
    except VectorStoreUnavailable:
        pass
    finally:
        store.close()


def put(store: VectorStore, document: str) -> list[str]:
    """Writes a document's chunks; returns their acknowledged ids."""
    chunks: list[Chunk] = [
        chunk(document, ordinal, f"{document} {ordinal}") for ordinal in range(CHUNKS_AT_ONCE)
    ]
    vectors = np.stack([toward(ordinal % 8) for ordinal in range(CHUNKS_AT_ONCE)])
    store.upsert(chunks, vectors, collection="physics")
    return [one.chunk_id for one in chunks]


def stored_ids(store: VectorStore, server: MilvusLite) -> Counter[str]:
    """Counts how often each chunk id is stored."""
    store.prepare()  # loads the collection
    client = MilvusClient(server.uri, token=server.token, dedicated=True)
    try:
        rows = client.query(store.name, filter="ordinal >= 0", output_fields=["chunk_id"])
    finally:
        client.close()
    return Counter(row["chunk_id"] for row in rows)


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server for a single test, which may kill it."""
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


def test_acknowledged_uploads_survive_kill_of_postgres(own_postgres: EmbeddedPostgres) -> None:
    asyncio.run(make_template(own_postgres))
    acknowledged: list[str] = []
    for seconds in (0.3, 0.7):
        asyncio.run(admit_until_killed(own_postgres, seconds, acknowledged))
        own_postgres.start()
    assert len(acknowledged) > 20
    assert asyncio.run(unknown(own_postgres, acknowledged)) == []


async def admit_until_killed(
    server: EmbeddedPostgres, seconds: float, acknowledged: list[str]
) -> None:
    """Runs several clients that admit uploads, and kills the server meanwhile."""
    database = Database(url_of(server, "migrated"))
    stores = postgres_stores(database)

    async def admit_on() -> None:
        while True:
            acknowledged.append((await admit(stores)).job_id)

    clients = [asyncio.create_task(admit_on()) for _ in range(WRITERS)]
    await asyncio.sleep(seconds)
    assert server.process is not None
    server.process.kill()
    ends = await asyncio.gather(*clients, return_exceptions=True)
    assert {type(end) for end in ends} == {DatabaseUnavailable}
    await database.close()


async def unknown(server: EmbeddedPostgres, jobs: list[str]) -> list[str]:
    """Returns the jobs that the database does not contain."""
    database, missing = Database(url_of(server, "migrated")), []
    for job in jobs:
        try:
            await postgres_stores(database).jobs.job(job)
        except NotFound:
            missing.append(job)
    await database.close()
    return missing


def test_requests_to_a_killed_milvus_lite_fail_only_as_unavailable(own_milvus: MilvusLite) -> None:
    """The threads of a process share one client, which the first that fails closes."""
    store = connect(own_milvus, "shared", seconds=5)
    store.prepare()
    put(store, "doc_shared")
    is_over, errors = threading.Event(), list[Exception]()
    dense = SearchQuery("words", None, SearchMode.DENSE, 3)
    requests = (
        partial(store.count, "doc_shared", 1),
        partial(store.search, dense, toward(0)),
        partial(store.chunks, "doc_shared", 1),
        store.ping,
    )

    def ask(request: Callable[[], Any]) -> None:
        while not is_over.is_set():
            try:
                request()
            except VectorStoreUnavailable:
                pass
            except Exception as error:
                errors.append(error)

    with ThreadPoolExecutor(READERS) as readers:
        for number in range(READERS):
            readers.submit(ask, requests[number % len(requests)])
        for _ in range(STARTS):
            time.sleep(0.3)
            own_milvus.kill()
            own_milvus.start()
        is_over.set()
    assert errors == []
    assert count_when_available(store, "doc_shared") == CHUNKS_AT_ONCE


def count_when_available(store: VectorStore, document_id: str) -> int:
    """Returns the number of chunks; gRPC waits for seconds before it connects again."""
    while True:
        try:
            return store.count(document_id, 1)
        except VectorStoreUnavailable:
            time.sleep(0.2)
