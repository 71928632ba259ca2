"""Reads the lines below another line in its column, independent of the text beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from extraction.geometry import interval_overlap, overlap_x
from extraction.text.lines import Line

# Heuristics. Distances are in type sizes.
_MAX_FIRST_GAP = 4.5  # from a label to the text below it
_MAX_GAP = 1.9  # from one line of the column to the next
_SIZE_TOLERANCE = 0.06  # share of the type size
_MAX_LINES = 120
_BELOW = 0.3  # minimum distance of a line below from the first line
_SAME_BASE, _MAX_SPACE = 0.25, 3  # of two pieces of one line: base lines, and the space between
_NEAR = 3  # left borders of a label and the text below it
_MIN_OVERLAP = 0.5  # share of the narrower of line and column
_MAX_SYMBOL_LENGTH = 3  # characters; shorter pieces may differ in size and weight


class Decision(Enum):
    """What becomes of the next line or block of a text that is collected."""

    TAKE = auto()
    SKIP = auto()  # it interrupts the text
    STOP = auto()  # the text has ended


def column_below(
    start: Line,
    lines: Sequence[Line],
    *,
    runs_in: bool,
    ends: Callable[[Line], bool],
    continues: Callable[[Line], bool] = lambda line: False,
) -> list[Line]:
    """Returns the lines below `start`, in one size and without a gap, up to a line for which `ends`
    is true.

    If `runs_in` is true, the text begins on the line of `start`, which is then the first line of
    the result. Lines for which `continues` is true (headings inside an abstract) may differ in
    weight and be further below.
    """
    below = [
        line
        for line in lines
        if (line.page, line.rotation) == (start.page, start.rotation)
        and line is not start
        and (line.base > start.base + _BELOW * start.size or (runs_in and _follows(start, line)))
    ]
    column = _Column(start, [start] if runs_in else [], ends, continues)
    for line in sorted(below, key=lambda line: (round(line.base), line.x0)):
        decision = column.decide(line) if column.taken else column.decide_first(line)
        if decision is Decision.STOP or len(column.taken) >= _MAX_LINES:
            break
        if decision is Decision.TAKE:
            column.taken.append(line)
    return column.taken


@dataclass(frozen=True)
class _Column:
    start: Line
    taken: list[Line]
    ends: Callable[[Line], bool]
    continues: Callable[[Line], bool]

    def decide_first(self, line: Line) -> Decision:
        if line.base - self.start.base > _MAX_FIRST_GAP * self.start.size:
            return Decision.STOP
        is_near = abs(line.x0 - self.start.x0) < _NEAR * self.start.size
        if not is_near and overlap_x(line, self.start) <= 0:
            return Decision.SKIP
        return Decision.STOP if self.ends(line) else Decision.TAKE

    def decide(self, line: Line) -> Decision:
        last = self.taken[-1]
        distance = line.base - last.base
        if not self._holds(line):
            return Decision.SKIP
        if self.ends(line):
            return Decision.STOP
        if self.continues(line):
            return Decision.TAKE if distance < 2 * _MAX_GAP * line.size else Decision.STOP
        is_far = distance > _MAX_GAP * max(line.size, last.size) and not self.continues(last)
        return Decision.STOP if is_far or self._changes_type(line) else Decision.TAKE

    def _holds(self, line: Line) -> bool:
        """True if the line is in this column, not in another one."""
        left, right = min(above.x0 for above in self.taken), max(above.x1 for above in self.taken)
        min_overlap = _MIN_OVERLAP * min(line.x1 - line.x0, right - left)
        if interval_overlap(line.x0, line.x1, left, right) >= min_overlap:
            return True
        # The width of the column is unknown while only the label is taken.
        is_narrow = len(self.taken) == 1 or line.x1 < right + line.size
        return is_narrow and _follows(self.taken[-1], line)

    def _changes_type(self, line: Line) -> bool:
        first = self.taken[0]
        if len(line.text) <= _MAX_SYMBOL_LENGTH:
            return False
        other_size = abs(line.size - first.size) > _SIZE_TOLERANCE * line.size
        plain = [above for above in self.taken if not self.continues(above) and not above.lead]
        becomes_bold = bool(plain) and line.bold and not any(above.bold for above in plain)
        return (other_size and not self.continues(first)) or becomes_bold


def _follows(before: Line, line: Line) -> bool:
    """True if the line continues on the same base line after a wide space."""
    is_same = abs(line.base - before.base) < _SAME_BASE * before.size
    return is_same and 0 <= line.x0 - before.x1 < _MAX_SPACE * before.size
