"""The rows of a table's body: printed lines merged where a cell's text wraps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import median

from extraction.tables.spans import Row, Span, row_of
from extraction.tables.table_columns import Columns, PrintedLine

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_INTERLEAVE_OVERLAP = 0.03  # sizes by which lines at half heights overlap
_SPLIT_GROUPS_SHARE = 0.6  # of the groups with several lines, that must hold rows
_MAX_WRAPPED_SHARE = 0.4  # of the cells in such groups, that may look like wrapped text
_MIN_RULED_BANDS = 4  # bands that show that every row is ruled
_FULL_ROW, _MAX_FULL_ROW_BANDS = 0.75, 0.15  # filled share of a full row; bands with two of them
_COMPLETE_ROW = 0.8  # filled share of a row that is no continuation
_MAX_STUB_SHARE = 0.35  # of continuation lines, that may fill the first column
_MAX_COMPLETE_SHARE = 0.15  # of continuation lines, that may be complete rows
_MIN_BAND_WRAPPED_SHARE = 0.55  # of continuation lines' cells, that must continue the cell above
_MIN_BANDS_WITH_STUBS, _MIN_TALL_BANDS, _STUB_BAND_SHARE = 3, 2, 0.8  # for first cells over rows
_MIN_GAPS = 3  # gaps between lines that tell row gaps from line gaps
_MIN_WIDE_GAP = 1.0  # points of white space between rows
_MIN_GAP_STEP = 0.14  # sizes by which row gaps exceed line gaps
_FEW_GAPS, _FEW_GAPS_SHARE = 2, 0.12  # fewer row gaps need a clearer step
_CLEAR_GAP_STEP = 0.6  # sizes; a clear step
_MAX_TIGHT_COMPLETE = 0.2  # of the lines after a narrow gap, that may be complete rows
_MAX_TIGHT_STUBS = 0.75  # of these lines in a two-column table, that may fill the first column
_MIN_TIGHT_WRAPPED = 0.4  # of these lines' cells, that must continue the cell above
_MAX_CONTINUATION_GAP = 0.9  # sizes between wrapped lines of one cell
_HANGING_INDENT = 3.0  # points by which a wrapped first cell may be indented
_MIN_WRAPPED_CHARACTERS = 6  # shorter text does not wrap
_DIGITS_SHARE = 0.4  # of letters and digits: above it the text is a number
_SPACE = 0.35  # sizes; a word space

_OPEN_ENDS, _OPEN_STARTS = "±×=(&", "±×)"  # a text does not end, or begin, with these
_BREAK_ENDS = "-–,/&("  # text that ends so continues on the next line
_CONTINUATION_STARTS = "(/&,)±"


def body_rows(lines: Sequence[PrintedLine], columns: Columns, rules: Sequence[float]) -> list[Row]:
    """The rows of the body; `rules` are the y of rules that no row crosses."""
    rows = [row_of(line, columns) for line in lines]
    bands = _bands(rows, rules)
    if _every_row_ruled(bands, columns):
        return [_merged(band) for band in bands]
    limit = _row_gap(bands, columns)
    grouped = [_groups(band, limit) for band in bands]
    has_tall_cells = _hold_rows([group for groups in grouped for group in groups], columns)
    done: list[list[Row]] = []
    for groups in grouped:
        split = [
            _split_group(group) if has_tall_cells and _can_split(group) else [_merged(group)]
            for group in groups
        ]
        flat = [row for rows in split for row in rows]
        done.append(flat if limit else _merge_continuations(flat, columns))
    _extend_stubs(done)
    return [row for band in done for row in band]


def _groups(band: Sequence[Row], limit: float) -> list[list[Row]]:
    """Printed lines at most `limit` points apart; without a limit, interleaved lines."""
    groups: list[list[Row]] = [[band[0]]]
    for row in band[1:]:
        bottom = max(other.bottom for other in groups[-1])
        joined = row.top - bottom <= limit if limit else _is_interleaved(groups[-1][-1], row)
        if joined:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _is_interleaved(upper: Row, lower: Row) -> bool:
    """True when the lines overlap vertically and fill different columns."""
    size = lower.spans[0].words[0].size
    apart = all(a.last < b.first or b.last < a.first for a in upper.spans for b in lower.spans)
    return apart and lower.top - upper.bottom < -_INTERLEAVE_OVERLAP * size


def _main_lines(group: Sequence[Row]) -> tuple[list[Row], set[int], int]:
    """The lines that fill the columns with most lines, these columns, and that number of lines.

    No lines when a column has neither one line nor that many.
    """
    counts: dict[int, int] = {}
    for span in (span for row in group for span in row.spans):
        counts[span.first] = counts.get(span.first, 0) + 1
    most = max(counts.values())
    main = {column for column, count in counts.items() if count == most}
    if any(count not in (1, most) for count in counts.values()):
        return [], main, most
    return [row for row in group if any(span.first in main for span in row.spans)], main, most


def _can_split(group: Sequence[Row]) -> bool:
    """True when the group may hold several rows beside cells that span all of them."""
    if len(group) < 3:
        return False
    lines, main, most = _main_lines(group)
    others = {span.first for row in group for span in row.spans} - main
    return most > 1 and len(lines) == most and len(main) > 1 and bool(others)


def _hold_rows(groups: Sequence[list[Row]], columns: Columns) -> bool:
    """True when the groups hold rows beside cells with a rowspan, not wrapped text."""
    several = [group for group in groups if len(group) > 1]
    fit = [group for group in several if _can_split(group)]
    if not fit or len(fit) < _SPLIT_GROUPS_SHARE * len(several):
        return False
    pairs: list[tuple[Span | None, Span]] = []
    for group in fit:
        lines, _, _ = _main_lines(group)
        for upper, lower in itertools.pairwise(lines):
            pairs.extend((upper.at(span.first), span) for span in lower.spans)
    both = [(upper, span) for upper, span in pairs if upper is not None]
    lowercase = sum(
        _is_continuation_start(span) and not upper.text[0].islower() for upper, span in both
    )
    wraps = sum(_wraps(upper, span, columns) for upper, span in both)
    return max(lowercase, wraps) <= _MAX_WRAPPED_SHARE * len(both)


def _split_group(group: Sequence[Row]) -> list[Row]:
    """The group's rows; its other cells begin in the first row and span all of them."""
    lines, main, most = _main_lines(group)
    rows = [
        Row([span for span in row.spans if span.first in main], row.top, row.bottom, True)
        for row in lines
    ]
    for span in (span for row in group for span in row.spans if span.first not in main):
        span.rowspan = most
        rows[0].spans.append(span)
    rows[0].spans.sort(key=lambda span: span.first)
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
            band[0].spans.append(span)
            band[0].spans.sort(key=lambda other: other.first)
            span.rowspan = len(band)


