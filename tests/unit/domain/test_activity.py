"""Durations by minute: buckets, percentiles and sums."""

from __future__ import annotations

import random

import pytest

from domain.activity import BOUNDS, NO_DURATIONS, bound_of, percentile, total


def counted(*seconds: float) -> list[int]:
    counts = list(NO_DURATIONS)
    for one in seconds:
        counts[bound_of(one)] += 1
    return counts


def test_percentiles_of_no_requests_are_unknown() -> None:
    assert percentile(NO_DURATIONS, 0.5) is None


@pytest.mark.parametrize("seconds", [0.0, 0.0004, 0.001, 0.0123, 1.0, 55.0])
def test_percentile_of_one_request_is_near_its_duration(seconds: float) -> None:
    for share in (0.5, 0.95):
        found = percentile(counted(seconds), share)
        assert found is not None and found <= max(BOUNDS[0], 1.25 * seconds)
        assert found >= 0.8 * seconds * share


def test_durations_above_the_last_bound_are_counted_there() -> None:
    assert percentile(counted(1e9), 0.5) == BOUNDS[-1]


def test_percentiles_are_near_those_of_the_durations() -> None:
    generator = random.Random(7)
    durations = sorted(generator.lognormvariate(-4, 1) for _ in range(2000))
    for share in (0.5, 0.95):
        exact = durations[int(share * len(durations)) - 1]
        assert percentile(counted(*durations), share) == pytest.approx(exact, rel=0.25)


def test_sum_of_processes_has_the_requests_of_each() -> None:
    one, two = counted(0.01, 0.02), counted(0.02, 5)
    assert sum(total([one, two])) == 4
    assert total([]) == NO_DURATIONS
