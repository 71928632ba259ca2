"""Reads the lines below another line in its column, independent of the text beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    below = sorted(
        (
            line
            for line in lines
            if line.page == start.page
            and line.rotation == start.rotation
            and line is not start
            and (line.base > start.base + _BELOW * start.size or _follows(start, line, runs_in))
        ),
        key=lambda line: (round(line.base), line.x0),
    )
    taken = [start] if runs_in else []
    for line in below:
        if len(taken) >= _MAX_LINES:
            break
        if not taken:
            if line.base - start.base > _MAX_FIRST_GAP * start.size:
                break
            if _overlap(line, start.x0, start.x1) > 0 or _near(line, start):
                if ends(line):
                    break
                taken.append(line)
            continue
        decision = _decide(line, taken, ends, continues)
        if decision is None:
            break
        if decision:
            taken.append(line)
    return taken


def _decide(
    line: Line,
    taken: Sequence[Line],
    ends: Callable[[Line], bool],
    continues: Callable[[Line], bool],
) -> bool | None:
    """Returns True to take the line, False to skip it (another column), None to stop."""
    last = taken[-1]
    left, right = min(above.x0 for above in taken), max(above.x1 for above in taken)
    # The width of the column is unknown while only the label is taken.
    follows = _follows(last, line, True) and (len(taken) == 1 or line.x1 < right + line.size)
    min_overlap = _MIN_OVERLAP * min(line.x1 - line.x0, right - left)
    if _overlap(line, left, right) < min_overlap and not follows:
        return False
    far = line.base - last.base > _MAX_GAP * max(line.size, last.size)
    other_type = abs(line.size - taken[0].size) > _SIZE_TOLERANCE * line.size
    if ends(line):
        return None
    if continues(line):
        return True if line.base - last.base < 2 * _MAX_GAP * line.size else None
    if far and not continues(last):
        return None
    if other_type and len(line.text) > _MAX_SYMBOL_LENGTH and not continues(taken[0]):
        return None
    return None if _changes_weight(line, taken, continues) else True


def _changes_weight(line: Line, taken: Sequence[Line], continues: Callable[[Line], bool]) -> bool:
    plain = [above for above in taken if not continues(above) and not above.lead]
    is_bold = len(line.text) > _MAX_SYMBOL_LENGTH and line.bold
    return bool(plain) and is_bold and not any(above.bold for above in plain)


def _overlap(line: Line, left: float, right: float) -> float:
    return min(line.x1, right) - max(line.x0, left)


def _near(line: Line, start: Line) -> bool:
    return abs(line.x0 - start.x0) < _NEAR * start.size


def _follows(before: Line, line: Line, runs_in: bool) -> bool:
    """True if the line continues on the same base line after a wide space."""
    same = abs(line.base - before.base) < _SAME_BASE * before.size
    return runs_in and same and 0 <= line.x0 - before.x1 < _MAX_SPACE * before.size
