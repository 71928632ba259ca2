"""In-memory fakes of the PostgreSQL stores, for tests that need no database.

`tests/stores` runs the same tests on the fakes and on the real stores. No method awaits anything
between its reads and writes, so each method is atomic in an event loop.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.documents import Document, DocumentStatus, document_id
from domain.errors import Conflict, IdempotencyKeyReused
from domain.fair_share import EQUAL_SHARES, ShareWeights, flow_of
from domain.identifiers import JOB_ID
from domain.job_steps import pages_read
from domain.jobs import (
    Admission,
    CursorPage,
    Job,
    JobStatus,
    Lane,
    OnDuplicate,
    Task,
    TaskStatus,
    Upload,
    WaitFor,
    new_job_id,
    share_done,
)
from stores.postgres.acknowledgements import FAILURES_KEPT
from stores.postgres.admission import BeforeCommit, admission_of, check_duplicate, no_callback
from stores.postgres.document_moves import CARRIED_OVER
from stores.postgres.job_store import ADMISSION_SECONDS
from stores.postgres.queue_limit import AdmissionLimit
from tests.fakes.in_memory_deletions import InMemoryDeletionQueue
from tests.fakes.in_memory_documents import InMemoryDocumentStore
from tests.fakes.in_memory_events import InMemoryEventFeed, InMemoryEventLog
from tests.fakes.in_memory_folders import InMemoryFolderJobs
from tests.fakes.in_memory_job_control import InMemoryJobControl
from tests.fakes.in_memory_queue import InMemoryTaskQueue
from tests.fakes.in_memory_state import (
    DocumentEntry,
    State,
    counts_of,
    is_open,
    page_of,
    step_counts_of,
    utc_now,
)


class InMemoryStores:
    """Fakes of all stores over one shared state. `clock` lets a test control the time."""

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        max_attempts: int = 4,
        keep_days: float = 7,
        queue_limit: int | None = None,
        weights: ShareWeights = EQUAL_SHARES,
    ) -> None:
        self.state = State(clock)
        self.jobs = InMemoryJobStore(
            self.state, max_attempts=max_attempts, keep_days=keep_days, queue_limit=queue_limit
        )
        self.queue = InMemoryTaskQueue(self.state, weights)
        self.job_control = InMemoryJobControl(self.state)
        self.events = InMemoryEventLog(self.state)
        self.event_feed = InMemoryEventFeed(self.state)
        self.documents = InMemoryDocumentStore(self.state)
        self.deletions = InMemoryDeletionQueue(self.state)
        self.folders = InMemoryFolderJobs(self.state)


class InMemoryJobStore:
    """A fake of `stores.postgres.job_store.JobStore`."""

    def __init__(
        self,
        state: State,
        *,
        max_attempts: int = 4,
        keep_days: float = 7,
        queue_limit: int | None = None,
    ) -> None:
        self.state = state
        self.max_attempts = max_attempts
        self.keep = timedelta(days=keep_days)
        self.admission_limit = AdmissionLimit(self._count_open, queue_limit)

    async def admit(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        kind: str = "upload",
        lane: Lane = Lane.INTERACTIVE,
        on_duplicate: OnDuplicate = OnDuplicate.RETURN,
        job_id: str | None = None,
        more_to_come: bool = False,
        known_only: bool = False,
        before_commit: BeforeCommit = no_callback,
    ) -> list[Admission]:
        """Like `JobStore.admit`."""
        if uploads:
            await self.admission_limit.reserve(collection, len(uploads))
        if known_only:
            uploads = [upload for upload in uploads if self._is_known(collection, upload)]
            if not uploads:
                return []
        job, is_part = job_id or new_job_id(), job_id is not None or more_to_come
        flow = job if is_part else flow_of(job, lane, len(uploads))
        self._check_open(job, uploads)
        self._find_duplicates(collection, uploads, on_duplicate)
        await before_commit()
        self._check_open(job, uploads)
        duplicates = self._find_duplicates(collection, uploads, on_duplicate)
        self._open_job(job, kind, lane, collection)
        self._set_admitting_until(job, more_to_come)
        self.state.collections.setdefault(collection, self.state.clock())
        seen: set[str] = set()
        admitted = []
        for upload, is_duplicate in zip(uploads, duplicates, strict=True):
            name = document_id(collection, upload.sha256)
            if name not in seen:
                self._upsert_document(collection, upload, on_duplicate)
            seen.add(name)
            task = self._new_task(job, lane, upload, self.state.entries[name], on_duplicate)
            self.state.set_task(task, flow=flow)
            duplicate_of = name if is_duplicate else None
            admitted.append(Admission(job, task.task_id, name, upload.filename, duplicate_of))
        self.state.close_if_done(job)
        return admitted

    async def admit_once(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        job_id: str,
        request_digest: str,
        **options: Any,
    ) -> list[Admission]:
        """Like `JobStore.admit_once`."""
        if job_id not in self.state.jobs:
            admitted = await self.admit(collection, uploads, job_id=job_id, **options)
            self.state.request_digests[job_id] = request_digest
            flow = flow_of(job_id, self.state.jobs[job_id].lane, len(uploads))
            for task in self.state.tasks_of(job_id):
                self.state.set_task(task, flow=flow)
            return admitted
        if self.state.request_digests.get(job_id) not in (None, request_digest):
            raise IdempotencyKeyReused
        self.state.check_known(job_id)
        return list(map(admission_of, self.state.tasks_of(job_id)))

    async def move(self, document: Document, collection: str) -> Admission:
        """Like `JobStore.move`."""
        documents = InMemoryDocumentStore(self.state)
        source = await documents.get(document.document_id)
        target = document_id(collection, source.sha256)
        if self._is_known(collection, _upload_of(source)):
            raise Conflict(f"{source.filename!r} is in that collection already, as {target}.")
        title_key = self.state.entries[source.document_id].title_key
        await documents.delete(source.document_id)
        (admission,) = await self.admit(collection, [_upload_of(source)], kind="move")
        entry = self.state.entries[target]
        entry.set(**{name: getattr(source, name) for name in CARRIED_OVER if name != "title_key"})
        entry.title_key = title_key
        return admission

    def _is_known(self, collection: str, upload: Upload) -> bool:
        entry = self.state.entries.get(document_id(collection, upload.sha256))
        return entry is not None and entry.document.status != DocumentStatus.DELETED

    def _check_open(self, job_id: str, uploads: Sequence[Upload]) -> None:
        job = self.state.jobs.get(job_id)
        if uploads and job and job.cancel_requested:
            raise Conflict(f"Job {job_id} was cancelled; nothing more is admitted to it.")
        if uploads and job and job.finished_at is not None:
            raise Conflict(f"Job {job_id} has ended; leave job_id out to start a new one.")

    def _find_duplicates(
        self, collection: str, uploads: Sequence[Upload], policy: OnDuplicate
    ) -> list[bool]:
        """Returns for each upload whether its document exists or occurs earlier in the request."""
        seen: set[str] = set()
        duplicates = []
        for upload in uploads:
            name = document_id(collection, upload.sha256)
            duplicates.append(name in seen or self.state.is_live(name))
            check_duplicate(duplicates[-1], name, upload, policy)
            seen.add(name)
        return duplicates

    def _open_job(self, job_id: str, kind: str, lane: Lane, collection: str) -> None:
        now = self.state.clock()
        job = Job(
            job_id=job_id,
            kind=kind,
            lane=lane,
            collection=collection,
            status=JobStatus.QUEUED,
            created_at=now,
        )
        self.state.jobs.setdefault(job_id, job)

    def _set_admitting_until(self, job_id: str, more_to_come: bool) -> None:
        """Keeps the job open for ADMISSION_SECONDS if more uploads are announced."""
        self.state.admitting_until.pop(job_id, None)
        if more_to_come:
            until = self.state.clock() + timedelta(seconds=ADMISSION_SECONDS)
            self.state.admitting_until[job_id] = until

    async def check_queue_limit(self, collection: str) -> None:
        """Like `JobStore.check_queue_limit`."""
        await self.admission_limit.reserve(collection, 0)

    async def _count_open(self, collection: str, limit: int) -> int:
        tasks = (task for task in self.state.tasks.values() if task.collection == collection)
        return min(limit, sum(map(is_open, tasks)))

    async def close_abandoned(self) -> int:
        """Like `JobStore.close_abandoned`."""
        now = self.state.clock()
        deadlines = self.state.admitting_until.items()
        overdue = [job_id for job_id, until in deadlines if until < now]
        return sum(self.state.close_if_done(job_id) for job_id in overdue)

    def _upsert_document(self, collection: str, upload: Upload, policy: OnDuplicate) -> None:
        """Creates the document, starts it over, or opens its next version."""
        name = document_id(collection, upload.sha256)
        entry = self.state.entries.get(name)
        if entry is None:
            document = Document(
                document_id=name,
                collection=collection,
                sha256=upload.sha256,
                filename=upload.filename,
                bytes=upload.bytes,
                created_at=self.state.clock(),
            )
            self.state.entries[name] = DocumentEntry(document)
        elif not self.state.is_live(name):
            entry.start_over(upload.filename)
        elif _is_ready(entry) and policy == OnDuplicate.REPROCESS:
            entry.latest_version += 1

    def _new_task(
        self, job: str, lane: Lane, upload: Upload, entry: DocumentEntry, policy: OnDuplicate
    ) -> Task:
        now = self.state.clock()
        document = entry.document
        task = Task(
            task_id=uuid.uuid4(),
            job_id=job,
            document_id=document.document_id,
            collection=document.collection,
            version=entry.latest_version,
            sha256=upload.sha256,
            filename=upload.filename,
            lane=lane,
            urgent=lane == Lane.INTERACTIVE,
            status=TaskStatus.QUEUED,
            max_attempts=self.max_attempts,
            created_at=now,
            next_attempt_at=now,
        )
        if not _is_ready(entry) or policy == OnDuplicate.REPROCESS:
            return self.state.set_task(task)
        return self.state.set_task(
            task,
            version=document.version,
            status=TaskStatus.COMPLETED,
            pages_done=document.pages or 0,
            pages_total=document.pages,
            chunks_done=document.chunks,
            chunks_total=document.chunks,
            searchable_at=now,
            finished_at=now,
        )

    async def job(self, job_id: str) -> Job:
        """Like `JobStore.job`."""
        self.state.check_known(job_id)
        job = self._with_totals(self.state.jobs[job_id])
        if job.status != JobStatus.QUEUED:
            return job
        return job.model_copy(update={"queue_position": self._position(job_id)})

    async def collection_of(self, job_id: str) -> str | None:
        """Like `JobStore.collection_of`."""
        job = self.state.jobs.get(job_id)
        return job.collection if job else None

    async def has_come(self, job_id: str, until: WaitFor) -> bool:
        """Like `JobStore.has_come`."""
        job = self.state.jobs.get(job_id)
        if job is None or job.finished_at is not None:
            return True
        tasks = filter(is_open, self.state.tasks_of(job_id))
        return until == WaitFor.SEARCHABLE and all(task.searchable_at for task in tasks)

    def _with_totals(self, job: Job) -> Job:
        tasks = self.state.tasks_of(job.job_id)
        totals = {
            "counts": counts_of(tasks),
            "steps": step_counts_of(tasks),
            "pages_done": sum(task.pages_done for task in tasks),
            "pages_read": sum(map(pages_read, tasks)),
            "pages_total": sum(task.pages_total or 0 for task in tasks),
            "chunks_done": sum(task.chunks_done for task in tasks),
            "shares_done": sum(map(share_done, tasks)),
            "expires_at": job.finished_at + self._keep(job) if job.finished_at else None,
        }
        return job.model_copy(update=totals)

    def _keep(self, job: Job) -> timedelta:
        is_open = self.state.has_open_failures(job.job_id)
        return max(self.keep, FAILURES_KEPT) if is_open else self.keep

    def _keep_until_purge(self, job: Job) -> timedelta:
        names = [task.document_id for task in self.state.tasks_of(job.job_id)]
        statuses = [self.state.entries[name].document.status for name in names]
        return self.keep if DocumentStatus.DELETED in statuses else self._keep(job)

    def _position(self, job_id: str) -> int | None:
        queued = [task for task in self.state.tasks.values() if task.status == TaskStatus.QUEUED]
        queued.sort(key=lambda task: task.created_at)
        first = next((task for task in queued if task.job_id == job_id), None)
        if first is None:
            return None
        return 1 + [task.task_id for task in queued if task.lane == first.lane].index(first.task_id)

    async def jobs(
        self,
        *,
        status: JobStatus | None = None,
        collection: str | None = None,
        among: Collection[str] | None = None,
        job_ids: Collection[str] | None = None,
        unacknowledged: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> CursorPage[Job]:
        """Like `JobStore.jobs`."""
        found = [
            (job.created_at, job.job_id, job)
            for job in self.state.jobs.values()
            if job.job_id not in self.state.purged
            and status in (None, job.status)
            and collection in (None, job.collection)
            and (among is None or job.collection in among)
            and (job_ids is None or job.job_id in job_ids)
            and (not unacknowledged or self.state.has_open_failures(job.job_id))
        ]
        page = page_of(found, cursor, limit, JOB_ID)
        return CursorPage([self._with_totals(job) for job in page.items], page.next_cursor)

    async def count_unacknowledged(self, among: Collection[str] | None = None) -> int:
        """Like `JobStore.count_unacknowledged`."""
        jobs = self.state.jobs.values()
        seen = [job for job in jobs if among is None or job.collection in among]
        return sum(self.state.has_open_failures(job.job_id) for job in seen)

    async def tasks(self, job_id: str, limit: int = 100, first: int = 0) -> list[Task]:
        """Like `JobStore.tasks`."""
        return self.state.tasks_of(job_id)[first : first + limit]

    async def filenames(self, task_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
        """Like `JobStore.filenames`."""
        known = self.state.tasks.keys() & set(task_ids)
        return {task_id: self.state.tasks[task_id].filename for task_id in known}

    async def purge(self) -> int:
        """Like `JobStore.purge`."""
        now = self.state.clock()
        purged = {
            job.job_id
            for job in self.state.jobs.values()
            if job.job_id not in self.state.purged
            and job.finished_at
            and job.finished_at < now - self._keep_until_purge(job)
        }
        kept = {name: task for name, task in self.state.tasks.items() if task.job_id not in purged}
        self.state.tasks = kept
        for name in purged:
            self.state.events.pop(name, None)
            self.state.folders.pop(name, None)
        self.state.purged |= purged
        return len(purged)


def _upload_of(document: Document) -> Upload:
    return Upload(document.filename, document.sha256, document.bytes)


def _is_ready(entry: DocumentEntry) -> bool:
    return entry.document.status == DocumentStatus.READY
