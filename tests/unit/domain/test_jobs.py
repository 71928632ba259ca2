"""Task and job states, allowed transitions, progress and backoff."""

from __future__ import annotations

import re
from typing import Any

import pytest

from domain.job_steps import is_read, pages_read, papers_in_steps, phase_of
from domain.jobs import (
    MOVES,
    Counts,
    JobStatus,
    Phase,
    Step,
    StepCounts,
    TaskStatus,
    backoff_seconds,
    fraction_done,
    job_status,
    new_job_id,
    share_done,
)
from tests.records import make_task


def test_every_task_status_has_transitions() -> None:
    assert set(MOVES) == set(TaskStatus)


def test_open_task_status_can_reach_final_status() -> None:
    final = {status for status in TaskStatus if status.is_final}
    assert final == {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}
    for status in set(TaskStatus) - final:
        assert MOVES[status] & final


def test_task_fails_only_from_running_and_completes_from_queued() -> None:
    assert [one for one in TaskStatus if TaskStatus.FAILED in MOVES[one]] == [TaskStatus.RUNNING]
    done = {one for one in TaskStatus if TaskStatus.COMPLETED in MOVES[one]}
    assert done == {TaskStatus.QUEUED, TaskStatus.RUNNING}


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        (Counts(), JobStatus.COMPLETED),
        (Counts(queued=2), JobStatus.QUEUED),
        (Counts(queued=1, running=1), JobStatus.RUNNING),
        (Counts(queued=1, completed=1), JobStatus.RUNNING),
        (Counts(running=1, failed=3), JobStatus.RUNNING),
        (Counts(completed=2), JobStatus.COMPLETED),
        (Counts(completed=2, failed=1), JobStatus.PARTIAL),
        (Counts(completed=2, cancelled=1), JobStatus.PARTIAL),
        (Counts(failed=2), JobStatus.FAILED),
        (Counts(failed=1, cancelled=1), JobStatus.FAILED),
        (Counts(cancelled=2), JobStatus.CANCELLED),
    ],
)
def test_job_status_follows_task_counts(counts: Counts, status: JobStatus) -> None:
    assert job_status(counts) == status
    assert status.is_final == (not counts.queued and not counts.running)


def test_counts_total_is_sum() -> None:
    counts = Counts(queued=1, running=2, completed=3, failed=4, cancelled=5)
    assert counts.total == 15


@pytest.mark.parametrize(
    ("counts", "shares", "fraction"),
    [
        (Counts(), 0.0, 1.0),
        (Counts(queued=4), 0.0, 0.0),
        (Counts(running=1), 0.5, 0.5),
        (Counts(running=1), 1.0, 0.99),
        (Counts(queued=3, completed=1), 1.0, 0.25),
        (Counts(queued=2, running=1, completed=1), 1.5, 0.375),
        (Counts(running=1, failed=3), 3.0, 0.75),
        (Counts(completed=2, failed=1, cancelled=1), 4.0, 1.0),
    ],
)
def test_fraction_done_weighs_counts_and_shares(
    counts: Counts, shares: float, fraction: float
) -> None:
    assert fraction_done(counts, shares) == pytest.approx(fraction)


def test_task_progress_is_monotonic() -> None:
    history = [
        (Step.READ_TEXT, TaskStatus.QUEUED, 0, None, 0, None),
        (Step.READ_TEXT, TaskStatus.RUNNING, 5, 10, 0, None),
        (Step.READ_TEXT, TaskStatus.RUNNING, 10, 10, 0, 70),
        (Step.READ_TEXT, TaskStatus.RUNNING, 10, 10, 35, 70),
        (Step.OCR, TaskStatus.QUEUED, 0, 10, 70, 70),
        (Step.OCR, TaskStatus.RUNNING, 9, 10, 70, 70),
        (Step.LAYOUT, TaskStatus.QUEUED, 0, 10, 90, 90),
        (Step.LAYOUT, TaskStatus.RUNNING, 10, 10, 90, 90),
        (Step.LAYOUT, TaskStatus.COMPLETED, 10, 10, 99, 99),
    ]
    names = ("step", "status", "pages_done", "pages_total", "chunks_done", "chunks_total")
    shares = [share_done(make_task(**dict(zip(names, row, strict=True)))) for row in history]
    assert shares == sorted(shares)
    assert shares[0] == 0 and shares[-1] == 1


@pytest.mark.parametrize(
    ("fields", "phase", "read"),
    [
        ({"status": TaskStatus.QUEUED}, Phase.WAITING, 0),
        ({}, Phase.READING, 0),
        ({"pages_done": 2, "pages_total": 3}, Phase.READING, 2),
        ({"pages_done": 3, "pages_total": 3}, Phase.EMBEDDING, 3),
        ({"pages_done": 0, "pages_total": 0}, Phase.READING, 0),
        ({"step": Step.OCR, "pages_done": 1, "pages_total": 3}, Phase.READING, 3),
        ({"step": Step.OCR, "status": TaskStatus.QUEUED, "pages_total": 3}, Phase.WAITING, 3),
        ({"status": TaskStatus.FAILED, "pages_done": 2, "pages_total": 3}, None, 2),
    ],
)
def test_phase_and_read_pages_follow_progress_of_the_step(
    fields: dict[str, Any], phase: Phase | None, read: int
) -> None:
    task = make_task(**fields)
    assert (phase_of(task.status, is_read=is_read(task)), pages_read(task)) == (phase, read)


def test_only_steps_with_papers_are_named() -> None:
    reading = StepCounts(step=Step.READ_TEXT, waiting=1200, embedding=2)
    layout = StepCounts(step=Step.LAYOUT, reading=1)
    said = "read text: 1,200 waiting, 2 embedding · layout: 1 reading"
    assert papers_in_steps([reading, StepCounts(step=Step.OCR), layout]) == said
    assert papers_in_steps([]) == ""


@pytest.mark.parametrize(
    ("attempt", "longest"), [(0, 2), (1, 2), (2, 4), (3, 8), (7, 128), (9, 300), (2000, 300)]
)
def test_backoff_doubles_with_jitter_up_to_cap(attempt: int, longest: float) -> None:
    waits = [backoff_seconds(attempt, base=2, cap=300) for _ in range(200)]
    assert longest / 2 <= min(waits) <= max(waits) <= longest
    assert max(waits) - min(waits) > longest / 4, "without jitter all retries would run at once"


def test_job_ids_are_unique_and_match_format() -> None:
    names = {new_job_id() for _ in range(1000)}
    assert len(names) == 1000
    assert all(re.fullmatch(r"job_[0-9a-f]{16}", name) for name in names)
