"""Is the log of a job in order? Asked of the stores, and of a service over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Protocol

from domain.jobs import MOVES, JobStatus, TaskStatus

Status = TaskStatus | JobStatus
Move = tuple[Status | None, Status]


class Logged(Protocol):
    """An event, in the domain or on the wire."""

    @property
    def number(self) -> int: ...
    @property
    def task_id(self) -> uuid.UUID | None: ...
    @property
    def before(self) -> Status | None: ...
    @property
    def after(self) -> Status: ...


class Ended(Protocol):
    """A task, in the domain or on the wire."""

    @property
    def task_id(self) -> uuid.UUID: ...
    @property
    def status(self) -> TaskStatus: ...


def moves(log: Sequence[Logged], tasks: Sequence[Ended]) -> list[list[Move]]:
    """Each task's moves in order, and the job's own at the end."""
    return [_moves_of(log, name) for name in [*(task.task_id for task in tasks), None]]


def disorder(log: Sequence[Logged], tasks: Sequence[Ended]) -> Iterator[str]:
    """A sentence for each number that is left out, for each move that does not begin where the one
    before it ended or that is not allowed, and for each last one that is not how it is."""
    if [one.number for one in log] != list(range(1, len(log) + 1)):
        yield f"numbers of {len(log)} events have gaps"
    for task in tasks:
        mine = _moves_of(log, task.task_id)
        chain = [None, *(end for _, end in mine)]
        if [begin for begin, _ in mine] != chain[:-1] or chain[-1] != task.status:
            yield f"task {task.task_id} is {task.status} after {_said(mine)}"
        elif forbidden := [move for move in mine[1:] if not _is_allowed(*move)]:
            yield f"task {task.task_id} moved {_said(forbidden)}"


def _moves_of(log: Sequence[Logged], task_id: uuid.UUID | None) -> list[Move]:
    return [(one.before, one.after) for one in log if one.task_id == task_id]


def _is_allowed(before: Status | None, after: Status) -> bool:
    """By the table of moves; beyond it a paper becomes searchable, and a retry leaves an end."""
    was = TaskStatus(str(before))
    taken_up = was.is_final and after == TaskStatus.QUEUED
    return after in MOVES[was] or after == was == TaskStatus.RUNNING or taken_up


def _said(moves: Sequence[Move]) -> str:
    return ", ".join(f"{before or '-'} -> {after}" for before, after in moves) or "nothing"
