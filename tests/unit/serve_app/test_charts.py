"""Charts of the System page: paths, scales, and the SVG that the template writes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from domain.activity import MINUTES, NO_DURATIONS, Minute, bound_of
from serve_app.pages.charts import (
    HEIGHT,
    WIDTH,
    Chart,
    Series,
    chart,
    charts_of,
    path_of,
    rows_of,
    scale_top,
)
from serve_app.pages.rendering import ENVIRONMENT

HOSTILE = '"><script>alert(1)</script><path d="'
START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def drawn(one: Chart) -> str:
    module = ENVIRONMENT.get_template("chart.html").module
    return str(module.chart_figure(one))  # pyright: ignore[reportAttributeAccessIssue]


def hour(**last: object) -> list[Minute]:
    """Returns an hour in which nothing happened but in its last minute."""
    minutes = [Minute(START + timedelta(minutes=n)) for n in range(MINUTES - 1)]
    return [*minutes, Minute(START + timedelta(minutes=MINUTES - 1), **last)]  # pyright: ignore[reportArgumentType]


def durations(*seconds: float) -> list[int]:
    counts = list(NO_DURATIONS)
    for one in seconds:
        counts[bound_of(one)] += 1
    return counts


@pytest.mark.parametrize(
    ("largest", "top"),
    [(0, 1), (0.3, 1), (1, 1), (1.01, 2), (3, 5), (5, 5), (51, 100), (99, 100), (1e9 + 1, 2e9)],
)
def test_scale_ends_at_a_round_number(largest: float, top: float) -> None:
    assert scale_top(largest) == top


def test_bars_stay_inside_the_chart() -> None:
    values = [0, None, 10, 0.001, *range(56)]
    path = path_of(values, scale_top(55))
    bars = re.findall(r"M([\d.]+) 100v-([\d.]+)h8v([\d.]+)z", path)
    assert len(bars) == len([value for value in values if value])
    for left, height, back in bars:
        assert 0 <= float(left) <= WIDTH - 8
        assert height == back and 0 < float(height) <= HEIGHT


def test_empty_hour_has_charts_without_bars_and_no_rows() -> None:
    assert rows_of(hour()) == []
    for one in charts_of(hour()):
        assert all(bars.path == "" for bars in one.bars)
        assert one.top in ("1", "1 ms")
        ElementTree.fromstring(drawn(one))


def test_single_value_is_one_bar_at_the_right_edge() -> None:
    made = {one.name: one for one in charts_of(hour(completed=3, failed=1, pages=12))}
    completed, failed = made["papers"].bars
    assert completed.path == "M591 100v-80h8v80z", "completed and failed papers, of 5"
    assert failed.path == "M591 100v-20h8v20z"
    assert made["papers"].summary == "3 completed, 1 failed"
    assert made["pages"].summary == "12 pages"
    [row] = rows_of(hour(completed=3, failed=1, pages=12))
    assert (row.minute.completed, row.searches, row.median) == (3, 0, None)


def test_latency_chart_shows_both_percentiles() -> None:
    made = {one.name: one for one in charts_of(hour(searches=durations(*[0.01] * 19, 0.9)))}
    tail, median = made["latency"].bars
    heights = [float(path.split("v-")[1].split("h")[0]) for path in (tail.path, median.path)]
    assert heights[0] >= heights[1] > 0
    assert made["searches"].summary == "20 searches"
    assert re.fullmatch(r"p50 \d+ ms, p95 \d+ ms", made["latency"].summary)
    [row] = rows_of(hour(searches=durations(0.01)))
    assert row.median == pytest.approx(10, rel=0.25)


def test_hostile_labels_are_text() -> None:
    series = [Series(HOSTILE, HOSTILE, [1.0] * MINUTES)]
    text = drawn(chart(HOSTILE, HOSTILE, HOSTILE, series, unit=HOSTILE))
    assert "<script" not in text
    figure = ElementTree.fromstring(text)
    assert [one.text for one in figure.iter("title")] == [HOSTILE]
    assert len(list(figure.iter("path"))) == 2, "the grid and one series"


def test_chart_has_a_name_and_a_description_and_no_inline_style() -> None:
    text = drawn(charts_of(hour(completed=2))[0])
    figure = ElementTree.fromstring(text)
    [svg] = figure.iter("svg")
    assert svg.get("role") == "img" and "style=" not in text
    ids = {one.get("id"): "".join(one.itertext()) for one in svg if one.get("id")}
    named = [ids[name] for name in (svg.get("aria-labelledby") or "").split()]
    assert named[0] == "Papers per minute" and "2 completed, 0 failed" in named[1]
