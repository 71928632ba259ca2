"""Cheap evidence of a table without a caption: pieces side by side, rules of one extent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from extraction.geometry import Rect, overlap_x
from extraction.tables.frame import BodyStyle, Frame, rows_by_baseline
from extraction.tables.regions import Region, RegionFinder
from extraction.text.lines import Line
from extraction.vocabulary.captions import is_caption

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


def ruled_regions(frame: Frame, body_style: BodyStyle) -> Iterator[Region]:
    """Yields regions between three or more rules of one extent with rows of pieces between them.

    Two rules are enough when rows of pieces continue below the second one.
    """
    rules = frame.horizontal_rules
    finder = RegionFinder(frame, body_style)
    used: set[int] = set()
    for top in rules if len(rules) <= _PLOT_RULES else ():
        if id(top) in used or top.width < _MIN_RULE_POINTS:
            continue
        stack = finder.follow_rules(top, fixed=True)
        used.update(map(id, stack))
        rect = finder.extent(top)._replace(y1=stack[-1].center_y)
        lines = finder.lines_in(rect)
        bottom = finder.rows_end(rect, 2) if len(stack) == 2 else rect.y1
        goes_on = bottom > rect.y1 and len(lines) > 1
        if goes_on or (len(stack) > 2 and _has_cells(lines) and not is_figure(frame.lines, rect)):
            ys = [rule.center_y for rule in stack]
            yield Region(frame, rect._replace(y1=bottom), ys)


def _has_cells(lines: Sequence[Line]) -> bool:
    rows = rows_by_baseline(lines)
    with_cells = sum(len(row) > 1 for row in rows)
    return with_cells >= max(_MIN_ROWS_WITH_CELLS, _MIN_CELL_ROWS_SHARE * len(rows))


def is_figure(lines: Sequence[Line], rect: Rect) -> bool:
    """True for a plot or figure between the rules.

    Evidence: a caption right above or below the rules, or axis labels left of them.
    """
    axis_labels = sum(
        rect.x0 - _AXIS_LABEL_REACH < line.x1 < rect.x0 - 1
        and line.x1 - line.x0 < _AXIS_LABEL_WIDTH
        and rect.y0 < line.base < rect.y1
        for line in lines
    )
    return axis_labels > _MAX_AXIS_LABELS or any(
        is_caption(line.text)
        and overlap_x(line, rect) > 0
        and (
            -_CAPTION_OVERLAP < line.y0 - rect.y1 < _CAPTION_GAP_BELOW
            or -_CAPTION_OVERLAP < rect.y0 - line.y1 < _CAPTION_GAP_ABOVE
        )
        for line in lines
    )
