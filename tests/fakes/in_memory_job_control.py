"""An in-memory fake of `stores.postgres.job_control.JobControl`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from domain.documents import DocumentStatus
from domain.identifiers import TASK_ID
from domain.job_control import (
    Cancelled,
    CancelOutcome,
    IncompleteTask,
    Version,
    cancel_outcome,
    cancelled_by,
    needs_new_version,
    not_ended,
    pages_failed,
    restart_step,
    starts_over,
)
from domain.jobs import LANE_OF_STEP, CursorPage, Step, Task, TaskStatus, job_status
from stores.postgres.audit_log import actor
from tests.fakes.in_memory_folders import stop_registration
from tests.fakes.in_memory_state import DocumentEntry, State, counts_of, is_open, page_of


class InMemoryJobControl:
    """Cancels, retries and acknowledges jobs."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def cancel(self, job_id: str, *, keep_chunks: bool = False) -> Cancelled:
        """Like `JobControl.cancel`."""
        self.state.check_known(job_id)
        if self.state.jobs[job_id].finished_at is None:
            self.state.set_job(job_id, cancel_requested=True)
            self.state.admitting_until.pop(job_id, None)
            stop_registration(self.state, job_id)
        tasks = list(filter(is_open, self.state.tasks_of(job_id)))
        for task in tasks:
            self.state.cancel_task(task, cancelled_by(actor()))
        left_over = [left for task in tasks for left in self._apply_cancel(task, keep_chunks)]
        self.state.close_if_done(job_id)
        for document_id, version in dict.fromkeys(left_over):
            self.state.enqueue_deletion(document_id, version, version)
        return Cancelled(len(tasks), tuple(dict.fromkeys(left_over)))

    def _apply_cancel(self, task: Task, keep_chunks: bool) -> Iterator[Version]:
        """Updates the document of a cancelled task; yields the version to delete, if any."""
        entry = self.state.entries[task.document_id]
        others = filter(is_open, self.state.tasks.values())
        is_shared = any(_same_work(task, other) for other in others)
        outcome = cancel_outcome(task, entry.document, is_shared=is_shared, keep_chunks=keep_chunks)
        if outcome is CancelOutcome.KEPT:
            entry.set(needs_review=True)
        if outcome is CancelOutcome.CANCELLED:
            entry.empty(DocumentStatus.CANCELLED)
        if outcome in (CancelOutcome.AS_IS, CancelOutcome.CANCELLED) and task.lease_token:
            yield task.document_id, task.version

    async def retry(self, job_id: str) -> int:
        """Like `JobControl.retry`."""
        self.state.check_known(job_id)
        ended = [task for task in self.state.tasks_of(job_id) if not is_open(task)]
        steps = [(task, restart_step(task, self._entry(task).document)) for task in ended]
        retryable = [(task, step) for task, step in steps if step is not None]
        versions = self._new_versions([task for task, _ in retryable])
        for task, step in retryable:
            document = self._entry(task).document
            self._requeue(task, step, versions.get(task.document_id, document.version))
        if retryable:
            status = job_status(counts_of(self.state.tasks_of(job_id)))
            seen = {"acknowledged_at": None, "acknowledged_by": None}
            reopened = {"finished_at": None, "cancel_requested": False, **seen}
            self.state.set_job(job_id, status=status, **reopened)
        return len(retryable)

    def _new_versions(self, tasks: list[Task]) -> dict[str, int]:
        """Opens new versions where required; returns their numbers by document id."""
        chosen = [task for task in tasks if needs_new_version(task, self._entry(task).document)]
        entries = {task.document_id: self._entry(task) for task in chosen}
        for entry in entries.values():
            if starts_over(entry.document):
                entry.start_over(entry.document.filename)
            else:
                entry.latest_version += 1
        return {name: entry.latest_version for name, entry in entries.items()}

    def _requeue(self, task: Task, step: Step, version: int) -> None:
        self.state.set_task(
            task,
            status=TaskStatus.QUEUED,
            step=step,
            version=version,
            lane=LANE_OF_STEP.get(step) or self.state.jobs[task.job_id].lane,
            attempt=0,
            isolate=False,
            next_attempt_at=self.state.clock(),
            pages_done=0,
            finished_at=None,
            error=None,
            searchable_at=None if step is Step.READ_TEXT else task.searchable_at,
        )

    async def acknowledge(self, job_id: str) -> bool:
        """Like `JobControl.acknowledge`."""
        self.state.check_known(job_id)
        if self.state.jobs[job_id].finished_at is None:
            raise not_ended(job_id)
        return bool(self._acknowledge([job_id]))

    async def acknowledge_all(
        self,
        *,
        collection: str | None = None,
        among: Collection[str] | None = None,
        until: datetime | None = None,
    ) -> int:
        """Like `JobControl.acknowledge_all`."""
        return self._acknowledge(
            [
                job.job_id
                for job in self.state.jobs.values()
                if collection in (None, job.collection)
                and (among is None or job.collection in among)
                and (until is None or (job.finished_at and job.finished_at <= until))
            ]
        )

    def _acknowledge(self, job_ids: list[str]) -> int:
        chosen = [job_id for job_id in job_ids if self.state.has_open_failures(job_id)]
        for job_id in chosen:
            seen = {"acknowledged_at": self.state.clock(), "acknowledged_by": actor()}
            self.state.set_job(job_id, **seen)
        return len(chosen)

    async def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> CursorPage[IncompleteTask]:
        """Like `JobControl.failures`."""
        self.state.check_known(job_id)
        found: list[tuple[datetime, str, IncompleteTask]] = []
        for task in self.state.tasks_of(job_id):
            pages = pages_failed(task, self._entry(task).document)
            if task.finished_at and (task.status is TaskStatus.FAILED or pages):
                found.append((task.finished_at, str(task.task_id), IncompleteTask(task, pages)))
        return page_of(found, cursor, limit, TASK_ID)

    def _entry(self, task: Task) -> DocumentEntry:
        return self.state.entries[task.document_id]


def _same_work(task: Task, other: Task) -> bool:
    return (task.document_id, task.version) == (other.document_id, other.version)
