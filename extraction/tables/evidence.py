"""Cheap evidence of a table without a caption: pieces side by side, rules of one extent."""

from __future__ import annotations

from collections.abc import Sequence

from extraction.geometry import Rect
from extraction.tables.frame import (
    EXTENT_TOLERANCE,
    SAME_RULE,
    BodyStyle,
    Frame,
    Rule,
    rows_by_baseline,
)
from extraction.tables.regions import Region, ends_table, lines_inside, rows_end, rule_extent
from extraction.tables.table_captions import is_caption_start
from extraction.text.lines import Line

# Heuristics, chosen on the sample papers.
_MIN_LINES = 4  # a page with fewer lines holds no table
_CELL_WIDTH_SHARE = 0.36  # of the text's width: a piece narrower than a column of a two-column page
_MIN_CELL_ROWS = 2  # rows with such pieces on a page that may hold a table
_PLOT_RULES = 400  # horizontal rules of a page; more belong to a plot
_MIN_RULE_POINTS = 60.0  # width of a table's top rule
_MIN_ROWS_WITH_CELLS = 2  # rows of two pieces or more between three rules
_MIN_CELL_ROWS_SHARE = 0.2  # of all rows between the rules
_AXIS_LABEL_REACH = 30.0  # points left of the rules where a plot prints its axis labels
_AXIS_LABEL_WIDTH = 70.0  # points; an axis label is at most this wide
_MAX_AXIS_LABELS = 2  # more lines there make it a plot
_CAPTION_GAP_BELOW = 60.0  # points between the last rule and a figure's caption
_CAPTION_GAP_ABOVE = 40.0  # points between a figure's caption and the first rule
_CAPTION_OVERLAP = 2.0  # points by which such a caption may overlap the rules


def may_hold_rows(lines: Sequence[Line], body_style: BodyStyle) -> bool:
    """True when two or more rows have short pieces side by side."""
    upright = [line for line in lines if line.rotation == 0]
    if len(upright) < _MIN_LINES:
        return False
    width = max(line.x1 for line in upright) - min(line.x0 for line in upright)
    lefts = {round(left + step) for left, _ in body_style.edges for step in (-1, 0, 1)}
    count = 0
    for row in rows_by_baseline(upright):
        count += len(row) > 1 and any(
            line.x1 - line.x0 < _CELL_WIDTH_SHARE * width and round(line.x0 / 2) not in lefts
            for line in row
        )
    return count >= _MIN_CELL_ROWS


def ruled_regions(frame: Frame, body_style: BodyStyle) -> list[Region]:
    """Regions between three or more rules of one extent with rows of pieces between them.

    Two rules are enough when rows of pieces continue below the second one.
    """
    regions: list[Region] = []
    rules = frame.horizontal_rules
    if len(rules) > _PLOT_RULES:
        return regions
    used: set[int] = set()
    for number, top in enumerate(rules):
        if number in used or top.width < _MIN_RULE_POINTS:
            continue
        x0, x1 = rule_extent(frame, top)
        stack = _rule_stack(frame, body_style, number, x0, x1, used)
        if len(stack) == 2:
            bottom = rows_end(frame, None, body_style, (x0, stack[-1], x1), 2)
            if (
                bottom > stack[-1]
                and len(lines_inside(frame, None, x0, stack[0], x1, stack[1])) > 1
            ):
                regions.append(Region(frame, Rect(x0, stack[0], x1, bottom), stack))
        if len(stack) < 3:
            continue
        lines = lines_inside(frame, None, x0, stack[0], x1, stack[-1])
        rows = rows_by_baseline(lines)
        with_cells = sum(len(row) > 1 for row in rows)
        if (
            with_cells >= _MIN_ROWS_WITH_CELLS
            and with_cells >= _MIN_CELL_ROWS_SHARE * len(rows)
            and not _is_figure(frame, x0, stack, x1)
        ):
            regions.append(Region(frame, Rect(x0, stack[0], x1, stack[-1]), stack))
    return regions


def _rule_stack(
    frame: Frame, body_style: BodyStyle, number: int, x0: float, x1: float, used: set[int]
) -> list[float]:
    """The y of this rule and of those of the same extent below it, with no prose between."""
    stack = [frame.horizontal_rules[number].y]
    for index in range(number + 1, len(frame.horizontal_rules)):
        rule: Rule = frame.horizontal_rules[index]
        if rule.y - stack[-1] < SAME_RULE:
            continue
        left, right = rule_extent(frame, rule)
        if abs(left - x0) > EXTENT_TOLERANCE or abs(right - x1) > EXTENT_TOLERANCE:
            continue
        between = lines_inside(frame, None, x0, stack[-1], x1, rule.y)
        if not between or any(is_caption_start(line) for line in between):
            break
        if ends_table(between, frame, body_style, Rect(x0, stack[-1], x1, rule.y)):
            break
        used.add(index)
        stack.append(rule.y)
    return stack


def _is_figure(frame: Frame, x0: float, stack: Sequence[float], x1: float) -> bool:
    """True for a plot or figure between the rules.

    Evidence: a caption right above or below the rules, or axis labels left of them.
    """
    axis_labels = sum(
        x0 - _AXIS_LABEL_REACH < line.x1 < x0 - 1
        and line.x1 - line.x0 < _AXIS_LABEL_WIDTH
        and stack[0] < line.base < stack[-1]
        for line in frame.lines
    )
    return axis_labels > _MAX_AXIS_LABELS or any(
        is_caption_start(line)
        and line.x1 > x0
        and line.x0 < x1
        and (
            -_CAPTION_OVERLAP < line.y0 - stack[-1] < _CAPTION_GAP_BELOW
            or -_CAPTION_OVERLAP < stack[0] - line.y1 < _CAPTION_GAP_ABOVE
        )
        for line in frame.lines
    )
