"""Lost tasks, events, documents, chunks and hits, compared with an undisturbed run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from domain.documents import Chunk
from domain.jobs import Task, TaskStatus
from runtime.patches.pymilvus import MilvusClient
from serve_app.client import Client
from serve_app.schemas.core import Document
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore
from tests.addresses import StoreAddresses, milvus_name
from tests.event_logs import event_log_errors

MAX_ROWS = 16_384  # the largest result of one Milvus query
MAX_IDS = 5  # in a line


def find_losses(
    stores: StoreAddresses,
    library: Client,
    collection: str,
    jobs: Iterable[str],
    expected: Mapping[str, Sequence[Chunk]],
) -> list[str]:
    """Returns one line for each difference from an undisturbed run; `expected` by document id."""
    tasks = asyncio.run(tasks_of(stores.database_url, jobs))
    chunk_ids = Counter(chunk.chunk_id for chunks in expected.values() for chunk in chunks)
    stored = stored_chunks(stores, collection)
    return [
        *lost_tasks(tasks, expected),
        *lost_events(library, tasks),
        *lost_documents(library, collection, expected),
        *_differences("chunks", stored, chunk_ids),
        *lost_hits(library, collection, len(expected)),
    ]


async def tasks_of(database_url: str, jobs: Iterable[str]) -> list[Task]:
    """Returns the tasks of these jobs from the database."""
    database = Database(database_url)
    try:
        store = JobStore(database)
        return [task for job in jobs for task in await store.tasks(job, limit=10_000)]
    finally:
        await database.close()


def stored_chunks(stores: StoreAddresses, collection: str) -> Counter[str]:
    """Returns the number of rows of each chunk id of the collection, over all versions."""
    uri, token = stores.milvus_uri, stores.milvus_token
    client, name = MilvusClient(uri, token=token, dedicated=True), milvus_name(uri, token)
    try:
        client.load_collection(name)  # after a restart it is loaded on first use
        rows = client.query(
            name,
            filter=f'collection == "{collection}"',
            output_fields=["chunk_id"],
            limit=MAX_ROWS,
        )
    finally:
        client.close()
    return Counter(row["chunk_id"] for row in rows)


def lost_tasks(tasks: Sequence[Task], expected: Mapping[str, object]) -> Iterator[str]:
    """Yields tasks that did not complete or have an invalid attempt, and papers without a task."""
    for task in tasks:
        if task.status is not TaskStatus.COMPLETED:
            error = task.error.message if task.error else "no error"
            yield f"{task.filename} is {task.status} after {task.attempt} attempts: {error}"
        elif not task.attempt <= task.max_attempts or task.lease_token < task.attempt:
            yield f"{task.filename} has attempt {task.attempt}, lease token {task.lease_token}"
    if missing := expected.keys() - {task.document_id for task in tasks}:
        yield f"{len(missing)} papers have no task: {_first(missing)}"


def lost_events(library: Client, tasks: Sequence[Task]) -> Iterator[str]:
    """Yields the errors in the event logs of the jobs."""
    for job, tasks_of_job in groupby(tasks, key=lambda task: task.job_id):
        for error in event_log_errors(list(library.events(job)), list(tasks_of_job)):
            yield f"{job}: {error}"


def lost_documents(
    library: Client, collection: str, expected: Mapping[str, Sequence[Chunk]]
) -> Iterator[str]:
    """Yields documents that are missing, not ready, duplicated, or have a wrong chunk count."""
    seen: Counter[str] = Counter()
    for document in all_documents(library, collection):
        seen[document.document_id] += 1
        found = (document.status, document.version, document.counts.chunks)
        wanted = ("ready", 1, len(expected.get(document.document_id, ())))
        if found != wanted:
            yield f"{document.filename} has status, version, chunks {found}, not {wanted}"
    yield from _differences("documents", seen, Counter(expected.keys()))


def all_documents(library: Client, collection: str) -> Iterator[Document]:
    """Yields every document of the collection."""
    page = library.documents(collection=collection, limit=200)
    yield from page.items
    while page.next_cursor:
        page = library.documents(collection=collection, limit=200, cursor=page.next_cursor)
        yield from page.items


def lost_hits(library: Client, collection: str, papers: int) -> Iterator[str]:
    """Yields papers that are not the first hit for their unique word `markerN`."""
    for number in range(papers):
        found = library.search(f"marker{number}", collection=collection, mode="sparse", limit=1)
        names = [hit.filename for hit in found.hits]
        if names != [f"paper-{number:02}.pdf"]:
            yield f"a search for marker{number} finds {names}"


def _differences(kind: str, found: Counter[str], expected: Counter[str]) -> Iterator[str]:
    if missing := expected - found:
        yield f"{missing.total()} {kind} are missing: {_first(missing)}"
    if surplus := found - expected:
        yield f"{surplus.total()} {kind} too many: {_first(surplus)}"


def _first(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)[:MAX_IDS])
