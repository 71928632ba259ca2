"""The rows of a table's header: headings over several columns and headings of single columns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from extraction.geometry import Rect
from extraction.tables.glyphs import Word
from extraction.tables.grid import GridCell
from extraction.tables.spans import Span, row_of
from extraction.tables.table_columns import Columns, PrintedLine

# Heuristics, chosen on the sample papers. Distances are in points unless stated otherwise.
_RULE_SLACK = 2.0  # by which a column's middle may lie outside a rule over it
_TOP_MARGIN = 2.0  # above the header's first line
_MIN_HEADING_HEIGHT = 3.0  # between a rule and what is above it; less leaves no room for text
_BASE_MARGIN = 1.0  # by which a baseline must be below the top of its heading
_LEVEL_SLACK = 2.0  # by which headings of two levels may overlap
_MAX_STUB_COLUMNS = 3  # row label columns that headings need not cover, plus one
_MAX_SPARSE_SHARE = 0.34  # of the columns: headings that may span several of them
_CUT_REACH = 0.5  # type sizes between a heading's middle and a column's cut
_CENTERED, _CENTERED_SHARE = 6.0, 0.08  # points, or share of the width, off the middle
_MAX_LINE_GAP = 4.0  # between lines of one heading
_CONTINUATION_STARTS = "(/["  # "(mg/l)": the line continues the heading above


@dataclass(slots=True, eq=False)
class _Heading:
    """A heading over several columns; what it covers begins at `bottom`."""

    first: int
    last: int
    top: float
    bottom: float
    depth: int = 0
    lines: list[list[Word]] = field(default_factory=list)

    def covers(self, column: float) -> bool:
        return self.first <= column <= self.last


def header_cells(
    lines: Sequence[PrintedLine], columns: Columns, partial: Sequence[Rect]
) -> tuple[list[GridCell], int]:
    """The header's cells, and how many rows they make; `partial` are rules below headings."""
    cut = 0 if partial else _second_row(lines, columns)
    if cut:
        upper, above = header_cells(lines[:cut], columns, ())
        lower, more = header_cells(lines[cut:], columns, ())
        for cell in lower:
            cell.row += above
        return upper + lower, above + more
    headings = _ruled_headings(columns, partial, lines)
    plain: list[Span] = []
    for number, line in enumerate(lines):
        below = lines[number + 1 :]
        spans = row_of(line, columns).spans
        _widen_centered(spans, below, columns)
        for span in spans:
            heading = _heading_of(span, line.base, headings)
            if heading is not None:
                heading.lines.append(span.words)
                heading.first = min(heading.first, span.first)
                heading.last = max(heading.last, span.last)
            elif span.last > span.first and _has_subheadings(span, below, columns):
                _add_heading(headings, span, line)
            else:
                plain.append(span)
    headings = [heading for heading in headings if heading.lines]
    for heading in sorted(headings, key=lambda heading: heading.bottom):
        over = [
            other.depth + 1
            for other in headings
            if other is not heading
            and other.bottom <= heading.top + _LEVEL_SLACK
            and other.first <= heading.last
            and heading.first <= other.last
        ]
        heading.depth = max(over, default=0)
    count = 1 + max((heading.depth + 1 for heading in headings), default=0)
    cells = [GridCell(h.depth, h.first, 1, h.last - h.first + 1, h.lines, True) for h in headings]
    return cells + _column_headings(plain, headings, columns, count), count


def _second_row(lines: Sequence[PrintedLine], columns: Columns) -> int:
    """The index of the line that begins a second row of headings; 0 if there is none.

    Both that line and the one above it have a heading in each column but the first.
    """
    wanted = set(range(1, len(columns)))
    for number, (upper, lower) in enumerate(itertools.pairwise(lines), 1):
        filled = _single_columns([upper], columns) & _single_columns([lower], columns)
        begins_anew = not any(
            _continues(span, _CONTINUATION_STARTS + "%&") for span in row_of(lower, columns).spans
        )
        if begins_anew and len(wanted) > 1 and wanted <= filled:
            return number
    return 0


def _continues(span: Span, marks: str) -> bool:
    """True for text that begins with a small letter or one of the marks."""
    return span.text[0].islower() or span.text[0] in marks


def _ruled_headings(
    columns: Columns, partial: Sequence[Rect], lines: Sequence[PrintedLine]
) -> list[_Heading]:
    """Headings without text yet: one for each rule over two or more columns."""
    headings: list[_Heading] = []
    for rule in sorted(partial, key=lambda rule: rule.center_y):
        inside = columns.under(rule, _RULE_SLACK)
        if len(inside) < 2:
            continue
        over = [h.bottom for h in headings if h.first <= inside[-1] and inside[0] <= h.last]
        top = max(over, default=min(line.top for line in lines) - _TOP_MARGIN)
        if rule.center_y - top > _MIN_HEADING_HEIGHT:
            headings.append(_Heading(inside[0], inside[-1], top, rule.center_y))
    return headings


