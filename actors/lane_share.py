"""The CPUs that a lane may use, and the size of its micro-batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.jobs import LANE_OF_STEP, Lane

LATER_STEP_SHARE = 1 / 8
"""Of the cluster, for each of the lanes of later steps. Their tasks reserve a quarter of a CPU
each, so that this share keeps half of the cores busy."""
TASKS_OF_ONE_PAPER = 4
"""Ray tasks at once, up to which each has one paper: on a laptop, papers must not wait for others.
With more, the work of Ray for each task limits a runner (record 17)."""
MAX_PAPERS_PER_TASK = 4
"""So many papers at most are recorded together."""
ROUNDS = 2
"""Tasks of a micro-batch for each that runs at once. Measured: 4 is not faster, and a small folder
would wait longer for the next claim (record 17)."""
WAITING_TASKS = 1 / 4
"""Of those that run: so many wait when the next micro-batch begins, because the start of a Dataset
takes 0.3 s. A choice."""
SMALLEST_BATCH = 16
"""Papers of a micro-batch on a small machine."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """`papers`: maximum of a micro-batch; `next_below`: the next one begins when fewer papers are
    unfinished."""

    papers: int
    next_below: int


class LaneSize(Protocol):
    """CPUs of one task and of the lane, and papers of a micro-batch; None if they are not set."""

    @property
    def batch(self) -> int | None: ...
    @property
    def num_cpus(self) -> float: ...
    @property
    def cpus(self) -> float | None: ...


def lane_cpus(
    lanes: Mapping[Lane, LaneSize], lane: Lane, total: float, busy: Collection[Lane] = ()
) -> float:
    """Returns the CPUs of the lane's next micro-batch: the setting, if there is one.

    Otherwise lanes of later steps get LATER_STEP_SHARE of the `total` CPUs of the cluster, and the
    others get what the interactive lane and the later steps with work (`busy`) leave.
    """
    if given := lanes[lane].cpus:
        return given
    if lane in LANE_OF_STEP.values():
        return max(lanes[lane].num_cpus, total * LATER_STEP_SHARE)
    reserved = {Lane.INTERACTIVE, *LANE_OF_STEP.values()} & {Lane.INTERACTIVE, *busy} - {lane}
    others = sum(lane_cpus(lanes, other, total) for other in reserved)
    return max(1.0, total - others)


def tasks_at_once(lanes: Mapping[Lane, LaneSize], lane: Lane, total: float) -> int:
    """Returns how many tasks of the lane run at once on a cluster with `total` CPUs.

    The setting of a lane may exceed the cluster, which may grow.
    """
    cpus = min(total, lane_cpus(lanes, lane, total))
    return max(1, int(cpus / lanes[lane].num_cpus))


def batch_size(lanes: Mapping[Lane, LaneSize], lane: Lane, total: float) -> BatchSize:
    """Returns the size of a micro-batch on a cluster with `total` CPUs.

    Without a setting it has several tasks for each that runs at once.
    """
    tasks = tasks_at_once(lanes, lane, total)
    most = _largest_task(lane, tasks)
    papers = lanes[lane].batch or max(SMALLEST_BATCH, ROUNDS * tasks * most)
    unfinished = tasks + int(WAITING_TASKS * tasks)
    return BatchSize(papers, unfinished * papers_per_task(lane, tasks, papers))


def papers_per_task(lane: Lane, tasks: int, papers: int) -> int:
    """Returns how many papers a Ray task gets if `tasks` run at once and there are so many papers.

    Few papers are divided evenly. Later steps take longer, so their papers have tasks of their own.
    """
    return max(1, min(_largest_task(lane, tasks), papers // (ROUNDS * tasks)))


def _largest_task(lane: Lane, tasks: int) -> int:
    if lane is not Lane.BULK:
        return 1
    return max(1, min(MAX_PAPERS_PER_TASK, tasks // TASKS_OF_ONE_PAPER))
