"""Validator of the event log of a job, for events of the stores and of the HTTP API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Protocol

from domain.jobs import MOVES, JobStatus, TaskStatus

Status = TaskStatus | JobStatus
Transition = tuple[Status | None, Status]


class LoggedEvent(Protocol):
    """An event of the domain or of the HTTP API."""

    @property
    def number(self) -> int: ...
    @property
    def task_id(self) -> uuid.UUID | None: ...
    @property
    def before(self) -> Status | None: ...
    @property
    def after(self) -> Status: ...


class LoggedTask(Protocol):
    """A task of the domain or of the HTTP API."""

    @property
    def task_id(self) -> uuid.UUID: ...
    @property
    def status(self) -> TaskStatus: ...


def transitions(log: Sequence[LoggedEvent], tasks: Sequence[LoggedTask]) -> list[list[Transition]]:
    """Returns the transitions of each task in order, and those of the job at the end."""
    return [_transitions_of(log, name) for name in [*(task.task_id for task in tasks), None]]


def event_log_errors(log: Sequence[LoggedEvent], tasks: Sequence[LoggedTask]) -> Iterator[str]:
    """Yields one line for each error of the log.

    Errors are gaps in the numbers, transitions that do not start at the previous status or are not
    allowed, and a last status that differs from that of the task.
    """
    if [event.number for event in log] != list(range(1, len(log) + 1)):
        yield f"numbers of {len(log)} events have gaps"
    for task in tasks:
        found = _transitions_of(log, task.task_id)
        statuses = [None, *(after for _, after in found)]
        if [before for before, _ in found] != statuses[:-1] or statuses[-1] != task.status:
            yield f"task {task.task_id} is {task.status} after {_described(found)}"
        elif forbidden := [one for one in found[1:] if not _is_allowed(*one)]:
            yield f"task {task.task_id} moved {_described(forbidden)}"


def _transitions_of(log: Sequence[LoggedEvent], task_id: uuid.UUID | None) -> list[Transition]:
    return [(event.before, event.after) for event in log if event.task_id == task_id]


def _is_allowed(before: Status | None, after: Status) -> bool:
    """True for transitions of MOVES, publication of a running task, and retry of an ended task."""
    status = TaskStatus(str(before))
    is_retry = status.is_final and after == TaskStatus.QUEUED
    return after in MOVES[status] or after == status == TaskStatus.RUNNING or is_retry


def _described(found: Sequence[Transition]) -> str:
    return ", ".join(f"{before or '-'} -> {after}" for before, after in found) or "nothing"
