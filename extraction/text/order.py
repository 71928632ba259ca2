"""A page's lines in reading order: columns are told apart by the gutter between them.

Full-width lines (a title, an abstract, a caption across both columns) part the page into bands; in
each band the left column is read before the right one. A gutter is where most long lines stand
wholly to its left or to its right; that what stands beside it is prose, and not the cells of a
table, is seen from how well the lines fill their column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from extraction.text.clean import is_right_to_left
from extraction.text.gutters import (
    LEAST_LINES,
    TOLERANCE_POINTS,
    aligned_share,
    find_gutter,
    has_words,
    is_prose,
    side_of,
)
from extraction.text.labels import REFERENCES
from extraction.text.lines import Line, lead_of

_DEEPEST = 3
_TIGHT = 1.45  # times the type size, from line to line of a paragraph
_ANOTHER_GUTTER_POINTS = 20.0
_BAND_GAP_POINTS = 50.0
_TALLEST_POINTS = 200.0  # of a line; made-up pages have taller ones


def in_reading_order(
    lines: Sequence[Line], hint: float | None = None
) -> tuple[list[Line], float | None]:
    """The lines as they are read, and the gutter's x if the page has two columns.

    `hint` is the gutter of the page before: believed where this page alone has too few lines to
    tell. Text that runs in another direction than most of the page (a stamp in the margin, the
    label of an axis) comes last, or not at all when it is short. Each line's `part` is set to the
    number of the column piece it belongs to. Time n log n.
    """
    turn = _main_turn(lines)
    upright = [line for line in lines if line.turn == turn]
    walk = _Walk()
    gutter = walk.read(upright, hint if turn == 0 else None, 0)
    for other in range(4):
        turned = [line for line in lines if line.turn == other]
        if other != turn and sum(len(line.text) for line in turned) > 300:
            walk.read(turned, None, 0)
    return walk.lines, gutter


def _main_turn(lines: Sequence[Line]) -> int:
    weights = [0, 0, 0, 0]
    for line in lines:
        weights[line.turn] += len(line.text)
    return weights.index(max(weights))


class _Walk:
    """Collects the lines of one page; `part` counts the column pieces met."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.part = 0

    def read(self, lines: Sequence[Line], hint: float | None, depth: int) -> float | None:
        gutter = find_gutter(lines, hint) if depth < _DEEPEST else None
        if gutter is None:
            self._take(rows(lines))
            return None
        for some, own in _by_band(lines, gutter):
            if own:
                self.read(some, None, depth + 1)
            else:
                self._read_beside(gutter, some, depth)
        return gutter

    def _read_beside(self, gutter: float, lines: Sequence[Line], depth: int) -> None:
        left: list[Line] = []
        right: list[Line] = []
        across: list[Line] = []
        for line in lines:
            side = side_of(line, gutter)
            ends = across and not (left or right) and _ends_paragraph(line, across[-1], lines)
            if side == 0 or ends:
                if left or right:
                    self._columns(across, left, right, depth)
                    left, right, across = [], [], []
                across.append(line)
            else:
                (left if side < 0 else right).append(line)
        self._columns(across, left, right, depth)

    def _columns(self, across: list[Line], left: list[Line], right: list[Line], depth: int) -> None:
        self._take(rows(across))
        for upper_left, upper_right in _stacked(left, right):
            if _is_table(upper_left, upper_right):
                self._take(rows([*upper_left, *upper_right]))
                continue
            for side in _main_text_first(upper_left, upper_right):
                if side:
                    self.read(side, None, depth + 1)

    def _take(self, lines: list[Line]) -> None:
        if lines:
            self.part += 1
            for line in lines:
                line.part = self.part
            self.lines.extend(lines)


def _ends_paragraph(line: Line, last: Line, lines: Sequence[Line]) -> bool:
    """True for the short last line of a paragraph across both columns: right below `last`, flush
    with it or centred, and with nothing beside it."""
    near = 0 < line.base - last.base < _TIGHT * max(line.size, last.size)
    if not near or abs(line.size - last.size) > 0.06 * last.size:
        return False
    centred = abs(line.x0 + line.x1 - last.x0 - last.x1) < line.size
    if not centred and abs(line.x0 - last.x0) > TOLERANCE_POINTS:
        return False
    height = 0.3 * (line.y1 - line.y0)
    return not any(
        other is not line
        and other is not last
        and min(other.y1, line.y1) - max(other.y0, line.y0) > height
        for other in lines
    )


def _middle(line: Line) -> float:
    return line.y0 + line.y1


