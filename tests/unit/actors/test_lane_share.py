"""lane_cpus: lanes without work reserve nothing, except the interactive one."""

from __future__ import annotations

import pytest

from actors.lane_share import lane_cpus, tasks_at_once
from configs.settings import JobSettings, LaneSettings
from domain.jobs import Lane

LANES = {lane: getattr(JobSettings(), lane) for lane in Lane}
RESERVED = LANES[Lane.INTERACTIVE].cpus or 0.0


@pytest.mark.parametrize("total", [4.0, 16.0, 64.0])
def test_bulk_lane_gets_what_the_interactive_lane_leaves(total: float) -> None:
    assert lane_cpus(LANES, Lane.BULK, total) == total - RESERVED
    assert lane_cpus(LANES, Lane.BULK, total, {Lane.BULK}) == total - RESERVED


@pytest.mark.parametrize("total", [4.0, 16.0, 64.0])
def test_later_steps_with_work_get_their_share(total: float) -> None:
    left = lane_cpus(LANES, Lane.BULK, total, {Lane.OCR, Lane.LAYOUT, Lane.BULK})
    assert left == total - RESERVED - 2 * total / 8
    assert lane_cpus(LANES, Lane.OCR, total, {Lane.BULK}) == total / 8


def test_bulk_lane_has_a_cpu_on_the_smallest_machine() -> None:
    assert lane_cpus(LANES, Lane.BULK, 1.0, set(Lane)) == 1.0


def test_setting_overrides_share() -> None:
    lanes = LANES | {Lane.BULK: LaneSettings(batch=16, cpus=3)}
    assert lane_cpus(lanes, Lane.BULK, 64.0, {Lane.OCR}) == 3


def test_tasks_at_once_do_not_exceed_the_cluster() -> None:
    lanes = LANES | {Lane.BULK: LaneSettings(batch=256, cpus=64)}
    assert tasks_at_once(lanes, Lane.BULK, 2.0) == 2
    assert tasks_at_once(lanes, Lane.BULK, 128.0) == 64
    assert tasks_at_once(LANES, Lane.OCR, 1.0) == 1