def _bands(rows: Sequence[Row], rules: Sequence[float]) -> list[list[Row]]:
    """The rows between two rules each."""
    bands: list[list[Row]] = []
    for number, row in enumerate(rows):
        before = rows[number - 1] if number else None
        if before is None or any(
            (before.top + before.bottom) / 2 < y < (row.top + row.bottom) / 2 for y in rules
        ):
            bands.append([row])
        else:
            bands[-1].append(row)
    return bands


def _every_row_ruled(bands: Sequence[list[Row]], columns: Columns) -> bool:
    """True when there is a rule between all rows: each band is one row, wrapped or not."""
    if len(bands) < _MIN_RULED_BANDS:
        return len(bands) > 1 and _all_wrapped(bands, columns)
    several = [band for band in bands if len(band) > 1]
    full = sum(
        sum(_filled_share(row, len(columns)) > _FULL_ROW for row in band) > 1 for band in several
    )
    return full <= _MAX_FULL_ROW_BANDS * len(bands)


def _all_wrapped(bands: Sequence[list[Row]], columns: Columns) -> bool:
    """True when all lines but the first of each band continue the cells above them."""
    steps = [step for band in bands for step in itertools.pairwise(band)]
    if len(steps) < 2:
        return False
    stubs = sum(lower.at(0) is not None for _, lower in steps)
    complete = sum(_looks_complete(lower, columns) for _, lower in steps)
    return (
        stubs < _MAX_STUB_SHARE * len(steps)
        and complete < _MAX_COMPLETE_SHARE * len(steps)
        and _wrapped_share(steps, columns) > _MIN_BAND_WRAPPED_SHARE
    )


def _wrapped_share(steps: Sequence[tuple[Row, Row]], columns: Columns) -> float:
    """The share of cells that continue the text of the cell above; 1 when there are no cells."""
    pairs = [(upper.at(span.first), span) for upper, lower in steps for span in lower.spans]
    both = [(upper, span) for upper, span in pairs if upper is not None]
    wrapped = sum(
        _wraps(upper, span, columns) or _is_continuation_start(span) for upper, span in both
    )
    return wrapped / len(both) if both else 1.0


def _filled_share(row: Row, count: int) -> float:
    return sum(span.last - span.first + 1 for span in row.spans) / max(1, count)


def _looks_complete(row: Row, columns: Columns) -> bool:
    """True for a row that fills most columns or holds several numbers."""
    return _filled_share(row, len(columns)) > _COMPLETE_ROW or _number_count(row) > 1


