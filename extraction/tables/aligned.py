"""Finds tables that have neither rules nor captions: rows of numbers in columns."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extraction.geometry import Rect, union
from extraction.tables.evidence import is_figure
from extraction.tables.frame import BodyStyle, Frame, rows_by_baseline, runs_of
from extraction.tables.regions import HAIR, Region
from extraction.tables.spans import is_number
from extraction.text.lines import Line
from extraction.vocabulary.captions import CaptionKind, caption_label, is_caption

_NO_VALUE = frozenset(["-", "–", "—", "−", "…", "...", "..", ".", "*", "†", "n/a", "na", "nil"])

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_MIN_PIECES, _MIN_VALUES, _MIN_VALUE_SHARE = 3, 2, 0.6  # of a row of values
_MIN_ROWS, _MIN_EQUAL_SHARE = 4, 0.6  # rows of values, and those with the usual number of pieces
_MAX_STEP = 2.4  # sizes between the baselines of two rows
_MAX_SPREAD = 0.8  # sizes by which the ends or the middles of a column's values differ
_MIN_LABEL_SHARE = 0.6  # of the rows, that begin with a word or a year
_MIN_LABEL_LETTERS, _YEAR_DIGITS = 2, 4
_MAX_HEADER_ROWS, _MAX_HEADING_CHARACTERS = 4, 60
_MAX_LABEL_CHARACTERS = 80
_EDGE = 12.0  # points by which headings may reach out of the rows


@dataclass(frozen=True, slots=True)
class _Row:
    """The pieces of text on one baseline without those of the body text."""

    pieces: Sequence[Line]

    @property
    def base(self) -> float:
        return self.pieces[0].base

    @property
    def size(self) -> float:
        return max(line.size for line in self.pieces)

    @property
    def has_values(self) -> bool:
        if len(self.pieces) < _MIN_PIECES:
            return False
        texts = [line.text.strip() for line in self.pieces[1:]]
        values = sum(map(_is_value, texts))
        return (
            values >= max(_MIN_VALUES, _MIN_VALUE_SHARE * len(texts))
            and len(self.pieces[0].text) < _MAX_LABEL_CHARACTERS
        )

    @property
    def has_label(self) -> bool:
        text = self.pieces[0].text.strip()
        is_year = len(text) == _YEAR_DIGITS and text.isdigit()
        return is_year or sum(map(str.isalpha, text)) >= _MIN_LABEL_LETTERS


def aligned_regions(frame: Frame, body_style: BodyStyle) -> Iterator[Region]:
    """Yields regions of rows of values in columns, with the headings above them."""
    free = [line for line in frame.lines if not body_style.is_body(line)]
    rows = [_Row(row) for row in rows_by_baseline(free)]
    if sum(len(row.pieces) >= _MIN_PIECES for row in rows) < _MIN_ROWS:
        return
    others = [line for line in frame.lines if not _is_label(line)]
    for run in runs_of(range(len(rows)), lambda run, number: _follows(rows, run[-1], number)):
        own = [rows[number] for number in run]
        if not _is_table(own):
            continue
        body = union(line for row in own for line in row.pieces)
        header = list(_header(rows[: run[0]], own[0], body))
        rect = union([body, *(line for row in header for line in row.pieces)]).expanded(HAIR, HAIR)
        if not is_figure(others, rect) and not _is_in_image(frame, rect):
            yield Region(frame, rect)


def _follows(rows: Sequence[_Row], before: int, number: int) -> bool:
    """True for a row of values right below another one."""
    upper, lower = rows[before], rows[number]
    is_close = lower.base - upper.base < _MAX_STEP * max(upper.size, lower.size)
    return is_close and upper.has_values and lower.has_values


def _is_table(rows: Sequence[_Row]) -> bool:
    """True for rows with labels whose values stand in columns."""
    if len(rows) < _MIN_ROWS or sum(r.has_label for r in rows) < _MIN_LABEL_SHARE * len(rows):
        return False
    count, times = Counter(len(row.pieces) for row in rows).most_common(1)[0]
    if times < max(_MIN_ROWS, _MIN_EQUAL_SHARE * len(rows)):
        return False
    columns = list(zip(*(row.pieces for row in rows if len(row.pieces) == count), strict=True))
    apart = all(
        max(line.x1 for line in left) < min(line.x0 for line in right)
        for left, right in itertools.pairwise(columns)
    )
    return apart and all(map(_is_column, columns[1:]))


def _is_column(lines: Sequence[Line]) -> bool:
    """True when the left ends, the right ends or the middles of the lines are on one vertical."""
    places = ([x.x0 for x in lines], [x.x1 for x in lines], [(x.x0 + x.x1) / 2 for x in lines])
    return min(max(xs) - min(xs) for xs in places) < _MAX_SPREAD * lines[0].size


def _header(above: Sequence[_Row], first: _Row, body: Rect) -> Iterator[_Row]:
    """Yields the rows of headings above the first row, from the lowest on."""
    below = first
    for row in above[: -_MAX_HEADER_ROWS - 1 : -1]:
        lines = row.pieces
        is_close = below.base - row.base < _MAX_STEP * max(row.size, below.size)
        is_inside = lines[0].x0 > body.x0 - _EDGE and lines[-1].x1 < body.x1 + _EDGE
        is_short = max(len(line.text) for line in lines) < _MAX_HEADING_CHARACTERS
        is_title = len(lines) == 1 and lines[0].x0 < first.pieces[0].x1
        if not (is_close and is_inside and is_short) or is_title:
            return
        if any(is_caption(line.text) for line in lines):
            return
        yield row
        below = row


def _is_in_image(frame: Frame, rect: Rect) -> bool:
    return any(
        image.x0 < rect.center_x < image.x1 and image.y0 < rect.center_y < image.y1
        for image in frame.images
    )


def _is_label(line: Line) -> bool:
    """True for the first line of a table's caption."""
    label = caption_label(line.text)
    return label is not None and label.kind is CaptionKind.TABLE


def _is_value(text: str) -> bool:
    return text.lower() in _NO_VALUE or is_number(text)
