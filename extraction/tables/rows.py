"""The rows of a table's body: printed lines merged where a cell's text wraps."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from extraction.tables.frame import runs_of
from extraction.tables.row_features import (
    RowFeatures,
    compare,
    continued_share,
    filled_share,
    is_continuation,
)
from extraction.tables.spans import Row, Span, row_of
from extraction.tables.table_columns import Columns, PrintedLine

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_INTERLEAVE_OVERLAP = 0.03  # sizes by which lines at half heights overlap
_MIN_SPLIT_LINES = 3  # lines of a group that holds several rows
_SPLIT_GROUPS_SHARE = 0.6  # of the groups with several lines, that must hold rows
_MAX_WRAPPED_SHARE = 0.4  # of the cells in such groups, that may look like wrapped text
_MIN_RULED_BANDS = 4  # bands that show that every row is ruled
_FULL_ROW, _MAX_FULL_ROW_BANDS = 0.75, 0.15  # filled share of a full row; bands with two of them
_MAX_STUB_SHARE = 0.35  # of continuation lines, that may fill the first column
_MAX_COMPLETE_SHARE = 0.15  # of continuation lines, that may be complete rows
_MIN_BAND_WRAPPED_SHARE = 0.55  # of continuation lines' cells, that must continue the cell above
_MIN_BANDS_WITH_STUBS, _MIN_TALL_BANDS, _STUB_BAND_SHARE = 3, 2, 0.8  # for first cells over rows
_MIN_GAPS = 3  # gaps between lines that tell row gaps from line gaps
_MIN_WIDE_GAP = 1.0  # points of white space between rows
_MIN_GAP_STEP = 0.14  # sizes by which row gaps exceed line gaps
_FEW_GAPS, _FEW_GAPS_SHARE = 2, 0.12  # fewer row gaps need a clearer step
_CLEAR_GAP_STEP = 0.6  # sizes; a clear step
_MIN_TIGHT_LINES = 2  # lines after a narrow gap
_MAX_TIGHT_COMPLETE = 0.2  # of these lines, that may be complete rows
_MAX_TIGHT_STUBS = 0.75  # of these lines in a two-column table, that may fill the first column
_MIN_TIGHT_WRAPPED = 0.4  # of these lines' cells, that must continue the cell above


@dataclass(frozen=True, slots=True)
class _Group:
    """Printed lines close together: one row, or several beside cells that span all of them.

    `columns` are those that most lines fill, `count` times each; `rows` are the lines that fill
    them, none when they make no rows.
    """

    lines: Sequence[Row]
    columns: frozenset[int]
    count: int
    rows: tuple[Row, ...]


def body_rows(lines: Sequence[PrintedLine], columns: Columns, rules: Sequence[float]) -> list[Row]:
    """The rows of the body; `rules` are the y of rules that no row crosses."""
    bands = _bands([row_of(line, columns) for line in lines], rules)
    if _every_row_ruled(bands, columns):
        return [_merged(band) for band in bands]
    limit = _row_gap(bands, columns)
    grouped = [[_group(lines) for lines in _close_lines(band, limit)] for band in bands]
    has_tall_cells = _hold_rows([group for groups in grouped for group in groups], columns)
    done: list[list[Row]] = []
    for groups in grouped:
        flat: list[Row] = []
        for group in groups:
            split = has_tall_cells and group.rows
            flat += _split_rows(group) if split else [_merged(group.lines)]
        done.append(flat if limit else _merge_continuations(flat, columns))
    _extend_stubs(done)
    return [row for band in done for row in band]


def _bands(rows: Sequence[Row], rules: Sequence[float]) -> list[list[Row]]:
    """The rows between two rules each."""

    def is_same_band(band: Sequence[Row], row: Row) -> bool:
        return not any(band[-1].middle < y < row.middle for y in rules)

    return runs_of(rows, is_same_band)


def _steps(bands: Sequence[Sequence[Row]], columns: Columns) -> list[RowFeatures]:
    """Each line of the bands compared with the one above it."""
    return [
        compare(upper, lower, columns)
        for band in bands
        for upper, lower in itertools.pairwise(band)
    ]


def _every_row_ruled(bands: Sequence[list[Row]], columns: Columns) -> bool:
    """True when there is a rule between all rows: each band is one row, wrapped or not."""
    if len(bands) < _MIN_RULED_BANDS:
        return len(bands) > 1 and _all_wrapped(_steps(bands, columns))
    full = sum(sum(filled_share(row, columns) > _FULL_ROW for row in band) > 1 for band in bands)
    return full <= _MAX_FULL_ROW_BANDS * len(bands)


def _all_wrapped(steps: Sequence[RowFeatures]) -> bool:
    """True when all lines but the first of each band continue the cells above them."""
    return (
        len(steps) > 1
        and sum(step.label.is_label for step in steps) < _MAX_STUB_SHARE * len(steps)
        and sum(step.looks_complete for step in steps) < _MAX_COMPLETE_SHARE * len(steps)
        and continued_share(steps) > _MIN_BAND_WRAPPED_SHARE
    )


def _row_gap(bands: Sequence[list[Row]], columns: Columns) -> float:
    """The white space in points that separates rows; 0 where rows are no farther apart than lines.

    The limit is the middle of the largest step between the sorted gaps.
    """
    steps = _steps(bands, columns)
    if len(steps) < _MIN_GAPS:
        return 0.0
    rise, limit = _largest_rise(sorted(max(0.0, step.gap) for step in steps))
    tight = [step for step in steps if step.gap < limit]
    wide = len(steps) - len(tight)
    few = wide < max(_FEW_GAPS, _FEW_GAPS_SHARE * len(steps))
    size = median(word.size for row in itertools.chain(*bands) for word in row.words)
    is_clear = rise >= (_CLEAR_GAP_STEP if few else _MIN_GAP_STEP) * size
    return limit if is_clear and _are_continuations(tight, len(columns)) else 0.0


def _largest_rise(gaps: Sequence[float]) -> tuple[float, float]:
    """The largest difference between two neighbours of the sorted gaps, and their middle."""
    rise, limit = 0.0, 0.0
    for low, high in itertools.pairwise(gaps):
        if high - low > rise and high > _MIN_WIDE_GAP:
            rise, limit = high - low, (low + high) / 2
    return rise, limit


def _are_continuations(tight: Sequence[RowFeatures], columns: int) -> bool:
    """True when the lines after a narrow gap continue those above them."""
    complete = sum(step.looks_complete and not step.has_open_cell for step in tight)
    stubs = sum(step.label.is_label for step in tight)
    return (
        len(tight) >= _MIN_TIGHT_LINES
        and complete <= _MAX_TIGHT_COMPLETE * len(tight)
        and (columns > 2 or stubs <= _MAX_TIGHT_STUBS * len(tight))
        and continued_share(tight) >= _MIN_TIGHT_WRAPPED
    )


def _close_lines(band: Sequence[Row], limit: float) -> list[list[Row]]:
    """Printed lines at most `limit` points apart; without a limit, interleaved lines."""

    def is_close(group: Sequence[Row], row: Row) -> bool:
        bottom = max(other.bottom for other in group)
        return row.top - bottom <= limit if limit else _is_interleaved(group[-1], row)

    return runs_of(band, is_close)


def _is_interleaved(upper: Row, lower: Row) -> bool:
    """True when the lines overlap vertically and fill different columns."""
    size = lower.spans[0].words[0].size
    apart = all(a.last < b.first or b.last < a.first for a in upper.spans for b in lower.spans)
    return apart and lower.top - upper.bottom < -_INTERLEAVE_OVERLAP * size


def _group(lines: Sequence[Row]) -> _Group:
    """The group of these lines. It holds rows when each column is filled once or in all of them."""
    counts = Counter(span.first for row in lines for span in row.spans)
    most = max(counts.values())
    columns = frozenset(column for column, count in counts.items() if count == most)
    rows = tuple(row for row in lines if any(span.first in columns for span in row.spans))
    holds_rows = (
        len(lines) >= _MIN_SPLIT_LINES
        and most == len(rows) > 1
        and 1 < len(columns) < len(counts)
        and all(count in (1, most) for count in counts.values())
    )
    return _Group(lines, columns, most, rows if holds_rows else ())


def _hold_rows(groups: Sequence[_Group], columns: Columns) -> bool:
    """True when the groups hold rows beside cells with a rowspan, not wrapped text."""
    fit = [group.rows for group in groups if group.rows]
    if not fit or len(fit) < _SPLIT_GROUPS_SHARE * sum(len(group.lines) > 1 for group in groups):
        return False
    steps = _steps(fit, columns)
    cells = [cell for step in steps for cell in step.cells if cell.is_below_cell]
    lowercase = sum(cell.starts_inside and cell.is_below_capital for cell in cells)
    wrapped = sum(cell.wraps for cell in cells)
    return max(lowercase, wrapped) <= _MAX_WRAPPED_SHARE * len(cells)


def _split_rows(group: _Group) -> list[Row]:
    """The group's rows; its other cells begin in the first row and span all of them."""
    rows = [
        Row([span for span in row.spans if span.first in group.columns], row.top, row.bottom, True)
        for row in group.rows
    ]
    for span in _spans(group.lines):
        if span.first not in group.columns:
            span.rowspan = group.count
            rows[0].add(span)
    return rows


