"""The validator of event logs: valid logs pass, each kind of error has its message."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from domain.events import Event
from domain.jobs import TaskStatus
from tests.event_logs import event_log_errors
from tests.records import make_task

QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = (
    TaskStatus.QUEUED,
    TaskStatus.RUNNING,
    TaskStatus.COMPLETED,
    TaskStatus.FAILED,
    TaskStatus.CANCELLED,
)
TASK = make_task()


def log_of(*moves: tuple[TaskStatus | None, TaskStatus]) -> list[Event]:
    return [
        Event(
            number=number,
            at=datetime.now(UTC),
            task_id=TASK.task_id,
            before=before,
            after=after,
        )
        for number, (before, after) in enumerate(moves, start=1)
    ]


def errors_of(log: list[Event], end: TaskStatus) -> str:
    return "; ".join(event_log_errors(log, [TASK.model_copy(update={"status": end})]))


def test_event_log_validator_accepts_valid_log() -> None:
    way = [(None, QUEUED), (QUEUED, RUNNING), (RUNNING, RUNNING), (RUNNING, FAILED)]
    assert errors_of(log_of(*way), FAILED) == ""
    assert errors_of(log_of(*way, (FAILED, QUEUED), (QUEUED, CANCELLED)), CANCELLED) == ""


@pytest.mark.parametrize(
    ("moves", "end", "message"),
    [
        ([(None, QUEUED), (RUNNING, COMPLETED)], COMPLETED, "is completed after"),
        ([(None, QUEUED), (QUEUED, RUNNING)], COMPLETED, "is completed after"),
        ([(QUEUED, RUNNING)], RUNNING, "is running after"),
        ([], QUEUED, "after nothing"),
        ([(None, QUEUED), (QUEUED, FAILED)], FAILED, "moved queued -> failed"),
        ([(None, COMPLETED), (COMPLETED, RUNNING)], RUNNING, "moved completed -> running"),
    ],
)
def test_event_log_validator_reports_each_error(
    moves: list[tuple[TaskStatus | None, TaskStatus]], end: TaskStatus, message: str
) -> None:
    assert message in errors_of(log_of(*moves), end)


def test_event_log_validator_reports_gap() -> None:
    log = log_of((None, QUEUED), (QUEUED, RUNNING), (RUNNING, COMPLETED))
    other = log[1].model_copy(update={"task_id": uuid.uuid4()})
    assert "gaps" in errors_of([log[0], other, log[1], log[2]], COMPLETED)
