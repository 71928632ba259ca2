"""Charts of the last hour: bars for each minute, as paths of an inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from domain.activity import MINUTES, Minute, percentile, total
from domain.wording import plural

SLOT, BAR, HEIGHT = 10, 8, 100
WIDTH = SLOT * MINUTES
SMALLEST = 1.5  # the height of the smallest bar: one paper among thousands is visible
STEPS = (1, 2, 5)
MEDIAN, TAIL = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class Series:
    """The values of a chart that share a colour (`style`) and a name; None: nothing to draw."""

    label: str
    style: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Bars:
    """A series as the path of an SVG."""

    label: str
    style: str
    path: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. `top` is the value at the upper edge."""

    name: str
    title: str
    summary: str
    top: str
    bars: Sequence[Bars]


def chart(
    name: str, title: str, summary: str, series: Sequence[Series], *, unit: str = ""
) -> Chart:
    """Returns a chart whose series are drawn over each other, the first one behind."""
    largest = max((value or 0 for one in series for value in one.values), default=0)
    top = scale_top(largest)
    bars = [Bars(one.label, one.style, path_of(one.values, top)) for one in series]
    return Chart(name, title, summary, f"{top:,g}{unit}", bars)


def scale_top(largest: float) -> float:
    """Returns the smallest of 1, 2, 5, 10, 20, … that is not below the value."""
    if largest <= 1:
        return 1
    power = 10 ** math.floor(math.log10(largest))
    return next(step * power for step in (*STEPS, 10) if step * power >= largest)


def path_of(values: Sequence[float | None], top: float) -> str:
    """Returns the path of the bars; values of None and 0 have none."""
    return "".join(
        _bar(position, max(SMALLEST, HEIGHT * value / top))
        for position, value in enumerate(values)
        if value
    )


def _bar(position: int, height: float) -> str:
    left = position * SLOT + (SLOT - BAR) // 2
    return f"M{left} {HEIGHT}v{-height:.4g}h{BAR}v{height:.4g}z"


def charts_of(hour: Sequence[Minute]) -> list[Chart]:
    """Returns the charts of the last hour."""
    return [_papers(hour), _pages(hour), _searches(hour), _latency(hour), _uploads(hour)]


def _papers(hour: Sequence[Minute]) -> Chart:
    completed, failed = [one.completed for one in hour], [one.failed for one in hour]
    ended = [sum(both) for both in zip(completed, failed, strict=True)]
    series = [Series("completed", "good", ended), Series("failed", "bad", failed)]
    summary = f"{sum(completed):,} completed, {sum(failed):,} failed"
    return chart("papers", "Papers per minute", summary, series)


def _pages(hour: Sequence[Minute]) -> Chart:
    pages = [one.pages for one in hour]
    series = [Series("pages of completed papers", "good", pages)]
    return chart("pages", "Pages per minute", plural(sum(pages), "page"), series)


def _searches(hour: Sequence[Minute]) -> Chart:
    counts = [sum(one.searches) for one in hour]
    series = [Series("searches", "good", counts)]
    number = sum(counts)
    summary = f"{number:,} search{'' if number == 1 else 'es'}"
    return chart("searches", "Searches per minute", summary, series)


def _latency(hour: Sequence[Minute]) -> Chart:
    series = [
        Series("p95", "tail", [milliseconds(one.searches, TAIL) for one in hour]),
        Series("p50", "good", [milliseconds(one.searches, MEDIAN) for one in hour]),
    ]
    summary = percentiles_of([one.searches for one in hour])
    return chart("latency", "Time of a search", summary, series, unit=" ms")


def _uploads(hour: Sequence[Minute]) -> Chart:
    durations = [one.uploads for one in hour]
    series = [Series("requests acknowledged", "good", list(map(sum, durations)))]
    requests = sum(map(sum, durations))
    summary = plural(requests, "request")
    if requests:
        summary = f"{summary}, {percentiles_of(durations)}"
    return chart("uploads", "Uploads per minute", summary, series)


def milliseconds(counts: Sequence[int], share: float) -> float | None:
    """Returns a percentile of the durations in milliseconds; None without requests."""
    seconds = percentile(counts, share)
    return None if seconds is None else 1000 * seconds


def percentiles_of(durations: Sequence[Sequence[int]]) -> str:
    """Returns the percentiles of all requests: `p50 12 ms, p95 80 ms`."""
    counts = total(durations)
    median, tail = milliseconds(counts, MEDIAN), milliseconds(counts, TAIL)
    return "no requests" if median is None else f"p50 {median:,.0f} ms, p95 {tail:,.0f} ms"


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of a minute in which something happened."""

    minute: Minute
    searches: int
    median: float | None
    tail: float | None
    uploads: int


def rows_of(hour: Sequence[Minute]) -> list[Row]:
    """Returns the numbers of the charts, the latest minute first; minutes without any are left
    out."""
    rows = [
        Row(
            one,
            sum(one.searches),
            milliseconds(one.searches, MEDIAN),
            milliseconds(one.searches, TAIL),
            sum(one.uploads),
        )
        for one in reversed(hour)
    ]
    return [
        row
        for row in rows
        if row.minute.completed or row.minute.failed or row.searches or row.uploads
    ]
