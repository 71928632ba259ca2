"""Cheap signs of a table that has no caption: side-by-side pieces, rules of one extent."""

from __future__ import annotations

from collections.abc import Sequence

from extraction.tables.frame import Frame, Measure, Rule, in_rows
from extraction.tables.regions import Region, lines_inside, parts_table, rows_end, whole_level
from extraction.tables.table_captions import is_caption_start
from extraction.text.lines import Line


def may_hold_rows(lines: Sequence[Line], measure: Measure) -> bool:
    """True when three or more printed lines have short pieces side by side."""
    flat = [line for line in lines if line.rotation == 0]
    if len(flat) < 4:
        return False
    width = max(line.x1 for line in flat) - min(line.x0 for line in flat)
    lefts = {round(left + step) for left, _ in measure.edges for step in (-1, 0, 1)}
    count = 0
    for row in in_rows(flat):
        count += len(row) > 1 and any(
            line.x1 - line.x0 < 0.36 * width and round(line.x0 / 2) not in lefts for line in row
        )
    return count >= 2


def ruled_regions(frame: Frame, measure: Measure) -> list[Region]:
    """Regions between three or more rules of one extent with rows of pieces between them."""
    regions: list[Region] = []
    if len(frame.across) > 400:  # a plot
        return regions
    used: set[int] = set()
    for number, top in enumerate(frame.across):
        if number in used or top.width < 60:
            continue
        x0, x1 = whole_level(frame, top)
        stack = _stack(frame, measure, number, x0, x1, used)
        if len(stack) == 2:
            bottom = rows_end(frame, None, measure, (x0, stack[-1], x1), 2)
            if (
                bottom > stack[-1]
                and len(lines_inside(frame, None, x0, stack[0], x1, stack[1])) > 1
            ):
                regions.append(Region(frame, (x0, stack[0], x1, bottom), stack))
        if len(stack) < 3:
            continue
        lines = lines_inside(frame, None, x0, stack[0], x1, stack[-1])
        rows = in_rows(lines)
        several = sum(len(row) > 1 for row in rows)
        if several >= 2 and several >= 0.2 * len(rows) and not _is_figure(frame, x0, stack, x1):
            regions.append(Region(frame, (x0, stack[0], x1, stack[-1]), stack))
    return regions


def _stack(
    frame: Frame, measure: Measure, number: int, x0: float, x1: float, used: set[int]
) -> list[float]:
    """Heights of the rules below that share an extent, with no prose between."""
    stack = [frame.across[number].y]
    for index in range(number + 1, len(frame.across)):
        rule: Rule = frame.across[index]
        if rule.y - stack[-1] < 2:
            continue
        left, right = whole_level(frame, rule)
        if abs(left - x0) > 4 or abs(right - x1) > 4:
            continue
        between = lines_inside(frame, None, x0, stack[-1], x1, rule.y)
        if not between or any(is_caption_start(line) for line in between):
            break
        if parts_table(between, frame, measure, x0, x1, stack[-1], rule.y):
            break
        used.add(index)
        stack.append(rule.y)
    return stack


def _is_figure(frame: Frame, x0: float, stack: Sequence[float], x1: float) -> bool:
    """True when a caption that is no table's stands right above or below the rules, or when names
    stand outside them along an axis."""
    beside = sum(
        x0 - 30 < line.x1 < x0 - 1 and line.x1 - line.x0 < 70 and stack[0] < line.base < stack[-1]
        for line in frame.lines
    )
    return beside > 2 or any(
        is_caption_start(line)
        and line.x1 > x0
        and line.x0 < x1
        and (-2 < line.y0 - stack[-1] < 60 or -2 < stack[0] - line.y1 < 40)
        for line in frame.lines
    )