def _by_band(lines: Sequence[Line], gutter: float) -> list[tuple[list[Line], bool]]:
    """The lines from top to bottom in one piece, or cut above and below a band that has a gutter of
    its own (True): an abstract beside a column of dates and keywords, above the two of the text.

    Such a band shows in lines that cross the gutter although others stand beside them.
    """
    ordered = sorted(lines, key=_middle)
    crossing = _most_together(_crossing_beside(ordered, gutter))
    if len(crossing) < LEAST_LINES:
        return [(ordered, False)]
    edge = min(line.x0 for line in crossing)
    top, bottom = crossing[0].y0, crossing[-1].y1
    for line in ordered:  # its lines may go on below the side column
        if 0 < line.y1 - bottom < 2.5 * line.size and abs(line.x0 - edge) < line.size:
            bottom = line.y1
    band = [line for line in ordered if 2 * top < _middle(line) < 2 * bottom]
    own = find_gutter(band)
    if (
        own is None
        or abs(own - gutter) < _ANOTHER_GUTTER_POINTS
        or 2 * len(_crossing_beside(band, own)) > len(crossing)
    ):
        return [(ordered, False)]
    highest = top - _BAND_GAP_POINTS
    for line in reversed(ordered):  # their headings are short and cross nothing
        if max(highest, top - 2.5 * line.size) < line.y0 < top and side_of(line, own) != 0:
            top = line.y0
    band = [line for line in ordered if 2 * top < _middle(line) < 2 * bottom]
    above = [line for line in ordered if _middle(line) <= 2 * top]
    below = [line for line in ordered if _middle(line) >= 2 * bottom]
    return [(some, some is band) for some in (above, band, below) if some]


def _most_together(lines: Sequence[Line]) -> list[Line]:
    """The most lines, from top to bottom, without a wide gap between them."""
    best: list[Line] = []
    some: list[Line] = []
    for line in lines:
        if some and line.y0 - some[-1].y1 > _BAND_GAP_POINTS:
            some = []
        some.append(line)
        if len(some) > len(best):
            best = some
    return best


def _crossing_beside(lines: Sequence[Line], gutter: float) -> list[Line]:
    """The lines across the gutter that have others beside them."""
    taken: set[int] = set()
    for line in lines:
        if side_of(line, gutter) != 0:
            quarter = min(_TALLEST_POINTS, line.y1 - line.y0) / 4
            middle = _middle(line) / 2
            taken.update(range(int(middle - quarter), int(middle + quarter) + 1))
    return [
        line for line in lines if side_of(line, gutter) == 0 and int(_middle(line) / 2) in taken
    ]


def _stacked(left: list[Line], right: list[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Left and right in one piece, or in two where the bibliography begins below both columns of
    the text.

    Told by the heading on the left, a gap on the right at its height, and type below the gap like
    that below the heading and unlike that above.
    """
    heading = next((line for line in left if REFERENCES.fullmatch(line.text)), None)
    if heading is not None:
        top = heading.y0
        above = [line for line in right if line.y1 <= top + TOLERANCE_POINTS]
        below = [line for line in right if line.y0 >= top - TOLERANCE_POINTS]
        entries = [line for line in left if line.y0 > heading.y0]
        if above and below and entries and len(above) + len(below) == len(right):
            size = median(line.size for line in entries)
            if (
                abs(median(line.size for line in below) - size)
                < 0.3
                < abs(median(line.size for line in above) - size)
            ):
                return [
                    ([line for line in left if line.y0 < top], above),
                    ([heading, *entries], below),
                ]
    return [(left, right)]


def _is_table(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """True when both sides hold aligned cells, not sentences: a table across both columns."""
    if not left or not right or aligned_share(left, right) < 0.5:
        return False
    # By printed lines: justified ones may come in a piece for each word.
    sides = (rows(left), rows(right))
    return all(2 * sum(has_words(line.text) for line in side) < len(side) for side in sides)


def _main_text_first(left: list[Line], right: list[Line]) -> tuple[list[Line], list[Line]]:
    """Left before right (in Hebrew and Arabic right before left), but a narrow side bar after the
    text it stands beside."""
    if left and right:
        left_width = max(line.x1 for line in left) - min(line.x0 for line in left)
        right_width = max(line.x1 for line in right) - min(line.x0 for line in right)
        if left_width < 0.45 * right_width and is_prose(right):
            return right, left
        if is_right_to_left(max(left, key=lambda line: len(line.text)).text):
            return right, left
    return left, right


def rows(lines: Sequence[Line]) -> list[Line]:
    """The lines from top to bottom; parts of one row (cells, spaced words) become one line."""
    taken: list[Line] = []
    row: list[Line] = []
    bottom = top = 0.0
    for line in sorted(lines, key=_middle):
        height = line.y1 - line.y0
        overlap = min(bottom, line.y1) - max(top, line.y0)
        if row and overlap > 0.5 * min(height, bottom - top) and _stands_beside(row[-1], line):
            row.append(line)
            continue
        if row:
            taken.append(_one_line(row))
        row, top, bottom = [line], line.y0, line.y1
    if row:
        taken.append(_one_line(row))
    return taken


def _stands_beside(other: Line, line: Line) -> bool:
    across = min(other.x1, line.x1) - max(other.x0, line.x0)
    return across < 0.5 * min(other.x1 - other.x0, line.x1 - line.x0)


def _one_line(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    main = max(row, key=lambda line: len(line.text))
    row.sort(key=lambda line: line.x0, reverse=is_right_to_left(main.text))
    lead, lead_is_bold = lead_of(row)
    return replace(
        main,
        text=" ".join(line.text for line in row),
        x0=min(line.x0 for line in row),
        y0=min(line.y0 for line in row),
        x1=max(line.x1 for line in row),
        y1=max(line.y1 for line in row),
        bold=all(line.bold for line in row),
        italic=all(line.italic for line in row),
        lead=lead,
        lead_is_bold=lead_is_bold,
    )
