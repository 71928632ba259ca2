"""Records how the tasks of a micro-batch end, without delaying the micro-batch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from actors.lease_manager import LeaseManager, TaskOutcome
from domain.jobs import Task, TaskEnd

log = logging.getLogger(__name__)
ENDS_PER_COMMIT = 64
"""Limits the rows that one transaction locks, and what is repeated if it fails. A choice."""


class EndRecorder:
    """Writes outcomes in the background, in order of arrival.

    Outcomes that arrive during a commit share the next one (group commit): a single outcome is not
    delayed, and many cost little more than one.
    """

    def __init__(self, leases: LeaseManager) -> None:
        self.leases = leases
        self._waiting: list[TaskOutcome] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, outcomes: Sequence[TaskOutcome]) -> None:
        """Records the outcomes soon."""
        self._waiting += outcomes
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def drain(self) -> None:
        """Returns when all outcomes are recorded."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            outcomes = self._waiting[:ENDS_PER_COMMIT]
            del self._waiting[:ENDS_PER_COMMIT]
            await self._record(outcomes)

    async def _record(self, outcomes: Sequence[TaskOutcome]) -> None:
        ends = [(one.task, one.finished) for one in outcomes if one.finished is not None]
        if len(ends) > 1 and await self._recorded_together(ends):
            outcomes = [one for one in outcomes if one.finished is None]
        for outcome in outcomes:
            await self.guard(outcome.task, self.leases.record(outcome))

    async def _recorded_together(self, ends: Sequence[TaskEnd]) -> bool:
        """False if the transaction failed: then each end needs one of its own."""
        try:
            await self.leases.record_together(ends)
        except Exception as error:
            log.info("%d tasks are recorded one by one: %s", len(ends), error)
            return False
        return True

    async def guard(self, task: Task, recording: Awaitable[None]) -> None:
        """Awaits the recording of one end.

        An error here is independent of the runner and of other tasks: the task is untracked, its
        lease expires and the sweep queues it again.
        """
        try:
            await recording
        except Exception:
            log.exception(
                "The end of task %s was not recorded; it runs again after its lease expires",
                task.task_id,
                extra={"action": "record_failed", "task_id": str(task.task_id)},
            )
            self.leases.untrack(task)