def _extend_stubs(bands: Sequence[list[Row]]) -> None:
    """Lets first cells that occur once between two rules span all rows there."""
    several = [band for band in bands if len(band) > 1]
    if len(bands) < _MIN_BANDS_WITH_STUBS or len(several) < _MIN_TALL_BANDS:
        return
    for column in (0, 1):
        filled = [[row for row in band if row.at(column)] for band in several]
        if sum(len(rows) == 1 for rows in filled) < _STUB_BAND_SHARE * len(several):
            return
        for band, rows in zip(several, filled, strict=True):
            span = rows[0].at(column) if len(rows) == 1 else None
            if span is None or span.rowspan > 1 or span.last > column or len(rows[0].spans) == 1:
                continue
            rows[0].spans.remove(span)
            band[0].add(span)
            span.rowspan = len(band)


def _merge_continuations(band: Sequence[Row], columns: Columns) -> list[Row]:
    """The rows by their text: a line that continues the cells above is merged into their row."""
    rows: list[Row] = []
    for row in band:
        if rows and is_continuation(compare(rows[-1], row, columns)):
            rows[-1] = _merged([rows[-1], row])
        else:
            rows.append(row)
    return rows


def _spans(rows: Sequence[Row]) -> Iterator[Span]:
    return (span for row in rows for span in row.spans)


def _merged(rows: Sequence[Row]) -> Row:
    """Several printed lines as one row; cells of overlapping columns are merged."""
    if len(rows) == 1:
        return rows[0]
    spans: list[Span] = []
    for span in _spans(rows):
        over = [other for other in spans if other.first <= span.last and span.first <= other.last]
        for other in over:
            spans.remove(other)
        merged = (*over, span)
        spans.append(
            Span(
                min(s.first for s in merged),
                max(s.last for s in merged),
                [line for s in merged for line in s.lines],
            )
        )
    spans.sort(key=lambda span: span.first)
    return Row(spans, min(row.top for row in rows), max(row.bottom for row in rows))
