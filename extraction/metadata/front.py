"""The rows of the first page, each in one style, and the bounding box of the title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from extraction.geometry import union
from extraction.person_names import plain
from extraction.structure.title import stands_beside
from extraction.text.lines import Line, joined
from extraction.text.marks import SUPERSCRIPT_MARK

# Heuristics. Distances are in type sizes unless another unit is given.
_MAX_LINES = 400  # of a page that are examined
_SAME_BASE = 0.35  # distance of the base lines of one row
# Shares of the type size by which the pieces of one row, and two rows of one style, may differ.
_ROW_SIZE_TOLERANCE, _STYLE_SIZE_TOLERANCE = 0.1, 0.06
_MAX_PIECES = 40  # lines after the first that are examined for a row
_WIDE_GAP = 1.2  # between two pieces of a row: replaced by a superscript mark
_MIN_RISE, _MAX_RISE = -0.15, 0.7  # of a mark above the base line of its row
# The title: its length in letters, share of it that must be printed, lines, tolerance of the type
# size of its lines, and how much larger a second occurrence must be to replace the first.
_MIN_TITLE_LENGTH, _MIN_PRINTED_SHARE, _MAX_TITLE_LINES = 4, 0.8, 14
_TITLE_SIZE_TOLERANCE, _LARGER_POINTS = 0.35, 0.5
# A side bar left of the title: indent of the title as a share of the page's width, lines that are
# flush with the title, and the tolerances.
_MIN_INDENT, _MIN_FLUSH_LINES = 0.12, 5
_NARROW = 0.45  # share of the text's width that a side column takes
_FLUSH_POINTS, _SIDE_BAR_POINTS = 2.0, 6.0
_ONLY_MARKS = re.compile(r"[\s\d,;*†‡§¶‖#∗⁎✉a-h]{1,12}")


def same_type(row: Line, other: Line) -> bool:
    """True if both rows have one font and size, bold or not."""
    is_same_size = abs(row.size - other.size) < _STYLE_SIZE_TOLERANCE * row.size
    return is_same_size and row.family == other.family


def same_style(row: Line, other: Line) -> bool:
    """True if both rows also agree in bold and italic."""
    return same_type(row, other) and (row.bold, row.italic) == (other.bold, other.italic)


def find_title_box(title: str | None, lines: Sequence[Line]) -> Line | None:
    """Returns one line in the type of the title around the lines that print it, None if none do;
    `lines` are in reading order."""
    wanted = plain(title or "").replace(" ", "")
    if len(wanted) < _MIN_TITLE_LENGTH:
        return None
    turns = _main_turns(lines[: 2 * _MAX_LINES])
    best: list[Line] = []
    upright = [line for line in lines[: 2 * _MAX_LINES] if line.rotation == turns.get(line.page)]
    for start, line in enumerate(upright):
        taken, text = [], ""
        for other in upright[start : start + _MAX_TITLE_LINES]:
            if other.page != line.page:
                break
            if abs(other.size - line.size) > _TITLE_SIZE_TOLERANCE * line.size:
                if taken and stands_beside(taken, other):
                    continue
                break
            more = text + plain(other.text).replace(" ", "")
            if not more or not (wanted.startswith(more) or more.startswith(wanted)):
                break  # a mark may follow the title
            taken, text = [*taken, other], more
            if len(text) >= len(wanted):
                break
        enough = len(text) >= _MIN_PRINTED_SHARE * len(wanted)
        if enough and (not best or taken[0].size > best[0].size + _LARGER_POINTS):
            best = taken
    return replace(best[0], **union(best)._asdict()) if best else None


def _main_turns(lines: Sequence[Line]) -> dict[int, int]:
    """Returns page number -> rotation of most of its text: a page may be stored sideways."""
    letters: Counter[tuple[int, int]] = Counter()
    for line in lines:
        letters[line.page, line.rotation] += len(line.text)
    return {page: turn for (page, turn), _ in reversed(letters.most_common())}


def rows_below(title_box: Line, lines: Sequence[Line]) -> list[Line]:
    """Returns the rows below the title on its page, without a side bar on its left."""
    return as_rows(_below(title_box, lines))


def columns_below(title_box: Line, lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yields the rows below the title for each column separately: those of the reading order, and
    a narrow one flush with the left border."""
    if not (below := _below(title_box, lines)):
        return
    for part in sorted({line.part for line in below}):
        yield as_rows([line for line in below if line.part == part])
    left, right = min(line.x0 for line in below), max(line.x1 for line in below)
    narrow = left + _NARROW * (right - left)
    flush = [line for line in below if abs(line.x0 - left) < _FLUSH_POINTS and line.x1 < narrow]
    if len(flush) < len(below):
        yield as_rows(flush)


