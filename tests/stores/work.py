"""Helpers for the tests of the stores: uploads, claims and results."""

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
    """Returns an upload with this content; with unique content by default."""
    content = content if content is not None else f"paper {next(_numbers):06}"  # of equal length
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
    """Admits one upload as a job."""
    admitted = await stores.jobs.admit(
        collection, [one or upload()], lane=lane, on_duplicate=on_duplicate
    )
    return admitted[0]


async def claim(stores: Stores, limit: int = 100, lane: Lane = Lane.INTERACTIVE) -> list[Task]:
    """Claims tasks as a worker."""
    return await stores.queue.claim(lane, limit, worker="worker", lease_seconds=LEASE)


async def claim_one(stores: Stores) -> Task:
    """Claims tasks and returns the only one."""
    (task,) = await claim(stores)
    return task


async def begin(stores: Stores, one: Upload | None = None) -> Task:
    """Admits an upload and claims its task."""
    await admit(stores, one)
    return await claim_one(stores)


async def ready(stores: Stores, one: Upload) -> str:
    """Processes an upload to the end; returns the id of its searchable document."""
    task = await begin(stores, one)
    await stores.queue.finish(task, DONE)
    return task.document_id


async def task_now(stores: Stores, task: Task | Admission) -> Task:
    """Returns the current state of the task in the store."""
    tasks = await stores.jobs.tasks(task.job_id, limit=1000)
    return next(one for one in tasks if one.task_id == task.task_id)