def _heading_of(span: Span, base: float, headings: Sequence[_Heading]) -> _Heading | None:
    for heading in headings:
        is_level = heading.top < base - _BASE_MARGIN < heading.bottom
        if is_level and heading.covers((span.first + span.last) / 2):
            return heading
    return None


def _has_subheadings(span: Span, below: Sequence[PrintedLine], columns: Columns) -> bool:
    """True when two or more of the span's columns have headings of their own below."""
    under = _single_columns(below, columns)
    return len(under & set(range(span.first, span.last + 1))) > 1


def _single_columns(lines: Sequence[PrintedLine], columns: Columns) -> set[int]:
    """The columns with a heading of their own."""
    spans = (span for line in lines for span in row_of(line, columns).spans)
    return {span.first for span in spans if span.first == span.last}


def _widen_centered(spans: Sequence[Span], below: Sequence[PrintedLine], columns: Columns) -> None:
    """Widens headings that are centered over several columns with headings of their own."""
    count = len(columns)
    under = _single_columns(below, columns)
    if not any(span.last > span.first or _is_on_cut(span, columns) for span in spans) and not (
        _are_sparse(spans, below, columns)
    ):
        return
    for stub in range(_MAX_STUB_COLUMNS):
        wide = [span for span in spans if span.first >= stub]
        if not wide or not set(range(stub, count)) <= under or count - stub < 2 * len(wide):
            continue
        reach = _assigned_columns(wide, stub, columns)
        if reach is not None:
            for span, (first, last) in zip(wide, reach, strict=True):
                span.first, span.last = first, last
            return


def _are_sparse(spans: Sequence[Span], below: Sequence[PrintedLine], columns: Columns) -> bool:
    """True for one heading per three columns or more, with headings that begin anew below."""
    if not below or len(spans) > _MAX_SPARSE_SHARE * len(columns):
        return False
    under = {span.first: span for span in row_of(below[0], columns).spans}
    beneath = [under.get(span.first) for span in spans]
    marks = _CONTINUATION_STARTS + "%"
    return all(span is not None and not _continues(span, marks) for span in beneath)


def _is_on_cut(span: Span, columns: Columns) -> bool:
    middle = (span.x0 + span.x1) / 2
    return any(abs(middle - cut) < _CUT_REACH * span.words[0].size for cut in columns.cuts)


def _assigned_columns(
    wide: Sequence[Span], stub: int, columns: Columns
) -> list[tuple[int, int]] | None:
    """First and last column for each heading: each column from `stub` on goes to the nearest one.

    None when a heading is not centered over its columns.
    """
    middles = [(span.x0 + span.x1) / 2 for span in wide]
    shares: list[list[int]] = [[] for _ in wide]
    for column in range(stub, len(columns)):
        x0, x1 = columns.extents[column]
        nearest = min(range(len(wide)), key=lambda n: abs(middles[n] - (x0 + x1) / 2))
        shares[nearest].append(column)
    for share, middle, span in zip(shares, middles, wide, strict=True):
        if not share or not (share[0] <= span.first and span.last <= share[-1]):
            return None
        left, right = columns.extents[share[0]][0], columns.extents[share[-1]][1]
        if abs((left + right) / 2 - middle) > max(_CENTERED, _CENTERED_SHARE * (right - left)):
            return None
    return [(share[0], share[-1]) for share in shares]


def _add_heading(headings: list[_Heading], span: Span, line: PrintedLine) -> None:
    """Adds a heading found by its width, or adds it as one more line to the one right above."""
    for heading in headings:
        is_close = 0 <= line.top - heading.bottom < _MAX_LINE_GAP
        if is_close and heading.first <= span.first and span.last <= heading.last:
            heading.lines.append(span.words)
            heading.bottom = line.bottom
            return
    headings.append(_Heading(span.first, span.last, line.top, line.bottom, lines=[span.words]))


def _column_headings(
    plain: Sequence[Span], headings: Sequence[_Heading], columns: Columns, count: int
) -> list[GridCell]:
    """The headings of single columns: each spans the rows from its last heading to the bottom."""
    cells: list[GridCell] = []
    filled: set[int] = set()
    for column in range(len(columns)):
        if column in filled:
            continue
        depth = max((h.depth + 1 for h in headings if h.covers(column)), default=0)
        own = [span for span in plain if span.first == column]
        last = max((min(span.last, len(columns) - 1) for span in own), default=column)
        if any(h.covers(c) for h in headings for c in range(column + 1, last + 1)):
            last = column
        filled |= set(range(column, last + 1))
        own += [span for span in plain if column < span.first <= last]
        lines = [line for span in own for line in span.lines]
        cells.append(GridCell(depth, column, count - depth, last - column + 1, lines, True))
    return cells
