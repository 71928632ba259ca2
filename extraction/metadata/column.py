"""The lines that stand below another in its column, whatever stands beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from extraction.text.lines import Line

_FIRST_GAP = 4.5  # times the type size: from a label to the text below it
_GAP = 1.9
_ANOTHER_SIZE = 0.06
_MOST = 120


def column_below(
    start: Line,
    lines: Sequence[Line],
    *,
    runs_in: bool,
    ends: Callable[[Line], bool],
    goes_on: Callable[[Line], bool] = lambda line: False,
) -> list[Line]:
    """The lines below `start`, in one size and without a gap, down to one for which `ends` is true.

    `runs_in` says that the text begins on the line of `start`, which is then the first of the
    result. `goes_on` lines (headings inside an abstract) may differ in weight and stand farther
    below.
    """
    below = sorted(
        (
            line
            for line in lines
            if line.page == start.page
            and line.turn == start.turn
            and line is not start
            and (line.base > start.base + 0.3 * start.size or _follows(start, line, runs_in))
        ),
        key=lambda line: (round(line.base), line.x0),
    )
    taken = [start] if runs_in else []
    for line in below:
        if len(taken) >= _MOST:
            break
        if not taken:
            if line.base - start.base > _FIRST_GAP * start.size:
                break
            if _overlap(line, start.x0, start.x1) > 0 or _near(line, start):
                if ends(line):
                    break
                taken.append(line)
            continue
        verdict = _verdict(line, taken, ends, goes_on)
        if verdict is None:
            break
        if verdict:
            taken.append(line)
    return taken


def _verdict(
    line: Line,
    taken: Sequence[Line],
    ends: Callable[[Line], bool],
    goes_on: Callable[[Line], bool],
) -> bool | None:
    """True to take the line, False to pass by it (another column), None to stop."""
    last = taken[-1]
    left, right = min(one.x0 for one in taken), max(one.x1 for one in taken)
    # Behind the label alone it is not known yet how wide the column is.
    follows = _follows(last, line, True) and (len(taken) == 1 or line.x1 < right + line.size)
    if _overlap(line, left, right) < 0.5 * min(line.x1 - line.x0, right - left) and not follows:
        return False
    far = line.base - last.base > _GAP * max(line.size, last.size)
    other_type = abs(line.size - taken[0].size) > _ANOTHER_SIZE * line.size
    if ends(line):
        return None
    if goes_on(line):
        return True if line.base - last.base < 2 * _GAP * line.size else None
    if far and not goes_on(last):
        return None
    if other_type and len(line.text) > 3 and not goes_on(taken[0]):
        return None
    return None if _changes_weight(line, taken, goes_on) else True


def _changes_weight(line: Line, taken: Sequence[Line], goes_on: Callable[[Line], bool]) -> bool:
    plain = [one for one in taken if not goes_on(one) and not one.lead]
    return bool(plain) and len(line.text) > 3 and line.bold and not any(one.bold for one in plain)


def _overlap(line: Line, left: float, right: float) -> float:
    return min(line.x1, right) - max(line.x0, left)


def _near(line: Line, start: Line) -> bool:
    return abs(line.x0 - start.x0) < 3 * start.size


def _follows(before: Line, line: Line, runs_in: bool) -> bool:
    """True when the line goes on on the same base line, behind a wide space."""
    same = abs(line.base - before.base) < 0.25 * before.size
    return runs_in and same and 0 <= line.x0 - before.x1 < 3 * before.size
