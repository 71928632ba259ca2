"""A printed line of a table as a row of spans: words with the columns that they fill."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from extraction.tables.frame import runs_of
from extraction.tables.glyphs import Word
from extraction.tables.table_columns import Columns, Piece, PrintedLine

# A digit, no letter before it, and at most one unit of up to three letters.
_NUMBER = re.compile(r"[\W_]*+\d[\W\d_]*+(?:[a-zA-Z][a-zA-Z%*]{0,2})?[\W\d_]*+$")

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_COLUMN_SLACK = 0.3  # sizes by which a piece may reach into the next column
_WORD_GAP = 0.34  # sizes; a wider gap at a column's cut splits a piece
_CUT_REACH = 1.0  # points by which a cut may lie outside such a gap


@dataclass(slots=True, eq=False)
class Span:
    """Words of a cell over the columns `first` to `last`, line by line."""

    first: int
    last: int
    lines: list[list[Word]] = field(default_factory=list)
    rowspan: int = 1

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
        return is_number(self.text)


@dataclass(slots=True, eq=False)
class Row:
    """The cells of one row from the left, and its vertical extent.

    A row with `is_complete` is never merged with its neighbours.
    """

    spans: list[Span]
    top: float
    bottom: float
    is_complete: bool = False

    @property
    def words(self) -> list[Word]:
        return [word for span in self.spans for word in span.words]

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    def add(self, span: Span) -> None:
        self.spans.append(span)
        self.spans.sort(key=lambda other: other.first)

    def at(self, column: int) -> Span | None:
        return next((span for span in self.spans if span.first <= column <= span.last), None)


def is_number(text: str) -> bool:
    """True for a number with its signs and at most one short unit."""
    return bool(_NUMBER.match(text))


def row_of(line: PrintedLine, columns: Columns) -> Row:
    """A printed line as a row: its pieces with the columns that they reach into."""
    spans: list[Span] = []
    for piece in line.pieces:
        for part in _split_at_cuts(piece, columns):
            slack = _COLUMN_SLACK * part.words[0].size
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


def _split_at_cuts(piece: Piece, columns: Columns) -> list[Piece]:
    """The piece, split where a column's cut falls into a gap wider than a word space."""

    def is_same_cell(part: Sequence[Word], word: Word) -> bool:
        left, right = part[-1].x1, word.x0
        is_wide = right - left > _WORD_GAP * word.size
        cuts = (left - _CUT_REACH < cut < right + _CUT_REACH for cut in columns.cuts)
        return not (is_wide and any(cuts))

    return [Piece(part) for part in runs_of(piece.words, is_same_cell)]
