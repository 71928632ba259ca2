"""Short chaos rounds: no data is lost, whichever processes are killed during uploads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.rounds import Round, losses_of, plan
from tests.chaos.targets import all_targets
from tests.service import LEASE_SECONDS, RunningService

PAPERS, KILLS = 24, 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_chaos_round_loses_no_data(
    seed: int, service: RunningService, small_papers: list[Path]
) -> None:
    papers = small_papers[:PAPERS]
    chaos = Round(service, papers, print)
    assert chaos.run(plan(seed, PAPERS, LEASE_SECONDS, KILLS)) == []
    assert len(chaos.injected) == KILLS
    assert losses_of(chaos, papers) == []


def test_chaos_plan_is_deterministic_per_seed() -> None:
    first, again, other = (described(seed) for seed in (1, 1, 2))
    assert first == again != other
    moments = [after for _, after in first]
    assert moments == sorted(moments) and moments[0] >= 0 and moments[-1] < 200


def test_chaos_targets_without_permanent_process_need_no_restart() -> None:
    permanent, temporary = (
        {one.name for one in all_targets(LEASE_SECONDS) if one.is_permanent == wanted}
        for wanted in (True, False)
    )
    assert temporary == {"parser server", "parser child", "Ray worker"}
    assert not permanent & temporary


def described(seed: int) -> list[tuple[str, int]]:
    """Returns the target of each fault and the number of completed papers before it."""
    return [(fault.target.name, fault.after) for fault in plan(seed, 200, LEASE_SECONDS)]
