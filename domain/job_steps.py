"""Where the papers of a job are: phases of their steps, pages that are read, and the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from domain.jobs import FIRST_STEP, STEPS, Phase, Step, StepCounts, Task, TaskStatus


class PagesOfStep(Protocol):
    """A task, or the sums over tasks of one step."""

    @property
    def step(self) -> Step: ...
    @property
    def pages_done(self) -> int: ...
    @property
    def pages_total(self) -> int | None: ...


def is_read(task: Task) -> bool:
    """Returns True if all pages of the current step are read."""
    return bool(task.pages_total) and task.pages_done >= task.pages_total


def phase_of(status: TaskStatus, *, is_read: bool) -> Phase | None:
    """Returns what is done with a paper whose task has this status; None if it has ended."""
    if status is not TaskStatus.RUNNING:
        return None if status.is_final else Phase.WAITING
    return Phase.EMBEDDING if is_read else Phase.READING


def step_counts(papers: Mapping[tuple[Step, Phase | None], int]) -> tuple[StepCounts, ...]:
    """Returns the counts of each step, from the number of papers by step and phase."""
    return tuple(
        StepCounts(step=step, **{str(phase): papers.get((step, phase), 0) for phase in Phase})
        for step in STEPS
    )


def pages_read(task: PagesOfStep) -> int:
    """Returns the number of pages whose text layer is read: all of them after the first step."""
    return task.pages_done if task.step is FIRST_STEP else task.pages_total or 0


def papers_in_steps(steps: Iterable[StepCounts]) -> str:
    """Returns the steps that have papers, such as `read text: 12 waiting, 2 reading · ocr: …`."""
    return " · ".join(filter(None, map(_papers_in_step, steps)))


def _papers_in_step(counts: StepCounts) -> str:
    numbers = [(getattr(counts, phase), phase) for phase in Phase]
    found = ", ".join(f"{number:,} {phase}" for number, phase in numbers if number)
    return f"{counts.step.replace('_', ' ')}: {found}" if found else ""
