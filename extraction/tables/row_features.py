"""What a printed line of a table has in common with the line above it: the evidence for rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from extraction.tables.spans import Row, Span
from extraction.tables.table_columns import Columns

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_MAX_CONTINUATION_GAP = 0.9  # sizes between wrapped lines of one cell
_HANGING_INDENT = 3.0  # points by which a wrapped first cell may be indented
_MANY_CELLS = 3  # a line of so many cells, no fewer than above it, is a row of its own
_MIN_NUMBER_CHARACTERS = 3  # a shorter number may be the end of a wrapped text
_COMPLETE_ROW = 0.8  # filled share of a row that is no continuation
_MIN_WRAPPED_CHARACTERS = 6  # shorter text does not wrap
_DIGITS_SHARE = 0.4  # of letters and digits: above it the text is a number
_SPACE = 0.35  # sizes; a word space

_OPEN_ENDS, _OPEN_STARTS = "±×=(&", "±×)"  # a text does not end, or begin, with these
_BREAK_ENDS = "-–,/&("  # text that ends so continues on the next line
_CONTINUATION_STARTS = "(/&,)±"


@dataclass(frozen=True, slots=True)
class CellFeatures:
    """A cell compared with the cell above it."""

    is_label: bool = False  # in the first column
    is_below_cell: bool = False
    is_below_capital: bool = False  # the text above does not begin with a small letter
    is_below_one_column: bool = False  # the cell above has one column
    is_open: bool = False  # the text above cannot end, or this one cannot begin, as it does
    wraps: bool = False  # its first word would not have fitted behind the text above
    starts_inside: bool = False  # begins with a small letter or a mark within a sentence
    is_indented: bool = False
    is_long_number: bool = False
    is_wider: bool = False  # reaches further right than the cell above

    @property
    def continues(self) -> bool:
        return self.is_below_cell and (self.wraps or self.starts_inside)


@dataclass(frozen=True, slots=True)
class RowFeatures:
    """A printed line compared with the one above it."""

    gap: float  # points of white space between both; negative where they overlap
    is_far: bool  # farther than the lines of one cell
    is_final: bool  # one of both is never merged
    looks_complete: bool  # fills most columns, or holds several numbers
    cells: tuple[CellFeatures, ...]
    cells_above: int

    @property
    def label(self) -> CellFeatures:
        """The cell in the first column; without one, a cell with no features."""
        return self.cells[0] if self.cells[0].is_label else CellFeatures()

    @property
    def has_open_cell(self) -> bool:
        return any(cell.is_open for cell in self.cells)

    @property
    def has_new_cell(self) -> bool:
        """True when a cell cannot be the continuation of one above."""
        return any(
            not cell.is_below_cell or cell.is_long_number or cell.is_wider for cell in self.cells
        )


def compare(upper: Row, lower: Row, columns: Columns) -> RowFeatures:
    """The features of a printed line and the one above it."""
    gap = lower.top - upper.bottom
    numbers = sum(span.is_number for span in lower.spans)
    return RowFeatures(
        gap=gap,
        is_far=gap > _MAX_CONTINUATION_GAP * lower.spans[0].words[0].size,
        is_final=upper.is_complete or lower.is_complete,
        looks_complete=filled_share(lower, columns) > _COMPLETE_ROW or numbers > 1,
        cells=tuple(_cell(upper.at(span.first), span, columns) for span in lower.spans),
        cells_above=len(upper.spans),
    )


def _cell(above: Span | None, span: Span, columns: Columns) -> CellFeatures:
    own = CellFeatures(
        is_label=span.first == 0,
        starts_inside=span.text[0].islower() or span.text[0] in _CONTINUATION_STARTS,
        is_long_number=span.is_number and len(span.text) >= _MIN_NUMBER_CHARACTERS,
    )
    if above is None:
        return own
    return replace(
        own,
        is_below_cell=True,
        is_below_capital=not above.text[0].islower(),
        is_below_one_column=above.first == above.last,
        is_open=_is_open(above, span),
        wraps=_wraps(above, span, columns),
        is_indented=span.x0 > above.x0 + _HANGING_INDENT,
        is_wider=span.last > above.last,
    )


def filled_share(row: Row, columns: Columns) -> float:
    """The share of the columns in which the row has text."""
    return sum(span.last - span.first + 1 for span in row.spans) / max(1, len(columns))


def continued_share(steps: Iterable[RowFeatures]) -> float:
    """The share of cells that continue the text of the cell above; 1 when there are no cells."""
    cells = [cell.continues for step in steps for cell in step.cells if cell.is_below_cell]
    return sum(cells) / len(cells) if cells else 1.0


def is_continuation(row: RowFeatures) -> bool:
    """True when the line continues wrapped cells above, or completes a wrapped first cell."""
    label, count = row.label, len(row.cells)
    has_fewer = count < row.cells_above
    decisions = (  # the first condition that holds decides
        (row.is_final or row.is_far, False),
        (label.is_open and label.is_below_one_column, True),
        (
            label.is_label and count == 1,
            row.cells_above > 1
            and label.is_below_one_column
            and label.wraps
            and (label.starts_inside or label.is_indented),
        ),
        (
            label.is_below_one_column and row.cells_above == 1,
            label.wraps and label.starts_inside,
        ),
        (row.has_open_cell, True),
        (row.has_new_cell, False),
        (not has_fewer and count >= _MANY_CELLS, False),
        (label.is_label and not (label.starts_inside and has_fewer), False),
        (True, all(cell.continues for cell in row.cells)),
    )
    return next(verdict for holds, verdict in decisions if holds)


def _is_open(above: Span, below: Span) -> bool:
    if (above.first, above.last) != (below.first, below.last):
        return False
    text = " ".join(word.text for word in above.lines[-1])
    return len(text) > 1 and (text[-1] in _OPEN_ENDS or below.text[0] in _OPEN_STARTS)


def _wraps(above: Span, below: Span, columns: Columns) -> bool:
    if _is_open(above, below):
        return True
    if above.is_number or (below.first, below.last) != (above.first, above.last):
        return False
    last = above.lines[-1]
    if last[-1].text[-1:] in _BREAK_ENDS:
        return True
    text = " ".join(word.text for word in last)
    if len(text) < _MIN_WRAPPED_CHARACTERS or (
        _digit_share(text) > _DIGITS_SHARE and _digit_share(below.text) > _DIGITS_SHARE
    ):
        return False
    _, right = columns.extents[above.last]
    if above.last < len(columns.cuts):
        right = min(right, columns.cuts[above.last])
    word = below.lines[0][0]
    room = right - max(other.x1 for other in last)
    return room < (word.x1 - word.x0) + _SPACE * word.size


def _digit_share(text: str) -> float:
    return sum(c.isdigit() for c in text) / max(1, sum(c.isalnum() for c in text))
