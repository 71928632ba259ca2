"""Sorts the lines of a page into reading order; columns are separated at the gutter between them.

Full-width lines (a title, an abstract, a caption across both columns) divide the page into bands.
In each band the left column comes before the right one. A gutter is an x that most long lines stand
wholly left or right of. Prose beside it differs from the cells of a table by how well its lines
fill their column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from extraction.geometry import overlap_x, overlap_y, union
from extraction.text.clean import is_right_to_left
from extraction.text.gutters import (
    LONG_LINE_LENGTH,
    MIN_LINES,
    TOLERANCE_POINTS,
    aligned_share,
    find_gutter,
    has_words,
    is_prose,
    side_of,
)
from extraction.text.labels import REFERENCES
from extraction.text.lines import Line, joined, lead_of

# Heuristics; distances in type sizes unless another unit is given.
_MAX_DEPTH = 3  # nested columns
_MAX_LINE_DISTANCE = 1.45  # from base line to base line of a paragraph
_SIZE_TOLERANCE = 0.06  # share of the type size by which lines of one paragraph may differ
_SAME_HEIGHT = 0.3  # share of a line's height that another one beside it covers
_OTHER_GUTTER_POINTS = 20.0  # minimum distance of a band's own gutter from that of the page
_BAND_GAP_POINTS = 50.0  # vertical gap that ends a band
_BAND_REACH = 2.5  # from a band to the lines that continue it below and to its headings above
_MAX_LINE_HEIGHT_POINTS = 200.0  # bounds the work on made-up pages with taller lines
_MIN_ROTATED_LENGTH = 300  # characters; less rotated text is a stamp or the label of an axis
_SAME_SIZE_POINTS = 0.3  # type of the entries of a bibliography
_MAX_ALIGNED_SHARE = 0.5  # of lines that share a base line; more are the rows of a table
_SIDE_BAR_WIDTH = 0.45  # of the text's width; a narrower left column is a side bar
_SAME_ROW = 0.5  # common share of the heights of two cells of a row
# A title whose words are far apart: its type as a factor of that of the text, the gap between two
# pieces in type sizes, and the lines in large type that are examined.
_LARGE_TYPE, _MAX_TITLE_GAP, _MAX_LARGE_LINES = 1.3, 3.0, 60
_BESIDE = 0.5  # common share of the widths, up to which two lines stand beside each other


def in_reading_order(
    lines: Sequence[Line], hint: float | None = None
) -> tuple[list[Line], float | None]:
    """Returns the lines in reading order, and the x of the gutter if the page has two columns.

    `hint` is the gutter of the page before. It is used if this page alone has too few lines. Text
    in another direction than most of the page (a stamp in the margin, the label of an axis) comes
    last, or is left out if it is short. Sets each line's `part` to the number of its column piece.
    Time complexity n log n.
    """
    rotation = _main_rotation(lines)
    upright = _with_whole_titles([line for line in lines if line.rotation == rotation])
    sorter = _ColumnSorter()
    gutter = sorter.add(upright, hint if rotation == 0 else None, 0)
    for other in range(4):
        rotated = [line for line in lines if line.rotation == other]
        if other != rotation and sum(len(line.text) for line in rotated) > _MIN_ROTATED_LENGTH:
            sorter.add(rotated, None, 0)
    return sorter.lines, gutter


def _with_whole_titles(lines: Sequence[Line]) -> Sequence[Line]:
    """Returns the lines; the words of a title that are set wide apart become one line, which no
    gutter divides."""
    long_lines = [line for line in lines if len(line.text) >= LONG_LINE_LENGTH]
    if not long_lines:
        return lines
    body_size = median(line.size for line in long_lines)
    large = [line for line in lines if line.size > _LARGE_TYPE * body_size]
    if not 1 < len(large) <= _MAX_LARGE_LINES:
        return lines
    borders = Counter(round(line.x0) for line in long_lines if line.size <= body_size)
    taken: set[int] = set()
    whole: list[Line] = []
    for row in _spaced_rows(large, borders):
        taken.update(map(id, row))
        whole.append(_one_line(row))
    return [*whole, *(line for line in lines if id(line) not in taken)] if whole else lines


def _spaced_rows(large: Sequence[Line], borders: Counter[int]) -> list[list[Line]]:
    """Returns the rows of two or more pieces in one type; a piece that begins at the left border of
    a column is a heading of its own."""
    found: list[list[Line]] = []
    for line in sorted(large, key=lambda line: (round(line.base), line.x0)):
        last = found[-1][-1] if found else line
        is_beside = abs(line.base - last.base) < 1 and line.font == last.font
        gap = line.x0 - last.x1
        is_near = is_beside and 0 <= gap < _MAX_TITLE_GAP * line.size and line.size == last.size
        if is_near and found and borders[round(line.x0)] < MIN_LINES:
            found[-1].append(line)
        else:
            found.append([line])
    return [row for row in found if len(row) > 1]


def _main_rotation(lines: Sequence[Line]) -> int:
    weights = [sum(len(line.text) for line in lines if line.rotation == r) for r in range(4)]
    return weights.index(max(weights))


class _ColumnSorter:
    """Collects the lines of one page in reading order; `part` counts the column pieces."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.part = 0

    def add(self, lines: Sequence[Line], hint: float | None, depth: int) -> float | None:
        """Appends the lines in reading order; returns the x of their gutter, if they have one."""
        gutter = find_gutter(lines, hint) if depth < _MAX_DEPTH else None
        if gutter is None:
            self._append(rows(lines))
            return None
        for band, has_own_gutter in _by_band(lines, gutter):
            if has_own_gutter:
                self.add(band, None, depth + 1)
            else:
                self._add_columns(gutter, band, depth)
        return gutter

    def _add_columns(self, gutter: float, lines: Sequence[Line], depth: int) -> None:
        left: list[Line] = []
        right: list[Line] = []
        across: list[Line] = []
        for line in lines:
            side = side_of(line, gutter)
            ends = across and not (left or right) and _ends_paragraph(line, across[-1], lines)
            if side == 0 or ends:
                if left or right:
                    self._add_band(across, left, right, depth)
                    left, right, across = [], [], []
                across.append(line)
            else:
                (left if side < 0 else right).append(line)
        self._add_band(across, left, right, depth)

    def _add_band(
        self, across: list[Line], left: list[Line], right: list[Line], depth: int
    ) -> None:
        self._append(rows(across))
        for sides in _stacked(left, right):
            if _is_table(*sides):
                self._append(rows([*sides[0], *sides[1]]))
                continue
            for side in filter(None, _main_text_first(*sides)):
                self.add(side, None, depth + 1)

    def _append(self, lines: list[Line]) -> None:
        if lines:
            self.part += 1
            for line in lines:
                line.part = self.part
            self.lines.extend(lines)