def rows_above(title_box: Line, lines: Sequence[Line]) -> list[Line]:
    """Returns the rows from the top of the page to the title."""
    on_page = _on_page(title_box, lines)
    return as_rows([line for line in on_page if line.y0 + line.y1 < 2 * title_box.y0])


def _on_page(title_box: Line, lines: Sequence[Line]) -> list[Line]:
    place = title_box.page, title_box.rotation
    on_page = [line for line in lines if (line.page, line.rotation) == place]
    return on_page[:_MAX_LINES]


def _below(title_box: Line, lines: Sequence[Line]) -> list[Line]:
    """Returns the lines below the title without the side bar, which exists if the title is far from
    the left border and text below is flush with it."""
    on_page = _on_page(title_box, lines)
    below = [line for line in on_page if line.y0 + line.y1 > 2 * title_box.y1]
    left, right = min(line.x0 for line in on_page), max(line.x1 for line in on_page)
    flush = sum(abs(line.x0 - title_box.x0) < _FLUSH_POINTS for line in below)
    if title_box.x0 < left + _MIN_INDENT * (right - left) or flush < _MIN_FLUSH_LINES:
        return below
    return [line for line in below if line.x1 > title_box.x0 - _SIDE_BAR_POINTS]


def as_rows(lines: Sequence[Line]) -> list[Line]:
    """Returns the lines of one style on one base line joined, from top to bottom.

    Their text has SUPERSCRIPT_MARK for marks and wide gaps. Marks that the file draws separately
    join the row that they are raised above.
    """
    rows: list[list[Line]] = []
    taken: set[int] = set()
    words = (line for line in lines if not _ONLY_MARKS.fullmatch(line.text))
    ordered = sorted(words, key=lambda line: (line.base, line.x0))
    for number, line in enumerate(ordered):
        if number in taken:
            continue
        beside = [line]
        for ahead in range(number + 1, min(len(ordered), number + _MAX_PIECES)):
            other = ordered[ahead]
            if other.base - line.base > _SAME_BASE * line.size:
                break
            if ahead not in taken and abs(other.size - line.size) < _ROW_SIZE_TOLERANCE * line.size:
                beside.append(other)
                taken.add(ahead)
        rows.append(beside)
    for line in lines:
        if _ONLY_MARKS.fullmatch(line.text):
            _attach(line, rows)
    return [_row(sorted(beside, key=lambda line: line.x0)) for beside in rows]


def _attach(mark: Line, rows: Sequence[list[Line]]) -> None:
    """Adds the mark to the row whose base line it stands on or slightly above."""
    for beside in rows:
        main = beside[0]
        is_near = _MIN_RISE * main.size < main.base - mark.base < _MAX_RISE * main.size
        if is_near and mark.size <= main.size:
            beside.append(replace(mark, text_with_superscript_marks=SUPERSCRIPT_MARK))
            return


def _row(beside: Sequence[Line]) -> Line:
    text = beside[0].marked_text
    for before, line in pairwise(beside):
        is_wide = line.x0 - before.x1 > _WIDE_GAP * line.size
        text += (f" {SUPERSCRIPT_MARK} " if is_wide else " ") + line.marked_text
    # Marks do not count, unless the row has nothing else.
    words = [line for line in beside if line.text_with_superscript_marks != SUPERSCRIPT_MARK]
    row = joined(beside, text)
    row.bold = all(line.bold for line in words or beside)
    row.italic = all(line.italic for line in words or beside)
    return row
