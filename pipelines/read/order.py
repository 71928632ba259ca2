"""A page's lines in reading order: columns are told apart by the gutter between them.

Full-width lines (a title, an abstract, a caption across both columns) part the page into bands; in
each band the left column is read before the right one. A gutter is where most long lines stand
wholly to its left or to its right; that what stands beside it is prose, and not the cells of a
table, is seen from how well the lines fill their column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from statistics import median

from pipelines.read.labels import REFERENCES
from pipelines.read.lines import Line

_BINS = 128
_TOLERANCE_POINTS = 2.0
_LONG_LINE = 20  # characters; shorter lines say little about columns
_PROSE_FILL = 0.7  # share of the column's width that a line of prose fills
_LEAST_LINES = 4
_DEEPEST = 3
_MOST_GAPS = 3
_APART = 6  # bins between gaps that are worth trying


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
        left: list[Line] = []
        right: list[Line] = []
        across: list[Line] = []
        for line in sorted(lines, key=_middle):
            side = _side(line, gutter)
            if side == 0:
                if left or right:
                    self._columns(across, left, right, depth)
                    left, right, across = [], [], []
                across.append(line)
            else:
                (left if side < 0 else right).append(line)
        self._columns(across, left, right, depth)
        return gutter

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


def _middle(line: Line) -> float:
    return line.y0 + line.y1


def _side(line: Line, gutter: float) -> int:
    if line.x1 <= gutter + _TOLERANCE_POINTS:
        return -1
    return 1 if line.x0 >= gutter - _TOLERANCE_POINTS else 0


def _stacked(left: list[Line], right: list[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Left and right in one piece, or in two where the bibliography begins below both columns of
    the text.

    Told by the heading on the left, a gap on the right at its height, and type below the gap like
    that below the heading and unlike that above.
    """
    heading = next((line for line in left if REFERENCES.fullmatch(line.text)), None)
    if heading is not None:
        top = heading.y0
        above = [line for line in right if line.y1 <= top + _TOLERANCE_POINTS]
        below = [line for line in right if line.y0 >= top - _TOLERANCE_POINTS]
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
    if not left or not right or _aligned_share(left, right) < 0.5:
        return False
    return all(
        2 * sum(_has_words(line.text) for line in side) < len(side) for side in (left, right)
    )


def _main_text_first(left: list[Line], right: list[Line]) -> tuple[list[Line], list[Line]]:
    """Left before right, but a narrow side bar after the text it stands beside."""
    if left and right:
        left_width = max(line.x1 for line in left) - min(line.x0 for line in left)
        right_width = max(line.x1 for line in right) - min(line.x0 for line in right)
        if left_width < 0.45 * right_width and _is_prose(right):
            return right, left
    return left, right


def find_gutter(lines: Sequence[Line], hint: float | None = None) -> float | None:
    """The x between two columns of text, None when the lines stand in one column."""
    if len(lines) < 2:
        return None
    long_lines = [line for line in lines if len(line.text) >= _LONG_LINE]
    for some in (long_lines, lines):
        for gutter in _best_gaps(some, lines):
            if _parts_text(gutter, some):
                return gutter
    if hint is not None and any(_side(line, hint) < 0 for line in long_lines):
        crossing = sum(1 for line in long_lines if _side(line, hint) == 0)
        right = sum(1 for line in long_lines if _side(line, hint) > 0)
        return hint if right >= max(1, crossing) else None
    return None


def _best_gaps(some: Sequence[Line], every: Sequence[Line]) -> Iterator[float]:
    """Up to three x, best first: those with the most of `some` lines on their thinner side, and
    among equals the least crossed by any line."""
    if len(some) < 2 * _LEAST_LINES:
        return
    start = min(line.x0 for line in some)
    width = max(line.x1 for line in some) - start
    if width < 60:
        return
    left, right = _counts(some, start, width)
    all_left, all_right = _counts(every, start, width)
    thinner = [min(a, b) for a, b in zip(left, right, strict=True)]
    for _ in range(_MOST_GAPS):
        most = max(thinner)
        if most < _LEAST_LINES:
            return
        crossed = {
            b: len(every) - all_left[b] - all_right[b] for b, n in enumerate(thinner) if n == most
        }
        least = min(crossed.values())
        first, last = _longest_run([b for b, n in crossed.items() if n == least])
        yield start + width * ((first + last) / 2 + 1) / _BINS
        thinner[max(0, first - _APART) : last + _APART + 1] = [0] * len(
            thinner[max(0, first - _APART) : last + _APART + 1]
        )


def _counts(lines: Sequence[Line], start: float, width: float) -> tuple[list[int], list[int]]:
    """For each border between bins: how many lines stand left of it, and how many right of it."""
    ends, begins = [0] * (_BINS + 2), [0] * (_BINS + 2)
    scale = _BINS / width
    for line in lines:
        ends[min(_BINS, max(0, int((line.x1 - _TOLERANCE_POINTS - start) * scale)) + 1)] += 1
        begins[min(_BINS, max(0, int((line.x0 + _TOLERANCE_POINTS - start) * scale)))] += 1
    ended, begun = list(accumulate(ends)), list(accumulate(begins))
    return ended[1:_BINS], [len(lines) - begun[b - 1] for b in range(1, _BINS)]


def _longest_run(numbers: Sequence[int]) -> tuple[int, int]:
    """First and last of the longest run of consecutive numbers."""
    best = first, last = numbers[0], numbers[0]
    for number in numbers[1:]:
        first, last = (first, number) if number == last + 1 else (number, number)
        if last - first > best[1] - best[0]:
            best = first, last
    return best


def _parts_text(gutter: float, some: Sequence[Line]) -> bool:
    """True when the gutter has prose on both sides, or prose on one and something not aligned with
    it on the other."""
    left = [line for line in some if _side(line, gutter) < 0]
    right = [line for line in some if _side(line, gutter) > 0]
    if min(len(left), len(right)) < _LEAST_LINES:
        return False
    prose = _is_prose(left), _is_prose(right)
    if all(prose):
        return True
    return any(prose) and _aligned_share(left, right) < 0.5


def _is_prose(lines: Sequence[Line]) -> bool:
    """True when at least four lines fill their column; so do half of the lines, or the most of any
    table."""
    if len(lines) < _LEAST_LINES:
        return False
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    full = sum(
        1 for line in lines if line.x1 - line.x0 >= _PROSE_FILL * width and _has_words(line.text)
    )
    return full >= _LEAST_LINES and full >= 0.3 * len(lines)


def _has_words(text: str) -> bool:
    return len(text) >= _LONG_LINE and text.count(" ") >= 3


def _aligned_share(left: Sequence[Line], right: Sequence[Line]) -> float:
    """Share of the shorter side's lines that stand on the base line of one on the other side."""
    few, many = sorted((left, right), key=len)
    bases = {round(line.base) for line in many}
    return sum(1 for line in few if round(line.base) in bases) / len(few)


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
    row.sort(key=lambda line: line.x0)
    first = row[0]
    main = max(row, key=lambda line: len(line.text))
    bold, italic = all(line.bold for line in row), all(line.italic for line in row)
    return replace(
        main,
        text=" ".join(line.text for line in row),
        x0=first.x0,
        y0=min(line.y0 for line in row),
        x1=max(line.x1 for line in row),
        y1=max(line.y1 for line in row),
        bold=bold,
        italic=italic,
        lead=first.lead or (first.text if first.bold and not bold else ""),
        lead_is_bold=first.lead_is_bold if first.lead else first.bold,
    )