def _ends_paragraph(line: Line, last: Line, lines: Sequence[Line]) -> bool:
    """True for the short last line of a paragraph across both columns: right below `last`, flush
    with it or centred, and with nothing beside it."""
    near = 0 < line.base - last.base < _MAX_LINE_DISTANCE * max(line.size, last.size)
    if not near or abs(line.size - last.size) > _SIZE_TOLERANCE * last.size:
        return False
    centred = abs(line.x0 + line.x1 - last.x0 - last.x1) < line.size
    if not centred and abs(line.x0 - last.x0) > TOLERANCE_POINTS:
        return False
    height = _SAME_HEIGHT * (line.y1 - line.y0)
    others = (other for other in lines if other is not line and other is not last)
    return not any(overlap_y(other, line) > height for other in others)


def _middle(line: Line) -> float:
    return (line.y0 + line.y1) / 2


def _by_band(lines: Sequence[Line], gutter: float) -> list[tuple[list[Line], bool]]:
    """Returns the lines from top to bottom, as one piece or cut above and below a band that has a
    gutter of its own (True): an abstract beside a column of dates and keywords, above the two
    columns of the text.

    The evidence for such a band are lines that cross the gutter although others stand beside them.
    """
    ordered = sorted(lines, key=_middle)
    crossing = _longest_block(_crossing_beside(ordered, gutter))
    if len(crossing) < MIN_LINES:
        return [(ordered, False)]
    top, bottom = crossing[0].y0, _end_of_band(crossing, ordered)
    band = [line for line in ordered if top < _middle(line) < bottom]
    own = find_gutter(band)
    if (
        own is None
        or abs(own - gutter) < _OTHER_GUTTER_POINTS
        or 2 * len(_crossing_beside(band, own)) > len(crossing)
    ):
        return [(ordered, False)]
    top = _start_of_band(top, ordered, own)
    above = [line for line in ordered if _middle(line) <= top]
    band = [line for line in ordered if top < _middle(line) < bottom]
    below = [line for line in ordered if _middle(line) >= bottom]
    return [(piece, piece is band) for piece in (above, band, below) if piece]


def _end_of_band(crossing: Sequence[Line], ordered: Sequence[Line]) -> float:
    """Returns the y down to which the band continues, also below its side column."""
    edge = min(line.x0 for line in crossing)
    bottom = crossing[-1].y1
    for line in ordered:
        if 0 < line.y1 - bottom < _BAND_REACH * line.size and abs(line.x0 - edge) < line.size:
            bottom = line.y1
    return bottom


