"""Short words for the tests of the stores: uploads, claims and ends."""

from __future__ import annotations

import hashlib
import itertools

from domain.errors import DamagedPdf, VectorStoreUnavailable, failure_of
from domain.jobs import Admission, Lane, OnDuplicate, StepResult, Task, Upload
from domain.papers import Metadata
from tests.stores.postgres import Stores

DAMAGED = failure_of(DamagedPdf(page=3))
AWAY = failure_of(VectorStoreUnavailable())
DONE = StepResult(
    Metadata("A title"), pages=3, chunks=7, sections=2, references=5, artifact_key="read/1"
)
LEASE = 15.0
HOUR = 3600.0
DAY = 24 * HOUR

_numbers = itertools.count()


def upload(content: str | None = None, filename: str | None = None) -> Upload:
    """An upload with these bytes; other bytes each time when nothing is said."""
    content = content if content is not None else f"paper {next(_numbers)}"
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Upload(filename or f"{content}.pdf", digest, len(content))


async def admit(
    stores: Stores,
    one: Upload | None = None,
    *,
    lane: Lane = Lane.INTERACTIVE,
    on_duplicate: OnDuplicate = OnDuplicate.RETURN,
    collection: str = "papers",
) -> Admission:
    """One upload, admitted as a job of its own."""
    admitted = await stores.jobs.admit(
        collection, [one or upload()], lane=lane, on_duplicate=on_duplicate
    )
    return admitted[0]


async def claim(stores: Stores, limit: int = 100, lane: Lane = Lane.INTERACTIVE) -> list[Task]:
    """What a worker gets."""
    return await stores.queue.claim(lane, limit, worker="worker", lease_seconds=LEASE)


async def claim_one(stores: Stores) -> Task:
    """The only task that a worker gets."""
    (task,) = await claim(stores)
    return task


async def begin(stores: Stores, one: Upload | None = None) -> Task:
    """An upload that is admitted and at work."""
    await admit(stores, one)
    return await claim_one(stores)


async def ready(stores: Stores, one: Upload) -> str:
    """The id of the document, which is searchable now."""
    task = await begin(stores, one)
    await stores.queue.finish(task, DONE)
    return task.document_id


async def task_now(stores: Stores, task: Task | Admission) -> Task:
    """The task as it is in the store now."""
    tasks = await stores.jobs.tasks(task.job_id, limit=1000)
    return next(one for one in tasks if one.task_id == task.task_id)
