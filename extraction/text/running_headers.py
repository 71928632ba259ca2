"""Pages without their running headers, footers, page numbers and watermarks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median

from domain.papers import PageSize
from extraction.text.line_numbers import without_line_numbers
from extraction.text.lines import Line

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"\W*+(?:page|p\.|pp\.)?\s*+(?:[A-Z]?\d{1,5}|[ivxl]{1,6})"
    r"(?:\s*+(?:of|/|–|-)\s*+[A-Z]?\d{1,5})?\W*+",
    re.IGNORECASE,
)
_WATERMARK = re.compile(
    r"(?:draft|preprint|(?:(?:accepted|author|submitted|original) )*manuscript|in press|"
    r"uncorrected proofs?|(?:article|journal) pre-?proofs?|confidential|under review|"
    r"for (?:peer )?review(?: only)?|do not (?:cite|distribute|copy)\b.{0,40}|retracted|"
    r"author.?s copy|not for distribution|sample|just accepted|provisional)(?: article| version)?",
    re.IGNORECASE,
)

# "Table 1 (continued)" comes back at the top of page after page, and still is a caption.
_LABEL = re.compile(r"(?:continued )?(?:table|tab\.|fig(?:ure|\.)|scheme) ?[A-Z]?\d", re.IGNORECASE)

_MARGIN = 0.14  # share of the page's height, at either end, where running lines may stand
_NUMBER_MARGIN = 0.09
_SAME_PLACE_POINTS = 4.0
_STAMPED_SHARE = 0.6  # of the pages that a watermark stands on
_LARGE = 1.8  # times the usual type


def without_running_lines(
    pages: Sequence[list[Line]], sizes: Sequence[PageSize]
) -> list[list[Line]]:
    """The pages' lines, without those that come back at the same place, lone page numbers,
    watermarks and line numbers."""
    places = _running_places(pages, sizes)
    stamps = _stamps(pages)
    usual = _usual_size(pages)
    return [
        without_line_numbers(
            [
                line
                for line in lines
                if not _is_running(line, size, places)
                and not (stamps and _place(line) in stamps)
                and not _is_watermark(line, usual)
            ]
        )
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


def _place(line: Line) -> tuple[str, int, int, int]:
    return line.text[:200], line.turn, round(line.x0 / 2), round(line.base / 2)


def _stamps(pages: Sequence[list[Line]]) -> set[tuple[str, int, int, int]]:
    """What most of the pages print in the same words at the same place, wherever that is."""
    if len(pages) < 3:
        return set()
    often = Counter(line.text for lines in pages for line in lines)
    least = max(3, _STAMPED_SHARE * len(pages))
    seen = Counter(
        place
        for lines in pages
        for place in {_place(line) for line in lines if often[line.text] >= least}
    )
    return {place for place, count in seen.items() if count >= least}


def _usual_size(pages: Sequence[list[Line]]) -> float:
    sizes = [line.size for lines in pages for line in lines if len(line.text) > 30]
    return median(sizes) if sizes else 10.0


def _is_watermark(line: Line, usual: float) -> bool:
    return (
        line.size > _LARGE * usual
        and len(line.text) < 60
        and bool(_WATERMARK.fullmatch(line.text.strip(" *-–—.:")))
    )


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
    if place is None or _LABEL.match(line.text):
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
