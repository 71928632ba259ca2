"""The first page as rows of one type each, and where on it the title stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extraction.metadata.names import plain
from extraction.structure.title import stands_beside
from extraction.text.lines import SUPERSCRIPT_MARK, Line, font_family

_SAME_BASE = 0.35  # times the type size
_MOST_LINES = 400  # of a page that are looked at
_SIDE_BAR_POINTS = 6.0
_FLUSH_POINTS, _LEAST_FLUSH = 2.0, 5
_INDENT = 0.12  # share of the width
_ONLY_MARKS = re.compile(r"[\s\d,;*†‡§¶‖#∗⁎✉a-h]{1,12}")


@dataclass(frozen=True, slots=True)
class Row:
    """What is printed in one type on one base line; SUPERSCRIPT_MARK stands for marks and wide gaps."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    size: float
    family: str
    bold: bool
    italic: bool

    def same_type(self, other: Row) -> bool:
        """True when both are set in one font and size, bold or not."""
        return abs(self.size - other.size) < 0.06 * self.size and self.family == other.family

    def same_style(self, other: Row) -> bool:
        """True when both also agree in bold and italic."""
        return self.same_type(other) and (self.bold, self.italic) == (other.bold, other.italic)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the title stands."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float
    size: float


def find_place(title: str | None, lines: Sequence[Line]) -> Place | None:
    """The place of the lines that print the title, None when none do; `lines` in reading order."""
    wanted = re.sub(r"\W", "", plain(title or ""))
    if len(wanted) < 4:
        return None
    best: list[Line] = []
    upright = [line for line in lines[: 2 * _MOST_LINES] if not line.rotation]
    for start, line in enumerate(upright):
        taken, text = [], ""
        for other in upright[start : start + 14]:
            if other.page != line.page:
                break
            if abs(other.size - line.size) > 0.2 * line.size:
                if taken and stands_beside(taken, other):
                    continue
                break
            more = text + re.sub(r"\W", "", plain(other.text))
            if not _begins(wanted, more):
                break
            taken, text = [*taken, other], more
            if len(text) >= len(wanted):
                break
        enough = len(text) >= 0.8 * len(wanted)
        if enough and (not best or taken[0].size > best[0].size + 0.5):
            best = taken
    return _around(best) if best else None


def _begins(wanted: str, text: str) -> bool:
    """True when the one is the beginning of the other; a mark may hang on the text's end."""
    return bool(text) and (wanted.startswith(text) or text[: len(wanted)] == wanted)


def _around(lines: Sequence[Line]) -> Place:
    return Place(
        lines[0].page,
        min(line.x0 for line in lines),
        min(line.y0 for line in lines),
        max(line.x1 for line in lines),
        max(line.y1 for line in lines),
        lines[0].size,
    )


def rows_below(place: Place, lines: Sequence[Line]) -> list[Row]:
    """The rows from the title downwards on its page, without those in a side bar on its left."""
    return as_rows(_below(place, lines))


def columns_below(place: Place, lines: Sequence[Line]) -> Iterator[list[Row]]:
    """As `rows_below`, but those of each column by themselves."""
    below = _below(place, lines)
    for part in sorted({line.part for line in below}):
        yield as_rows([line for line in below if line.part == part])


def rows_above(place: Place, lines: Sequence[Line]) -> list[Row]:
    """The rows from the top of the page to the title."""
    return as_rows([line for line in _on_page(place, lines) if _middle(line) < place.y0])


def _below(place: Place, lines: Sequence[Line]) -> list[Line]:
    below = [line for line in _on_page(place, lines) if _middle(line) > place.y1]
    return _without_side_bar(place, below, lines)


def _on_page(place: Place, lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.page == place.page and not line.rotation][:_MOST_LINES]


def _middle(line: Line) -> float:
    return (line.y0 + line.y1) / 2


def _without_side_bar(place: Place, below: list[Line], lines: Sequence[Line]) -> list[Line]:
    """A title far from the left border, with text set flush below it, has a side bar."""
    on_page = _on_page(place, lines)
    left, right = min(line.x0 for line in on_page), max(line.x1 for line in on_page)
    flush = sum(abs(line.x0 - place.x0) < _FLUSH_POINTS for line in below)
    if place.x0 < left + _INDENT * (right - left) or flush < _LEAST_FLUSH:
        return below
    return [line for line in below if line.x1 > place.x0 - _SIDE_BAR_POINTS]


def as_rows(lines: Sequence[Line]) -> list[Row]:
    """Lines of one type on one base line side by side, from top to bottom; marks that the file
    draws by themselves join the row that they are raised above."""
    marks = [line for line in lines if _ONLY_MARKS.fullmatch(line.text)]
    rows: list[list[Line]] = []
    taken: set[int] = set()
    ordered = sorted(
        (line for line in lines if not _ONLY_MARKS.fullmatch(line.text)),
        key=lambda line: (line.base, line.x0),
    )
    for number, line in enumerate(ordered):
        if number in taken:
            continue
        beside = [line]
        for ahead in range(number + 1, min(len(ordered), number + 40)):
            other = ordered[ahead]
            if other.base - line.base > _SAME_BASE * line.size:
                break
            if ahead not in taken and abs(other.size - line.size) < 0.1 * line.size:
                beside.append(other)
                taken.add(ahead)
        rows.append(beside)
    for mark in marks:
        _raise(mark, rows)
    return [_row(sorted(beside, key=lambda one: one.x0)) for beside in rows]


def _raise(mark: Line, rows: Sequence[list[Line]]) -> None:
    """Adds the mark to the row whose base line it stands on or little above."""
    for beside in rows:
        main = beside[0]
        if -0.15 * main.size < main.base - mark.base < 0.7 * main.size and mark.size <= main.size:
            beside.append(replace(mark, text_with_superscript_marks=SUPERSCRIPT_MARK))
            return


def _row(beside: Sequence[Line]) -> Row:
    text = beside[0].text_with_superscript_marks or beside[0].text
    for before, line in pairwise(beside):
        gap = line.x0 - before.x1
        between = f" {SUPERSCRIPT_MARK} " if gap > 1.2 * line.size else " "
        text += between + (line.text_with_superscript_marks or line.text)
    main = max(beside, key=lambda line: len(line.text))
    words = [
        line for line in beside if line.text_with_superscript_marks != SUPERSCRIPT_MARK
    ] or list(beside)
    return Row(
        text,
        beside[0].x0,
        min(line.y0 for line in beside),
        max(line.x1 for line in beside),
        max(line.y1 for line in beside),
        main.base,
        main.size,
        font_family(main.font),
        all(line.bold for line in words),
        all(line.italic for line in words),
    )