def _row_gap(bands: Sequence[list[Row]], columns: Columns) -> float:
    """The white space in points that separates rows; 0 where rows are no farther apart than lines.

    The limit is the middle of the largest step between the sorted gaps.
    """
    gaps = [
        (lower.top - upper.bottom, upper, lower)
        for band in bands
        for upper, lower in itertools.pairwise(band)
        if not lower.is_complete
    ]
    if len(gaps) < _MIN_GAPS:
        return 0.0
    values = sorted(max(0.0, gap) for gap, _, _ in gaps)
    size = median(
        word.size for band in bands for row in band for span in row.spans for word in span.words
    )
    step, limit = 0.0, 0.0
    for low, high in itertools.pairwise(values):
        if high - low > step and high > _MIN_WIDE_GAP:
            step, limit = high - low, (low + high) / 2
    if step < _MIN_GAP_STEP * size:
        return 0.0
    tight = [lower for gap, _, lower in gaps if gap < limit]
    wide = len(gaps) - len(tight)
    few = wide < _FEW_GAPS or wide < _FEW_GAPS_SHARE * len(gaps)
    if len(tight) < 2 or (few and step < _CLEAR_GAP_STEP * size):
        return 0.0
    continued = {id(lower) for _, upper, lower in gaps if _has_open_cell(upper, lower)}
    complete = sum(_looks_complete(row, columns) and id(row) not in continued for row in tight)
    stubs = sum(row.at(0) is not None for row in tight)
    if complete > _MAX_TIGHT_COMPLETE * len(tight) or (
        stubs > _MAX_TIGHT_STUBS * len(tight) and len(columns) < 3
    ):
        return 0.0
    steps = [(upper, lower) for gap, upper, lower in gaps if gap < limit]
    return limit if _wrapped_share(steps, columns) >= _MIN_TIGHT_WRAPPED else 0.0


def _has_open_cell(upper: Row, lower: Row) -> bool:
    pairs = ((upper.at(span.first), span) for span in lower.spans)
    return any(above is not None and _is_open(above, span) for above, span in pairs)


def _number_count(row: Row) -> int:
    return sum(span.is_number for span in row.spans)


def _merge_continuations(band: Sequence[Row], columns: Columns) -> list[Row]:
    """The rows by their text: a line that continues the cells above is merged into their row."""
    rows: list[Row] = []
    for row in band:
        if rows and _continues(rows[-1], row, columns):
            rows[-1] = _merged([rows[-1], row])
        else:
            rows.append(row)
    return rows


def _continues(before: Row, row: Row, columns: Columns) -> bool:
    """True when the row continues wrapped cells above, or completes a wrapped first cell."""
    if row.is_complete or before.is_complete:
        return False
    if row.top - before.bottom > _MAX_CONTINUATION_GAP * row.spans[0].words[0].size:
        return False
    stub, above = row.at(0), before.at(0)
    if stub and above and stub.last == above.last == 0 and _is_open(above, stub):
        return True
    if stub and len(row.spans) == 1:
        return bool(
            above
            and len(before.spans) > 1
            and above.first == above.last
            and _wraps(above, stub, columns)
            and (_is_continuation_start(stub) or stub.x0 > above.x0 + _HANGING_INDENT)
        )
    if stub and above and len(before.spans) == 1 and above.last == 0:
        return _wraps(above, stub, columns) and _is_continuation_start(stub)
    pairs = [(before.at(span.first), span) for span in row.spans]
    if any(upper is not None and _is_open(upper, span) for upper, span in pairs):
        return True
    if any(
        upper is None or (span.is_number and len(span.text) > 2) or span.last > upper.last
        for upper, span in pairs
    ):
        return False
    if len(row.spans) >= len(before.spans) and len(row.spans) > 2:
        return False
    if stub and not (_is_continuation_start(stub) and len(row.spans) < len(before.spans)):
        return False
    return all(
        upper is not None and (_wraps(upper, span, columns) or _is_continuation_start(span))
        for upper, span in pairs
    )


def _is_open(upper: Span, lower: Span) -> bool:
    """True when the upper text cannot end as it does, or the lower one cannot begin as it does."""
    if (upper.first, upper.last) != (lower.first, lower.last):
        return False
    text = " ".join(word.text for word in upper.lines[-1])
    return len(text) > 1 and (text[-1] in _OPEN_ENDS or lower.text[0] in _OPEN_STARTS)


def _is_continuation_start(span: Span) -> bool:
    return span.text[:1].islower() or span.text[:1] in _CONTINUATION_STARTS


def _wraps(upper: Span, lower: Span, columns: Columns) -> bool:
    """True when the first word below would not have fitted behind the text above."""
    if _is_open(upper, lower):
        return True
    if upper.is_number or (lower.first, lower.last) != (upper.first, upper.last):
        return False
    last = upper.lines[-1]
    if last[-1].text[-1:] in _BREAK_ENDS:
        return True
    text = " ".join(word.text for word in last)
    if len(text) < _MIN_WRAPPED_CHARACTERS or (
        _digit_share(text) > _DIGITS_SHARE and _digit_share(lower.text) > _DIGITS_SHARE
    ):
        return False
    _, right = columns.extents[upper.last]
    if upper.last < len(columns.cuts):
        right = min(right, columns.cuts[upper.last])
    word = lower.lines[0][0]
    room = right - max(w.x1 for w in last)
    return room < (word.x1 - word.x0) + _SPACE * word.size


def _digit_share(text: str) -> float:
    return sum(c.isdigit() for c in text) / max(1, sum(c.isalnum() for c in text))


def _merged(rows: Sequence[Row]) -> Row:
    """Several printed lines as one row; cells of overlapping columns are merged."""
    if len(rows) == 1:
        return rows[0]
    spans: list[Span] = []
    for span in (span for row in rows for span in row.spans):
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
