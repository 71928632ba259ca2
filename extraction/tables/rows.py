"""The rows of a table's body: printed lines put together where a cell's text wraps."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from extraction.tables.glyphs import Word
from extraction.tables.table_columns import Columns, Piece, Printed, pieces_of

# A digit, no letter before it, and at most one unit of up to three letters.
_NUMBER = re.compile(r"[\W_]*+\d[\W\d_]*+(?:[a-zA-Z][a-zA-Z%*]{0,2})?[\W\d_]*+$")


@dataclass(slots=True, eq=False)
class Span:
    """Words of a cell over the columns `first` to `last`, line by line."""

    first: int
    last: int
    lines: list[list[Word]] = field(default_factory=list)
    deep: int = 1  # rows that it reaches down over

    @property
    def words(self) -> list[Word]:
        return [word for line in self.lines for word in line]

    @property
    def x0(self) -> float:
        return min(word.x0 for word in self.words)

    @property
    def x1(self) -> float:
        return max(word.x1 for word in self.words)

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def is_number(self) -> bool:
        return bool(_NUMBER.match(self.text))


@dataclass(slots=True, eq=False)
class Row:
    """The cells of one row, from the left, and where it stands."""

    spans: list[Span]
    top: float
    bottom: float
    fixed: bool = False  # known to be a row by itself

    def at(self, column: int) -> Span | None:
        return next((span for span in self.spans if span.first <= column <= span.last), None)


def row_of(line: Printed, columns: Columns) -> Row:
    """A printed line as a row: its pieces in the columns that they reach into."""
    spans: list[Span] = []
    for piece in line.pieces:
        for part in _cut_at_gaps(piece, columns):
            slack = 0.3 * part.words[0].size
            first, last = columns.covered(part.x0, part.x1, slack)
            if spans and first <= spans[-1].last:
                if first > spans[-1].first:
                    spans[-1].last = first - 1
                elif last > spans[-1].last:
                    first = spans[-1].last + 1
                else:
                    spans[-1].lines[0].extend(part.words)
                    continue
            spans.append(Span(first, last, [list(part.words)]))
    return Row(spans, line.top, line.bottom)


def _cut_at_gaps(piece: Piece, columns: Columns) -> list[Piece]:
    """The piece in parts, where a column's cut falls into a gap wider than a word space."""
    words = piece.words
    parts: list[list[Word]] = [[words[0]]]
    for before, word in itertools.pairwise(words):
        wide = word.x0 - before.x1 > 0.34 * word.size
        if wide and any(before.x1 - 1 < cut < word.x0 + 1 for cut in columns.cuts):
            parts.append([word])
        else:
            parts[-1].append(word)
    return [Piece(part) for part in parts]


def body_rows(lines: Sequence[Printed], columns: Columns, rules: Sequence[float]) -> list[Row]:
    """The rows of the body; `rules` are the lines across that no row reaches over."""
    rows = [row_of(line, columns) for line in lines]
    bands = _bands(rows, rules)
    if _every_row_ruled(bands, rows, columns):
        return [_merged(band) for band in bands]
    limit = _row_gap(bands, columns)
    grouped = [_groups(band, limit) for band in bands]
    parted = _holds_rows([group for groups in grouped for group in groups], columns)
    done: list[list[Row]] = []
    for groups in grouped:
        split = [
            _parted(group) if parted and _can_part(group) else [_merged(group)] for group in groups
        ]
        flat = [row for rows in split for row in rows]
        done.append(flat if limit else _by_text(flat, columns))
    _deepen_stubs(done)
    return [row for band in done for row in band]


def _groups(band: Sequence[Row], limit: float) -> list[list[Row]]:
    """Printed lines that stand close, or (without a limit) at half heights between each other."""
    groups: list[list[Row]] = [[band[0]]]
    for row in band[1:]:
        bottom = max(other.bottom for other in groups[-1])
        joined = row.top - bottom <= limit if limit else _tangled(groups[-1][-1], row)
        if joined:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _tangled(upper: Row, lower: Row) -> bool:
    size = lower.spans[0].words[0].size
    apart = all(a.last < b.first or b.last < a.first for a in upper.spans for b in lower.spans)
    return apart and lower.top - upper.bottom < -0.03 * size


def _main_lines(group: Sequence[Row]) -> tuple[list[Row], set[int], int]:
    """The lines that print the columns with most lines, those columns, and how many lines."""
    counts: dict[int, int] = {}
    for span in (span for row in group for span in row.spans):
        counts[span.first] = counts.get(span.first, 0) + 1
    most = max(counts.values())
    main = {column for column, count in counts.items() if count == most}
    if any(count not in (1, most) for count in counts.values()):
        return [], main, most
    return [row for row in group if any(s.first in main for s in row.spans)], main, most


def _can_part(group: Sequence[Row]) -> bool:
    if len(group) < 3:
        return False
    lines, main, most = _main_lines(group)
    others = {span.first for row in group for span in row.spans} - main
    return most > 1 and len(lines) == most and len(main) > 1 and bool(others)


