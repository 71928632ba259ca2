"""What a library has lost: tasks, documents, chunks and hits against an undisturbed reading."""

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
from tests.addresses import milvus_name, milvus_server, postgres_url
from tests.event_logs import disorder
from tests.service import RunningService

MOST_ROWS = 16_384  # that Milvus answers at once
SHOWN = 5


def losses(
    service: RunningService,
    library: Client,
    collection: str,
    jobs: Iterable[str],
    undisturbed: Mapping[str, Sequence[Chunk]],
) -> list[str]:
    """A sentence for everything that is not as an undisturbed run would have left it."""
    root = service.process.pid
    tasks = asyncio.run(tasks_of(postgres_url(root, service.home), jobs))
    expected = Counter(chunk.chunk_id for chunks in undisturbed.values() for chunk in chunks)
    return [
        *lost_tasks(tasks, undisturbed),
        *lost_order(library, tasks),
        *lost_documents(library, collection, undisturbed),
        *lost_chunks(stored_chunks(milvus_server(root, service.home), collection), expected),
        *lost_hits(library, collection, len(undisturbed)),
    ]


async def tasks_of(database_url: str, jobs: Iterable[str]) -> list[Task]:
    """The tasks of these jobs as the database has them."""
    database = Database(database_url)
    try:
        store = JobStore(database)
        return [task for job in jobs for task in await store.tasks(job, limit=10_000)]
    finally:
        await database.close()


def stored_chunks(server: tuple[str, str], collection: str) -> Counter[str]:
    """How often each chunk id is stored for the collection, of whatever version."""
    uri, token = server
    client, name = MilvusClient(uri, token=token, dedicated=True), milvus_name(uri, token)
    try:
        client.load_collection(name)  # after a restart nobody may have asked for it yet
        rows = client.query(
            name,
            filter=f'collection == "{collection}"',
            output_fields=["chunk_id"],
            limit=MOST_ROWS,
        )
    finally:
        client.close()
    return Counter(row["chunk_id"] for row in rows)


def lost_tasks(tasks: Sequence[Task], undisturbed: Mapping[str, object]) -> Iterator[str]:
    """Tasks that did not complete, or not as often as they should."""
    for task in tasks:
        if task.status is not TaskStatus.COMPLETED:
            why = task.error.message if task.error else "no error"
            yield f"{task.filename} is {task.status} after {task.attempt} attempts: {why}"
        elif not task.attempt <= task.max_attempts or task.lease_token < task.attempt:
            yield f"{task.filename} has attempt {task.attempt}, lease token {task.lease_token}"
    if missing := undisturbed.keys() - {task.document_id for task in tasks}:
        yield f"{len(missing)} papers have no task: {_some(missing)}"


def lost_order(library: Client, tasks: Sequence[Task]) -> Iterator[str]:
    """Moves that the logs of the jobs do not tell in order."""
    for job, mine in groupby(tasks, key=lambda task: task.job_id):
        for sentence in disorder(list(library.events(job)), list(mine)):
            yield f"{job}: {sentence}"


def lost_documents(
    library: Client, collection: str, undisturbed: Mapping[str, Sequence[Chunk]]
) -> Iterator[str]:
    """Documents that are missing, not ready, twice there, or have another number of chunks."""
    seen: Counter[str] = Counter()
    for document in all_documents(library, collection):
        seen[document.document_id] += 1
        found = (document.status, document.version, document.counts.chunks)
        expected = ("ready", 1, len(undisturbed.get(document.document_id, ())))
        if found != expected:
            yield f"{document.filename} has status, version, chunks {found}, not {expected}"
    yield from _differences("documents", seen, Counter(undisturbed.keys()))


def all_documents(library: Client, collection: str) -> Iterator[Document]:
    """Every document of the collection, page by page."""
    page = library.documents(collection=collection, limit=200)
    yield from page.items
    while page.next_cursor:
        page = library.documents(collection=collection, limit=200, cursor=page.next_cursor)
        yield from page.items


def lost_chunks(stored: Counter[str], expected: Counter[str]) -> Iterator[str]:
    """Chunk ids that are missing, too many, or there twice."""
    yield from _differences("chunks", stored, expected)


def lost_hits(library: Client, collection: str, papers: int) -> Iterator[str]:
    """Papers that a search for the word which only they hold does not find first."""
    for number in range(papers):
        found = library.search(f"marker{number}", collection=collection, mode="sparse", limit=1)
        names = [hit.filename for hit in found.hits]
        if names != [f"paper-{number:02}.pdf"]:
            yield f"a search for marker{number} finds {names}"


def _differences(what: str, found: Counter[str], expected: Counter[str]) -> Iterator[str]:
    if missing := expected - found:
        yield f"{missing.total()} {what} are missing: {_some(missing)}"
    if surplus := found - expected:
        yield f"{surplus.total()} {what} too many: {_some(surplus)}"


def _some(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)[:SHOWN])
