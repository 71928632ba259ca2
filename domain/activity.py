"""What the service did in the last hour, minute by minute."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MINUTES = 60
BOUNDS = tuple(round(0.001 * 1.25**number, 6) for number in range(50))
"""Upper bounds of the counted durations in seconds, 1 ms to 56 s: a percentile is 25 % off at
most."""


class Activity(StrEnum):
    """A kind of requests whose durations are counted."""

    SEARCH = "search"
    UPLOAD = "upload"


Durations = Sequence[int]
"""The number of requests up to each of BOUNDS, and above the last one."""
NO_DURATIONS: Durations = (0,) * (len(BOUNDS) + 1)


@dataclass(frozen=True, slots=True)
class RequestTimes:
    """The durations of the requests of one kind that a process answered in the minute `at`."""

    at: datetime
    activity: Activity
    counts: Durations


@dataclass(frozen=True, slots=True)
class Minute:
    """The papers and the requests of the minute that began at `at`. `pages`: those of the papers
    that were completed."""

    at: datetime
    completed: int = 0
    failed: int = 0
    pages: int = 0
    searches: Durations = NO_DURATIONS
    uploads: Durations = NO_DURATIONS


def bound_of(seconds: float) -> int:
    """Returns the position in `Durations` at which a request of this duration is counted."""
    return bisect_left(BOUNDS, seconds)


def total(durations: Iterable[Durations]) -> Durations:
    """Returns the sums of the counts; of counts with another length only the common part."""
    return tuple(map(sum, zip(NO_DURATIONS, *durations, strict=False)))


def percentile(counts: Durations, share: float) -> float | None:
    """Returns the duration in seconds that this share of the requests did not exceed.

    It is interpolated between two of BOUNDS; None without requests.
    """
    rank, below = share * sum(counts), 0
    if not rank:
        return None
    for position, count in enumerate(counts):
        if count and below + count >= rank:
            lower = BOUNDS[position - 1] if position else 0.0
            upper = BOUNDS[min(position, len(BOUNDS) - 1)]
            return lower + (upper - lower) * (rank - below) / count
        below += count
    return BOUNDS[-1]
