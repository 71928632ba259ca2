"""The rows of a table's header: which headings stand over several columns, and which go down."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from extraction.tables.frame import Rule
from extraction.tables.glyphs import Word
from extraction.tables.rows import Span, row_of
from extraction.tables.table_columns import Columns, Printed


@dataclass(slots=True, eq=False)
class Placed:
    """A cell in its place: row and column from 0, its reach, and its words line by line."""

    row: int
    column: int
    rowspan: int
    colspan: int
    lines: list[list[Word]]
    header: bool = False


@dataclass(slots=True, eq=False)
class _Heading:
    """A heading over several columns; `bottom` is where what it covers begins."""

    first: int
    last: int
    top: float
    bottom: float
    depth: int = 0
    lines: list[list[Word]] = field(default_factory=list)


def header_cells(
    lines: Sequence[Printed], columns: Columns, partial: Sequence[Rule]
) -> tuple[list[Placed], int]:
    """The header's cells, and how many rows they make. `partial` are rules under headings."""
    cut = 0 if partial else _second_row(lines, columns)
    if cut:
        upper, above = header_cells(lines[:cut], columns, ())
        lower, more = header_cells(lines[cut:], columns, ())
        for cell in lower:
            cell.row += above
        return upper + lower, above + more
    headings = _ruled(columns, partial, lines)
    plain: list[tuple[Printed, Span]] = []
    for number, line in enumerate(lines):
        below = lines[number + 1 :]
        spans = row_of(line, columns).spans
        _spread(spans, below, columns)
        for span in spans:
            owner = _owner(span, line.base, headings)
            if owner is not None:
                owner.lines.append(span.words)
                owner.first, owner.last = min(owner.first, span.first), max(owner.last, span.last)
            elif span.last > span.first and _has_parts(span, below, columns):
                _join(headings, span, line)
            else:
                plain.append((line, span))
    headings = [heading for heading in headings if heading.lines]
    for heading in sorted(headings, key=lambda heading: heading.bottom):
        over = [
            h
            for h in headings
            if h is not heading and h.bottom <= heading.top + 2 and _meet(h, heading)
        ]
        heading.depth = max((h.depth + 1 for h in over), default=0)
    count = 1 + max((heading.depth + 1 for heading in headings), default=0)
    cells = [_placed(heading) for heading in headings]
    cells += _columns_down(plain, headings, columns, count)
    return cells, count


def _second_row(lines: Sequence[Printed], columns: Columns) -> int:
    """The line that begins a row of its own: one with a heading anew in each column, under a line
    that has one there too; 0 where there is none."""
    wanted = set(range(1, len(columns)))
    rows = [row_of(line, columns) for line in lines]
    for number, (upper, lower) in enumerate(itertools.pairwise(rows), 1):
        filled = [{s.first for s in r.spans if s.first == s.last} for r in (upper, lower)]
        anew = not any(s.text[:1].islower() or s.text[:1] in "(/[%&" for s in lower.spans)
        if anew and len(wanted) > 1 and all(wanted <= columns_ for columns_ in filled):
            return number
    return 0


def _ruled(columns: Columns, partial: Sequence[Rule], lines: Sequence[Printed]) -> list[_Heading]:
    """Headings to be filled: one for each rule over two or more columns."""
    headings: list[_Heading] = []
    for rule in sorted(partial, key=lambda rule: rule.y):
        inside = [
            n
            for n, (x0, x1) in enumerate(columns.extents)
            if rule.x0 - 2 < (x0 + x1) / 2 < rule.x1 + 2
        ]
        if len(inside) < 2:
            continue
        over = [h.bottom for h in headings if h.first <= inside[-1] and inside[0] <= h.last]
        top = max(over, default=min(line.top for line in lines) - 2)
        if rule.y - top > 3:
            headings.append(_Heading(inside[0], inside[-1], top, rule.y))
    return headings


def _owner(span: Span, base: float, headings: Sequence[_Heading]) -> _Heading | None:
    middle = (span.first + span.last) / 2
    for heading in headings:
        if heading.top < base - 1 < heading.bottom and heading.first <= middle <= heading.last:
            return heading
    return None


