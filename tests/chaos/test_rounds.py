"""Small rounds of chaos: whoever is killed while papers go in, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.rounds import Round, lost_in, plan
from tests.chaos.victims import victims
from tests.service import LEASE_SECONDS, RunningService

PAPERS, KILLS = 40, 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_chaos_round_loses_no_data(seed: int, service: RunningService, crowd: list[Path]) -> None:
    papers = crowd[:PAPERS]
    ran = Round(service, papers, print)
    blows = plan(seed, PAPERS, LEASE_SECONDS, KILLS)
    assert ran.run(blows) == []
    assert len(ran.struck) == KILLS
    assert lost_in(ran, papers) == []


def test_chaos_plan_is_deterministic_per_seed() -> None:
    first, again, other = (described(seed) for seed in (1, 1, 2))
    assert first == again != other
    moments = [after for _, after in first]
    assert moments == sorted(moments) and moments[0] >= 0 and moments[-1] < 200


def test_chaos_targets_without_permanent_process_need_no_restart() -> None:
    come_back, do_not = (
        {one.name for one in victims(LEASE_SECONDS) if one.comes_back == wanted}
        for wanted in (True, False)
    )
    assert do_not == {"parser server", "parser child", "Ray worker"}
    assert not come_back & do_not


def described(seed: int) -> list[tuple[str, int]]:
    """Who is struck after how many papers."""
    return [(blow.victim.name, blow.after) for blow in plan(seed, 200, LEASE_SECONDS)]