def _start_of_band(top: float, ordered: Sequence[Line], gutter: float) -> float:
    """Returns the y of the headings of the band, which are short and cross no gutter."""
    highest = top - _BAND_GAP_POINTS
    for line in reversed(ordered):
        is_near = max(highest, top - _BAND_REACH * line.size) < line.y0 < top
        if is_near and side_of(line, gutter) != 0:
            top = line.y0
    return top


def _longest_block(lines: Sequence[Line]) -> list[Line]:
    """Returns the longest run of lines, from top to bottom, without a wide gap between them."""
    blocks: list[list[Line]] = [[]]
    for line in lines:
        if blocks[-1] and line.y0 - blocks[-1][-1].y1 > _BAND_GAP_POINTS:
            blocks.append([])
        blocks[-1].append(line)
    return max(blocks, key=len)


def _crossing_beside(lines: Sequence[Line], gutter: float) -> list[Line]:
    """Returns the lines across the gutter that have others beside them."""
    occupied: set[int] = set()  # y of lines beside the gutter, in points
    crossing: list[Line] = []
    for line in lines:
        if side_of(line, gutter) == 0:
            crossing.append(line)
            continue
        quarter = min(_MAX_LINE_HEIGHT_POINTS, line.y1 - line.y0) / 4
        occupied.update(range(int(_middle(line) - quarter), int(_middle(line) + quarter) + 1))
    return [line for line in crossing if int(_middle(line)) in occupied]


def _stacked(left: list[Line], right: list[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Returns left and right as one piece, or as two if the bibliography begins below both columns
    of the text.

    The evidence is its heading on the left, a gap on the right at the same height, and type below
    the gap that is like that below the heading and unlike that above.
    """
    heading = next((line for line in left if REFERENCES.fullmatch(line.text)), None)
    if heading is None:
        return [(left, right)]
    above = [line for line in right if line.y1 <= heading.y0 + TOLERANCE_POINTS]
    below = [line for line in right if line.y0 >= heading.y0 - TOLERANCE_POINTS]
    entries = [line for line in left if line.y0 > heading.y0]
    if not (above and below and entries) or len(above) + len(below) != len(right):
        return [(left, right)]
    size = median(line.size for line in entries)
    difference, difference_above = (
        abs(median(line.size for line in side) - size) for side in (below, above)
    )
    if not difference < _SAME_SIZE_POINTS < difference_above:
        return [(left, right)]
    return [([line for line in left if line.y0 < heading.y0], above), ([heading, *entries], below)]


def _is_table(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """True if both sides hold aligned cells and not sentences: a table across both columns."""
    if not left or not right or aligned_share(left, right) < _MAX_ALIGNED_SHARE:
        return False
    # Whole printed lines are compared: a justified line may consist of one piece per word.
    sides = (rows(left), rows(right))
    return all(2 * sum(has_words(line.text) for line in side) < len(side) for side in sides)


def _main_text_first(left: list[Line], right: list[Line]) -> tuple[list[Line], list[Line]]:
    """Returns the sides in reading order of the script; a narrow side bar comes last."""
    if not left or not right:
        return left, right
    is_narrow = union(left).width < _SIDE_BAR_WIDTH * union(right).width
    main = max(left, key=lambda line: len(line.text))
    is_second = (is_narrow and is_prose(right)) or is_right_to_left(main.text)
    return (right, left) if is_second else (left, right)


def rows(lines: Sequence[Line]) -> list[Line]:
    """Returns the lines from top to bottom; the parts of a row (cells, spaced words) become one."""
    found: list[list[Line]] = []
    for line in sorted(lines, key=_middle):
        if found and _is_of_row(line, found[-1]):
            found[-1].append(line)
        else:
            found.append([line])
    return list(map(_one_line, found))


def _is_of_row(line: Line, row: Sequence[Line]) -> bool:
    first, last = row[0], row[-1]
    width = min(last.x1 - last.x0, line.x1 - line.x0)
    height = min(line.y1 - line.y0, first.y1 - first.y0)
    return overlap_y(first, line) > _SAME_ROW * height and overlap_x(last, line) < _BESIDE * width


def _one_line(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    main = max(row, key=lambda line: len(line.text))
    ordered = sorted(row, key=lambda line: line.x0, reverse=is_right_to_left(main.text))
    whole = joined(row, " ".join(line.text for line in ordered))
    whole.lead, whole.lead_is_bold = lead_of(ordered)
    return whole