def _holds_rows(groups: Sequence[list[Row]], columns: Columns) -> bool:
    """True when the groups hold rows beside cells that reach down over them, not wrapped text."""
    several = [group for group in groups if len(group) > 1]
    fit = [group for group in several if _can_part(group)]
    if not fit or len(fit) < 0.6 * len(several):
        return False
    pairs: list[tuple[Span | None, Span]] = []
    for group in fit:
        lines, _, _ = _main_lines(group)
        for upper, lower in itertools.pairwise(lines):
            pairs.extend((upper.at(span.first), span) for span in lower.spans)
    both = [(upper, span) for upper, span in pairs if upper is not None]
    low = sum(_starts_low(span) and not upper.text[0].islower() for upper, span in both)
    wraps = sum(_wraps(upper, span, columns) for upper, span in both)
    return max(low, wraps) <= 0.4 * len(both)


def _parted(group: Sequence[Row]) -> list[Row]:
    """The group's rows; its other cells begin in the first one and reach down over all."""
    lines, main, most = _main_lines(group)
    rows = [Row([s for s in r.spans if s.first in main], r.top, r.bottom, True) for r in lines]
    for span in (span for row in group for span in row.spans if span.first not in main):
        span.deep = most
        rows[0].spans.append(span)
    rows[0].spans.sort(key=lambda span: span.first)
    return rows


def _deepen_stubs(bands: Sequence[list[Row]]) -> None:
    """First cells that stand once between two lines across reach down over all rows there."""
    several = [band for band in bands if len(band) > 1]
    if len(bands) < 3 or len(several) < 2:
        return
    for column in (0, 1):
        held = [[row for row in band if row.at(column)] for band in several]
        if sum(len(rows) == 1 for rows in held) < 0.8 * len(several):
            return
        for band, rows in zip(several, held, strict=True):
            span = rows[0].at(column) if len(rows) == 1 else None
            if span is None or span.deep > 1 or span.last > column or len(rows[0].spans) == 1:
                continue
            rows[0].spans.remove(span)
            band[0].spans.append(span)
            band[0].spans.sort(key=lambda other: other.first)
            span.deep = len(band)


def _bands(rows: Sequence[Row], rules: Sequence[float]) -> list[list[Row]]:
    """The rows between two lines across the table."""
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


def _every_row_ruled(bands: Sequence[list[Row]], rows: Sequence[Row], columns: Columns) -> bool:
    """True when the lines across stand between all rows: bands hold one row, wrapped or not."""
    if len(bands) < 4:
        return len(bands) > 1 and _all_wrapped(bands, columns)
    several = [band for band in bands if len(band) > 1]
    full = sum(sum(_fill(row, len(columns)) > 0.75 for row in band) > 1 for band in several)
    return full <= 0.15 * len(bands)


def _all_wrapped(bands: Sequence[list[Row]], columns: Columns) -> bool:
    """True when all lines but the first of each band go on with the cells above them."""
    steps = [step for band in bands for step in itertools.pairwise(band)]
    if len(steps) < 2:
        return False
    stubs = sum(lower.at(0) is not None for _, lower in steps)
    complete = sum(_fill(lower, len(columns)) > 0.8 or _numbers(lower) > 1 for _, lower in steps)
    share = _wrapped_share(steps, columns)
    return stubs < 0.35 * len(steps) and complete < 0.15 * len(steps) and share > 0.55


def _wrapped_share(steps: Sequence[tuple[Row, Row]], columns: Columns) -> float:
    """The share of cells that go on with the text of the cell in the line above; 1 for none."""
    pairs = [(upper.at(span.first), span) for upper, lower in steps for span in lower.spans]
    both = [(upper, span) for upper, span in pairs if upper is not None]
    wrapped = sum(_wraps(upper, span, columns) or _starts_low(span) for upper, span in both)
    return wrapped / len(both) if both else 1.0


def _fill(row: Row, count: int) -> float:
    return sum(span.last - span.first + 1 for span in row.spans) / max(1, count)


def _row_gap(bands: Sequence[list[Row]], columns: Columns) -> float:
    """The white space that parts rows, where it is clearly wider than that between wrapped
    lines; 0 where rows stand no wider apart than lines."""
    gaps = [
        (lower.top - upper.bottom, upper, lower)
        for band in bands
        for upper, lower in itertools.pairwise(band)
        if not lower.fixed
    ]
    if len(gaps) < 3:
        return 0.0
    values = sorted(max(0.0, gap) for gap, _, _ in gaps)
    size = median(
        word.size for band in bands for row in band for s in row.spans for word in s.words
    )
    best, limit = 0.0, 0.0
    for low, high in itertools.pairwise(values):
        if high - low > best and high > 1.0:
            best, limit = high - low, (low + high) / 2
    if best < 0.14 * size:
        return 0.0
    tight = [lower for gap, _, lower in gaps if gap < limit]
    count = len(columns)
    loose = len(gaps) - len(tight)
    few = loose < 2 or loose < 0.12 * len(gaps)
    if len(tight) < 2 or (few and best < 0.6 * size):
        return 0.0
    hanging = {id(lower) for _, upper, lower in gaps if _hangs(upper, lower)}
    complete = sum(
        (_fill(row, count) > 0.8 or _numbers(row) > 1) and id(row) not in hanging for row in tight
    )
    stubs = sum(row.at(0) is not None for row in tight)
    if complete > 0.2 * len(tight) or (stubs > 0.75 * len(tight) and count < 3):
        return 0.0
    steps = [(upper, lower) for gap, upper, lower in gaps if gap < limit]
    return limit if _wrapped_share(steps, columns) >= 0.4 else 0.0


