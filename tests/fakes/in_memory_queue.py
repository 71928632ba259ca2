"""An in-memory fake of `stores.postgres.task_queue.TaskQueue`."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.documents import DocumentStatus
from domain.duplicate_rule import corrected, refusal, replacement
from domain.duplicates import Duplicates
from domain.errors import Failure, LeaseLost, WorkerCrashed, failure_of
from domain.fair_share import EQUAL_SHARES, Flow, ShareWeights
from domain.flow_window import FlowWindow
from domain.jobs import (
    LANE_OF_STEP,
    JobStatus,
    Lane,
    Progress,
    Step,
    StepResult,
    Task,
    TaskEnd,
    TaskStatus,
    backoff_seconds,
)
from domain.lane_schedule import LaneSchedule
from domain.same_work import Work
from stores.postgres.admission import LIVE_STATUSES
from stores.postgres.claims import CLAIM_ATTEMPTS
from tests.fakes.in_memory_documents import InMemoryDocumentStore
from tests.fakes.in_memory_state import State, is_open, work_of


class InMemoryTaskQueue:
    """Leases tasks to workers and records results."""

    def __init__(self, state: State, weights: ShareWeights = EQUAL_SHARES) -> None:
        self.state = state
        self.weights = weights
        self._schedules: dict[Lane, LaneSchedule] = {}

    async def claim(
        self, lane: Lane, limit: int, *, worker: str, lease_seconds: float
    ) -> list[Task]:
        """Like `TaskQueue.claim`."""
        schedule = self._schedules.setdefault(lane, LaneSchedule(self.weights))
        for _ in range(CLAIM_ATTEMPTS):
            considered, batch = self._select(lane, schedule, limit)
            schedule.charge(considered, batch, limit)
            if batch or not FlowWindow.is_full(considered, limit):
                return [self._lease(task, lease_seconds) for task in batch]
        return []

    def _select(
        self, lane: Lane, schedule: LaneSchedule, limit: int
    ) -> tuple[list[Flow], list[Task]]:
        """Returns the flows that the claim considers, and the tasks of its micro-batch."""
        while True:
            considered = self._flows(lane, schedule.window, FlowWindow.size(limit))
            candidates = self._candidates(lane, schedule.wanted(considered, limit))
            if not self._complete_duplicates(candidates):
                return considered, schedule.select_batch(candidates, limit)

    def _flows(self, lane: Lane, window: FlowWindow, size: int) -> list[Flow]:
        """Returns the flows with queued tasks that the claim considers."""
        waiting: dict[str, set[str]] = {}
        for task in self.state.tasks.values():
            if task.status == TaskStatus.QUEUED and task.lane == lane:
                waiting.setdefault(task.collection, set()).add(task.flow)
        collections = _ring(waiting, window.collection, size)
        of_each = max(1, size // max(1, len(collections)))
        return [
            (collection, flow)
            for collection in collections
            for flow in _ring(waiting[collection], window.flows.get(collection, ""), of_each)
        ]

    def _candidates(self, lane: Lane, wanted: Mapping[Flow, int]) -> list[Task]:
        """Returns the first claimable tasks of the flows, each flow in the order of the queue."""
        due = self._due(lane)
        return [
            task
            for flow, most in wanted.items()
            for task in [one for one in due if (one.collection, one.flow) == flow][:most]
        ]

    def _due(self, lane: Lane) -> list[Task]:
        """Returns queued tasks whose backoff has passed and whose document has no running task."""
        now = self.state.clock()
        tasks = self.state.tasks.values()
        running = {task.document_id for task in tasks if task.status == TaskStatus.RUNNING}
        due = [
            task
            for task in tasks
            if task.status == TaskStatus.QUEUED
            and task.lane == lane
            and task.document_id not in running
            and _due_at(task) <= now
        ]
        return sorted(due, key=lambda task: task.created_at)

    def _complete_duplicates(self, due: Sequence[Task]) -> int:
        """Completes tasks whose document was indexed by another task; returns their number."""
        duplicates = [task for task in due if self._is_already_indexed(task)]
        for task in duplicates:
            document = self.state.entries[task.document_id].document
            now = self.state.clock()
            self.state.set_task(
                task,
                status=TaskStatus.COMPLETED,
                pages_done=document.pages or 0,
                pages_total=document.pages,
                chunks_done=document.chunks,
                chunks_total=document.chunks,
                searchable_at=now,
                finished_at=now,
                error=None,
            )
            self.state.close_if_done(task.job_id)
        return len(duplicates)

    def _is_already_indexed(self, task: Task) -> bool:
        entry = self.state.entries[task.document_id]
        is_indexed = (
            entry.document.status == DocumentStatus.READY and entry.artifact_key is not None
        )
        is_first_step = task.step == Step.READ_TEXT
        return is_first_step and is_indexed and entry.document.version >= task.version

    def _lease(self, task: Task, lease_seconds: float) -> Task:
        now = self.state.clock()
        leased = self.state.set_task(
            task,
            status=TaskStatus.RUNNING,
            attempt=task.attempt + 1,
            lease_token=task.lease_token + 1,
            lease_expires_at=now + timedelta(seconds=lease_seconds),
            started_at=task.started_at or now,
            pages_done=0,
            chunks_done=0 if task.step == Step.READ_TEXT else task.chunks_done,
        )
        if self.state.jobs[task.job_id].status == JobStatus.QUEUED:
            self.state.set_job(task.job_id, status=JobStatus.RUNNING, started_at=now)
        return leased

    async def heartbeat(self, tasks: Sequence[Task], lease_seconds: float) -> set[uuid.UUID]:
        """Like `TaskQueue.heartbeat`."""
        until = self.state.clock() + timedelta(seconds=lease_seconds)
        ours = [task for task in tasks if self._owns(task)]
        for task in ours:
            self.state.set_task(self.state.tasks[task.task_id], lease_expires_at=until)
        return {task.task_id for task in ours}

    async def report(self, task: Task, progress: Progress) -> None:
        """Like `TaskQueue.report`."""
        current = self._current(task)
        values: dict[str, Any] = dict(progress.numbers)
        if progress.searchable:
            values["searchable_at"] = current.searchable_at or self.state.clock()
            self._publish_partial(task, progress)
        self._update_leased(task, **values)

    async def report_numbers(self, reports: Sequence[tuple[Task, Progress]]) -> None:
        """Like `TaskQueue.report_numbers`."""
        for task, progress in reports:
            if self._owns(task):
                self._update_leased(task, **progress.numbers)

    def _publish_partial(self, task: Task, progress: Progress) -> None:
        entry = self.state.entries[task.document_id]
        is_processing = entry.document.status == DocumentStatus.PROCESSING
        if is_processing and entry.latest_version == task.version:
            entry.set(
                status=DocumentStatus.READY,
                version=task.version,
                pages=progress.pages_total,
                chunks=progress.chunks_done or 0,
                searchable_at=entry.document.searchable_at or self.state.clock(),
            )

    async def finish_all(self, ends: Sequence[TaskEnd]) -> None:
        """Like `TaskQueue.finish_all`."""
        for task, _ in ends:
            if not self._has_ended(task, TaskStatus.COMPLETED):
                self._current(task)
        for task, result in ends:
            await self.finish(task, result)

    async def finish(self, task: Task, result: StepResult) -> None:
        """Like `TaskQueue.finish`."""
        rule = self.state.rule(task)
        if rule is Duplicates.REFUSE and (failure := self._refusal(task, result)):
            return self._refuse(task, failure)
        await self._finish(task, result)
        if rule is Duplicates.NEWEST and result.next_step is None:
            await self._replace_older(task)

    def _refusal(self, task: Task, result: StepResult) -> Failure | None:
        entry = self.state.entries[task.document_id]
        if entry.artifact_key is not None:
            return None
        metadata = corrected(result.metadata, entry.document.corrections)
        copies = self.state.copies(Work.of(task.document_id, task.collection, metadata))
        return refusal(copies[0]) if copies else None

    def _refuse(self, task: Task, failure: Failure) -> None:
        entry = self.state.entries[task.document_id]
        if not self._has_ended(task, TaskStatus.FAILED):
            self._current(task)
            if entry.document.status in LIVE_STATUSES and entry.latest_version == task.version:
                corrections, tags = entry.document.corrections, entry.document.tags
                entry.empty(DocumentStatus.FAILED)
                entry.set(corrections=corrections, tags=tags)
            self._end(task, TaskStatus.FAILED, error=failure)
            self.state.enqueue_if_unused(task.document_id, task.version)

    async def _replace_older(self, task: Task) -> None:
        document = self.state.entries[task.document_id].document
        if not document.is_ready or document.version != task.version:
            return
        copies = self.state.copies(work_of(document))
        unfinished = {one.document_id for one in self.state.tasks.values() if is_open(one)}
        change = replacement(document, task.created_at, copies, unfinished)
        if change is None:
            return
        kept = self.state.entries[change.document_id]
        corrections = {**kept.document.corrections, **change.columns}
        kept.set_columns({**change.columns, "corrections": corrections, "tags": change.tags})
        for name in change.replaced:
            await InMemoryDocumentStore(self.state).delete(name)

    async def _finish(self, task: Task, result: StepResult) -> None:
        if result.next_step is None:
            self._complete(task, result)
        else:
            self._advance(task, result, result.next_step)
        if result.chunks or result.next_step is None:
            self._publish(task, result)

    def _complete(self, task: Task, result: StepResult) -> None:
        found = self.state.tasks.get(task.task_id)
        self._end(
            task,
            TaskStatus.COMPLETED,
            pages_done=result.pages,
            pages_total=result.pages,
            chunks_done=result.chunks,
            chunks_total=result.chunks,
            searchable_at=(found.searchable_at if found else None) or self.state.clock(),
            error=None,
        )

    def _advance(self, task: Task, result: StepResult, step: Step) -> None:
        searchable_at = self._current(task).searchable_at or self.state.clock()
        self._requeue(
            task,
            0.0,
            step=step,
            lane=LANE_OF_STEP[step],
            attempt=0,
            isolate=False,
            pages_done=0,
            pages_total=result.pages,
            chunks_done=result.chunks,
            chunks_total=result.chunks,
            searchable_at=searchable_at if result.chunks else None,
            error=None,
        )

    def _publish(self, task: Task, result: StepResult) -> None:
        entry = self.state.entries[task.document_id]
        document = entry.document
        if document.status == DocumentStatus.DELETED or document.version > task.version:
            self.state.enqueue_deletion(task.document_id, task.version, task.version)
            return
        if task.version > 1:
            self.state.enqueue_deletion(task.document_id, 0, task.version - 1)
        values = result.document_fields
        entry.artifact_key, entry.cited = values.pop("artifact_key"), result.cited
        entry.title_key = values.pop("title_key")
        kept = {"authors": result.metadata.authors, "keywords": result.metadata.keywords}
        entry.set(
            **(values | kept),
            status=DocumentStatus.READY,
            version=task.version,
            searchable_at=document.searchable_at or self.state.clock(),
        )
        entry.set_columns(document.corrections)

    async def fail(self, task: Task, failure: Failure) -> None:
        """Like `TaskQueue.fail`."""
        self._end(task, TaskStatus.FAILED, error=failure)
        entry = self.state.entries[task.document_id]
        is_processing = entry.document.status == DocumentStatus.PROCESSING
        if is_processing and entry.latest_version == task.version:
            entry.set(status=DocumentStatus.FAILED)
        elif entry.document.status == DocumentStatus.READY:
            needs_review = entry.document.version == task.version
            entry.set(needs_review=needs_review or entry.document.needs_review)
        self.state.enqueue_if_unused(task.document_id, task.version)

    async def retry(
        self, task: Task, failure: Failure, *, delay_seconds: float, isolate: bool = False
    ) -> None:
        """Like `TaskQueue.retry`."""
        if task.attempt >= task.max_attempts:
            await self.fail(task, failure)
        else:
            self._requeue(task, delay_seconds, isolate=isolate, error=failure)

    async def release(self, task: Task, delay_seconds: float = 0) -> None:
        """Like `TaskQueue.release`."""
        values: dict[str, Any] = {"attempt": self._current(task).attempt - 1}
        if not delay_seconds:
            values["next_attempt_at"] = task.next_attempt_at  # its old position in the queue
        self._requeue(task, delay_seconds, **values)

    async def release_all(self, tasks: Sequence[Task]) -> set[uuid.UUID]:
        """Like `TaskQueue.release_all`."""
        owned = [task for task in tasks if self._owns(task)]
        for task in owned:
            await self.release(task)
        return {task.task_id for task in owned}

    def _requeue(self, task: Task, delay_seconds: float, **values: Any) -> None:
        due = self.state.clock() + timedelta(seconds=delay_seconds)
        queued = {"status": TaskStatus.QUEUED, "lease_expires_at": None, "next_attempt_at": due}
        self._update_leased(task, **(queued | values))

    async def sweep(
        self,
        *,
        base_seconds: float = 2,
        cap_seconds: float = 300,
        lease_seconds: float = 15,
    ) -> int:
        """Like `TaskQueue.sweep`, without the handling of clock jumps."""
        now = self.state.clock()
        crash = failure_of(WorkerCrashed())
        expired = [
            task
            for task in self.state.tasks.values()
            if task.status == TaskStatus.RUNNING and (task.lease_expires_at or now) < now
        ]
        for task in sorted(expired, key=lambda task: (task.lease_expires_at, _due_at(task))):
            delay = backoff_seconds(task.attempt, base_seconds, cap_seconds)
            await self.retry(task, crash, delay_seconds=delay, isolate=True)
        return len(expired)

    async def depths(self) -> dict[tuple[str, str], int]:
        """Like `TaskQueue.depths`."""
        tasks = filter(is_open, self.state.tasks.values())
        return dict(Counter((str(task.lane), str(task.status)) for task in tasks))

    def _owns(self, task: Task) -> bool:
        found = self.state.tasks.get(task.task_id)
        return (
            found is not None
            and found.lease_token == task.lease_token
            and found.status == TaskStatus.RUNNING
        )

    def _current(self, task: Task) -> Task:
        if not self._owns(task):
            raise LeaseLost(f"Lease {task.lease_token} of task {task.task_id} is no longer valid.")
        return self.state.tasks[task.task_id]

    def _update_leased(self, task: Task, **values: Any) -> None:
        self.state.set_task(self._current(task), **values)

    def _has_ended(self, task: Task, status: TaskStatus) -> bool:
        """True if this claim has set this status before."""
        found = self.state.tasks.get(task.task_id)
        claim = (task.lease_token, status)
        return found is not None and (found.lease_token, found.status) == claim

    def _end(self, task: Task, status: TaskStatus, **values: Any) -> None:
        if self._has_ended(task, status):
            return
        ended = {"status": status, "lease_expires_at": None, "finished_at": self.state.clock()}
        self._update_leased(task, **ended, **values)
        self.state.close_if_done(task.job_id)


def _ring(names: Iterable[str], after: str, size: int) -> list[str]:
    """Returns at most `size` of the names: those after `after` in order, then the others."""
    return sorted(names, key=lambda name: (name <= after, name))[:size]


def _due_at(task: Task) -> datetime:
    return task.next_attempt_at or task.created_at