def _has_parts(span: Span, below: Sequence[Printed], columns: Columns) -> bool:
    """True when headings of their own stand below, in two or more of the span's columns."""
    under = {
        part.first
        for line in below
        for part in row_of(line, columns).spans
        if part.first == part.last and span.first <= part.first <= span.last
    }
    return len(under) > 1


def _spread(spans: Sequence[Span], below: Sequence[Printed], columns: Columns) -> None:
    """Widens headings that stand centred over several columns with headings of their own."""
    count = len(columns)
    under = {s.first for line in below for s in row_of(line, columns).spans if s.first == s.last}
    if not any(span.last > span.first or _on_cut(span, columns) for span in spans) and not (
        _stands_alone(spans, below, columns)
    ):
        return
    for stub in range(3):
        wide = [span for span in spans if span.first >= stub]
        if not wide or not set(range(stub, count)) <= under or count - stub < 2 * len(wide):
            continue
        reach = _shares(wide, stub, columns)
        if reach is not None:
            for span, (first, last) in zip(wide, reach, strict=True):
                span.first, span.last = first, last
            return


def _stands_alone(spans: Sequence[Span], below: Sequence[Printed], columns: Columns) -> bool:
    """True when headings stand over the middle of three columns or more, and what stands below
    them begins anew."""
    if not below or len(spans) > 0.34 * len(columns):
        return False
    under = {s.first: s for s in row_of(below[0], columns).spans}
    beneath = [under.get(span.first) for span in spans]
    return all(
        s is not None and not (s.text[:1].islower() or s.text[:1] in "(/[%") for s in beneath
    )


def _on_cut(span: Span, columns: Columns) -> bool:
    middle = (span.x0 + span.x1) / 2
    return any(abs(middle - cut) < 0.5 * span.words[0].size for cut in columns.cuts)


def _shares(wide: Sequence[Span], stub: int, columns: Columns) -> list[tuple[int, int]] | None:
    """The columns from `stub` on shared out to the nearest headings, each centred on its own."""
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
        if abs((left + right) / 2 - middle) > max(6.0, 0.08 * (right - left)):
            return None
    return [(share[0], share[-1]) for share in shares]


def _join(headings: list[_Heading], span: Span, line: Printed) -> None:
    """A heading found by its width; one right under another of the same reach goes on with it."""
    for heading in headings:
        close = 0 <= line.top - heading.bottom < 4
        if close and heading.first <= span.first and span.last <= heading.last:
            heading.lines.append(span.words)
            heading.bottom = line.bottom
            return
    headings.append(_Heading(span.first, span.last, line.top, line.bottom, lines=[span.words]))


def _meet(one: _Heading, other: _Heading) -> bool:
    return one.first <= other.last and other.first <= one.last


def _placed(heading: _Heading) -> Placed:
    reach = heading.last - heading.first + 1
    return Placed(heading.depth, heading.first, 1, reach, heading.lines, True)


def _columns_down(
    plain: Sequence[tuple[Printed, Span]],
    headings: Sequence[_Heading],
    columns: Columns,
    count: int,
) -> list[Placed]:
    """The headings of single columns: each reaches from below its last heading to the bottom."""
    cells: list[Placed] = []
    filled: set[int] = set()
    for column in range(len(columns)):
        over = [h for h in headings if h.first <= column <= h.last]
        depth = max((h.depth + 1 for h in over), default=0)
        own = [span for _, span in plain if span.first == column]
        if column in filled:
            continue
        last = max((min(span.last, len(columns) - 1) for span in own), default=column)
        if any(h.first <= c <= h.last for h in headings for c in range(column + 1, last + 1)):
            last = column
        filled |= set(range(column, last + 1))
        own += [span for _, span in plain if column < span.first <= last]
        lines = [line for span in own for line in span.lines]
        cells.append(Placed(depth, column, count - depth, last - column + 1, lines, True))
    return cells
