"""Pages without their running headers, footers, page numbers and line numbers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median

from domain.papers import PageSize
from pipelines.read.lines import Line

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|p\.|pp\.)?\s*(?:[A-Z]?\d{1,5}|[ivxl]{1,6})(?:\s*(?:of|/|–|-)\s*[A-Z]?\d{1,5})?\W*",
    re.IGNORECASE,
)
_LINE_NUMBER = re.compile(r"\d{1,4}")

_MARGIN = 0.14  # share of the page's height, at either end, where running lines may stand
_NUMBER_MARGIN = 0.09
_SAME_PLACE_POINTS = 4.0


def without_running_lines(
    pages: Sequence[list[Line]], sizes: Sequence[PageSize]
) -> list[list[Line]]:
    """The pages' lines, without those that come back at the same place, lone page numbers and line
    numbers."""
    places = _running_places(pages, sizes)
    return [
        _without_line_numbers([line for line in lines if not _is_running(line, size, places)])
        for lines, size in zip(pages, sizes, strict=True)
    ]


def _margin_place(line: Line, size: PageSize) -> float | None:
    """Points from the nearer edge (negative from the bottom), None when the line is not in a
    margin."""
    box = line if line.turn == 0 else line.box
    middle = (box.y0 + box.y1) / 2
    if middle < size.height * _MARGIN:
        return middle
    return middle - size.height if middle > size.height * (1 - _MARGIN) else None


def _key(line: Line) -> str:
    return _DIGITS.sub("#", line.text[:200]).lower()


def _running_places(
    pages: Sequence[list[Line]], sizes: Sequence[PageSize]
) -> dict[str, list[float]]:
    """Text (digits as #) of the lines that are printed at one place of several pages -> those
    places."""
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for lines, size in zip(pages, sizes, strict=True):
        for line in lines:
            place = _margin_place(line, size)
            if place is not None:
                seen[_key(line)].append(place)
    wanted = 2 if len(pages) <= 4 else 3
    running: dict[str, list[float]] = {}
    for key, places in seen.items():
        if len(places) < wanted:
            continue
        buckets = Counter(round(place / _SAME_PLACE_POINTS) for place in places)
        often = [
            b * _SAME_PLACE_POINTS
            for b, n in buckets.items()
            if n + buckets[b + 1] + buckets[b - 1] >= wanted
        ]
        if often:
            running[key] = often
    return running


def _is_running(line: Line, size: PageSize, places: dict[str, list[float]]) -> bool:
    place = _margin_place(line, size)
    if place is None:
        return False
    if (
        abs(place) < size.height * _NUMBER_MARGIN
        and len(line.text) < 20
        and _PAGE_NUMBER.fullmatch(line.text)
    ):
        return True
    return any(
        abs(place - known) <= 1.5 * _SAME_PLACE_POINTS for known in places.get(_key(line), ())
    )


def _without_line_numbers(lines: list[Line]) -> list[Line]:
    """Drops the numbers that a manuscript prints beside its lines: ten or more, left of everything
    else."""
    numbers = [line for line in lines if _LINE_NUMBER.fullmatch(line.text)]
    if len(numbers) < 10:
        return lines
    left = min((line.x0 for line in lines if len(line.text) > 20), default=0.0)
    beside = [line for line in numbers if line.x1 <= left + 2]
    if len(beside) < 10:
        return lines
    edge = median(line.x1 for line in beside)
    dropped = {id(line) for line in beside if abs(line.x1 - edge) < 12}
    return [line for line in lines if id(line) not in dropped]
