"""Small rounds of chaos: whoever is killed while papers go in, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.rounds import Round, lost_in, plan
from tests.chaos.victims import victims
from tests.service import LEASE_SECONDS, RunningService

PAPERS, KILLS = 40, 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_in_a_round(seed: int, service: RunningService, crowd: list[Path]) -> None:
    papers = crowd[:PAPERS]
    ran = Round(service, papers, print)
    blows = plan(seed, PAPERS, LEASE_SECONDS, KILLS)
    assert ran.run(blows) == []
    assert len(ran.struck) == KILLS
    assert lost_in(ran, papers) == []


def test_a_seed_says_who_is_struck_and_when() -> None:
    first, again, other = (described(seed) for seed in (1, 1, 2))
    assert first == again != other
    moments = [after for _, after in first]
    assert moments == sorted(moments) and moments[0] >= 0 and moments[-1] < 200


def test_who_is_only_there_while_there_is_work_need_not_come_back_whatever_was_done_to_it() -> None:
    come_back, do_not = (
        {one.name for one in victims(LEASE_SECONDS) if one.comes_back == wanted}
        for wanted in (True, False)
    )
    assert do_not == {"parser server", "parser child", "Ray worker"}
    assert not come_back & do_not


def described(seed: int) -> list[tuple[str, int]]:
    """Who is struck after how many papers."""
    return [(blow.victim.name, blow.after) for blow in plan(seed, 200, LEASE_SECONDS)]
