"""The CPUs that a lane may use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from domain.jobs import LANE_OF_STEP, Lane

LATER_STEP_SHARE = 1 / 8
"""Of the cluster, for each of the lanes of later steps. Their tasks reserve a quarter of a CPU
each, so that this share keeps half of the cores busy."""


class LaneSize(Protocol):
    """CPUs of one task and of the lane; None if they are not set."""

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