def _hangs(upper: Row, lower: Row) -> bool:
    pairs = ((upper.at(span.first), span) for span in lower.spans)
    return any(above is not None and _dangles(above, span) for above, span in pairs)


def _numbers(row: Row) -> int:
    return sum(span.is_number for span in row.spans)


def _by_text(band: Sequence[Row], columns: Columns) -> list[Row]:
    """Rows by what they say: a line that goes on with the cells above joins them."""
    rows: list[Row] = []
    for row in band:
        if rows and _continues(rows[-1], row, columns):
            rows[-1] = _merged([rows[-1], row])
        else:
            rows.append(row)
    return rows


def _continues(before: Row, row: Row, columns: Columns) -> bool:
    """True when the row is the rest of wrapped cells above, or completes a wrapped first cell."""
    if row.fixed or before.fixed:
        return False
    if row.top - before.bottom > 0.9 * row.spans[0].words[0].size:
        return False
    stub, above = row.at(0), before.at(0)
    if stub and above and stub.last == above.last == 0 and _dangles(above, stub):
        return True
    if stub and len(row.spans) == 1:
        return bool(
            above
            and len(before.spans) > 1
            and above.first == above.last
            and (_wraps(above, stub, columns) and (_starts_low(stub) or stub.x0 > above.x0 + 3))
        )
    if stub and above and len(before.spans) == 1 and above.last == 0:
        return _wraps(above, stub, columns) and _starts_low(stub)
    pairs = [(before.at(span.first), span) for span in row.spans]
    if any(upper is not None and _dangles(upper, span) for upper, span in pairs):
        return True
    if any(
        upper is None or (span.is_number and len(span.text) > 2) or span.last > upper.last
        for upper, span in pairs
    ):
        return False
    if len(row.spans) >= len(before.spans) and len(row.spans) > 2:
        return False
    if stub and not (_starts_low(stub) and len(row.spans) < len(before.spans)):
        return False
    return all(
        upper is not None and (_wraps(upper, span, columns) or _starts_low(span))
        for upper, span in pairs
    )


def _dangles(upper: Span, lower: Span) -> bool:
    """True when a text cannot end where the upper one does, or begin as the lower one does."""
    if (upper.first, upper.last) != (lower.first, lower.last):
        return False
    text = " ".join(word.text for word in upper.lines[-1])
    return len(text) > 1 and (text[-1] in "±×=(&" or lower.text[0] in "±×)")


def _starts_low(span: Span) -> bool:
    return span.text[:1].islower() or span.text[:1] in "(/&,)±"


def _wraps(upper: Span, lower: Span, columns: Columns) -> bool:
    """True when the first word below would not have fitted behind the text above."""
    if _dangles(upper, lower):
        return True
    if upper.is_number or (lower.first, lower.last) != (upper.first, upper.last):
        return False
    last = upper.lines[-1]
    if last[-1].text[-1:] in "-–,/&(":
        return True
    text = " ".join(w.text for w in last)
    if len(text) < 6 or (_digits(text) > 0.4 and _digits(lower.text) > 0.4):
        return False
    _, right = columns.extents[upper.last]
    if upper.last < len(columns.cuts):
        right = min(right, columns.cuts[upper.last])
    word = lower.lines[0][0]
    room = right - max(w.x1 for w in last)
    return room < (word.x1 - word.x0) + 0.35 * word.size


def _digits(text: str) -> float:
    return sum(c.isdigit() for c in text) / max(1, sum(c.isalnum() for c in text))


def _merged(rows: Sequence[Row]) -> Row:
    """Several printed lines as one row; cells of overlapping columns become one."""
    if len(rows) == 1:
        return rows[0]
    spans: list[Span] = []
    for span in (span for row in rows for span in row.spans):
        over = [other for other in spans if other.first <= span.last and span.first <= other.last]
        for other in over:
            spans.remove(other)
        spans.append(
            Span(
                min(s.first for s in (*over, span)),
                max(s.last for s in (*over, span)),
                [line for s in (*over, span) for line in s.lines],
            )
        )
    spans.sort(key=lambda span: span.first)
    return Row(spans, min(row.top for row in rows), max(row.bottom for row in rows))


__all__ = ["Row", "Span", "body_rows", "pieces_of", "row_of"]
