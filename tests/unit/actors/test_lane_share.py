"""lane_cpus: lanes without work reserve nothing, except the interactive one."""

from __future__ import annotations

import pytest

from actors.lane_share import (
    MAX_PAPERS_PER_TASK,
    ROUNDS,
    BatchSize,
    batch_size,
    lane_cpus,
    papers_per_task,
    tasks_at_once,
)
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


def test_papers_of_a_small_machine_do_not_wait_for_each_other() -> None:
    assert tasks_at_once(LANES, Lane.BULK, 2.0) == 2
    assert batch_size(LANES, Lane.BULK, 2.0) == BatchSize(16, 2)
    assert papers_per_task(Lane.BULK, 2, 16) == 1


@pytest.mark.parametrize("total", [16.0, 64.0, 256.0])
def test_micro_batch_of_a_large_machine_has_several_tasks_for_each_cpu(total: float) -> None:
    tasks, size = tasks_at_once(LANES, Lane.BULK, total), batch_size(LANES, Lane.BULK, total)
    per_task = papers_per_task(Lane.BULK, tasks, size.papers)
    assert per_task == MAX_PAPERS_PER_TASK
    assert size == BatchSize(ROUNDS * tasks * per_task, (tasks + tasks // 4) * per_task)


@pytest.mark.parametrize("papers", [1, 20, 39, 40, 100])
def test_few_papers_use_all_cpus(papers: int) -> None:
    tasks = 20
    assert papers / papers_per_task(Lane.BULK, tasks, papers) >= min(papers, 2 * tasks)


@pytest.mark.parametrize("lane", sorted(set(Lane) - {Lane.BULK}))
def test_papers_of_other_lanes_have_tasks_of_their_own(lane: Lane) -> None:
    size = batch_size(LANES, lane, 256.0)
    tasks = tasks_at_once(LANES, lane, 256.0)
    assert size == BatchSize(LANES[lane].batch or 0, tasks + tasks // 4)
    assert papers_per_task(lane, 64, 1_000) == 1


def test_setting_limits_micro_batch() -> None:
    lanes = LANES | {Lane.BULK: LaneSettings(batch=8, cpus=64, num_cpus=1)}
    assert batch_size(lanes, Lane.BULK, 128.0) == BatchSize(8, 80)
