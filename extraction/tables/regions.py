"""Finds the region of a table's body: between ruling lines of one extent, or below its caption."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from extraction.geometry import Rect, interval_overlap, overlaps, union
from extraction.tables.frame import (
    EXTENT_TOLERANCE,
    SAME_LEVEL,
    SAME_RULE,
    BodyStyle,
    Frame,
    Rule,
    midline,
    rows_by_baseline,
)
from extraction.tables.table_captions import Caption, is_caption_start
from extraction.text.lines import Line

# Heuristics, chosen on the sample papers. Distances are in points unless stated otherwise.
_MAX_CAPTION_GAP = 48.0  # between a caption and its table's first or last rule
_MAX_CAPTION_OVERLAP = 2.5  # by which a caption's box may reach over that rule
_UNRULED_PENALTY = 20.0  # added to the distance of a table without rules: rules are better evidence
_MIN_REGION_OVERLAP = 5.0  # in both directions: regions that share less do not overlap
_MIN_RULE_WIDTH = 25.0  # of a rule that may belong to a caption's table
_MIN_FACING_SHARE = 0.5  # of the narrower one of caption and rule that both share
_EDGE_SLACK_X, _EDGE_SLACK_Y = 2.0, 1.0  # by which a line inside a region may reach out of it
HAIR = 1.0  # tolerance where edges should coincide

_CAPTION_LINE_GAP = 2.2  # type sizes between baselines of a caption's lines
_MAX_EXTRA_CAPTION_LINES = 3  # between a recognised caption and its table's top rule

_RULE_GAP_X = 9.0  # between rules side by side that count as one
_MAX_WIDER = 1.35  # times the table's width: a rule wider than this is not the table's
_SIDE_REACH = 3.0  # by which a vertical rule must pass the last horizontal one

_CAPTION_START_SHARE = 0.6  # of the table's width: a caption begins left of it
_MIN_BODY_LINES, _MIN_BODY_SHARE = 3, 0.4  # lines of body text between two rules, and their share
REACH_LEFT, REACH_RIGHT = 12.0, 25.0  # by which a table's text may reach out of its rules
_MAX_EMPTY_HEIGHT = 25.0  # between two rules with no line between them
_MIN_IMAGE_SIDE, _MAX_LINES_AT_IMAGE = 60.0, 4  # an image this large with few lines is a figure

_NOTES_MIN_WIDTH = 0.6  # of the table's width: the longest line of notes
_NOTES_MIN_CHARACTERS = 24  # of the longest line of notes

_ROW_GAP_SIZES, _ROW_GAP_STEPS = 3.2, 2.2  # largest row gap: type sizes, or largest gap so far
_FIRST_ROW_GAP = 60.0  # between the caption or rule and the first row
_PROSE_WIDTH, _PROSE_CHARACTERS = 0.8, 60  # share of the width and length of a line of prose
_TRAILING_CHARACTERS = 50  # a last row in one piece this long is prose
_MIN_CELL_ROWS, _MIN_CELL_ROWS_SHARE = 2, 0.4  # rows with two pieces or more, without rules
_PAGE_BOTTOM = 1e6  # below every page

_RULE_NEAR = 4.0  # rules this near to the layout model's box belong to it
_RULE_SHORT = 6.0  # by which a rule may be shorter than the table


@dataclass(slots=True, eq=False)
class Region:
    """A table's body: `rect` in its frame, the y of its full-width rules, and the notes below.

    `distance` is the gap to the caption in points.
    """

    frame: Frame
    rect: Rect
    rules: list[float] = field(default_factory=list)
    notes: list[Line] = field(default_factory=list)
    distance: float = 0.0

    def overlaps(self, other: Region) -> bool:
        return self.frame is other.frame and overlaps(self.rect, other.rect, _MIN_REGION_OVERLAP)


def region_below(caption: Caption, frame: Frame, body_style: BodyStyle) -> Region | None:
    """The table below a caption, None if there is none."""
    x0, _, x1, y1 = caption.rect
    region = None
    for top in frame.horizontal_rules:
        if (
            top.y < y1 - _MAX_CAPTION_OVERLAP
            or top.y - y1 > _MAX_CAPTION_GAP
            or not _faces(top, x0, x1)
        ):
            continue
        if not _extend_caption(frame, caption, body_style, top):
            break
        region = _follow_rules_down(top, caption, frame, body_style)
        if region:
            region.distance = top.y - y1
            break
    return region or _unruled_region(caption, frame, body_style)


def region_above(caption: Caption, frame: Frame, body_style: BodyStyle) -> Region | None:
    """The table above a caption, None if there is none."""
    x0, y0, x1, _ = caption.rect
    for bottom in reversed(frame.horizontal_rules):
        if (
            bottom.y > y0 + _MAX_CAPTION_OVERLAP
            or y0 - bottom.y > _MAX_CAPTION_GAP
            or not _faces(bottom, x0, x1)
        ):
            continue
        if _lines_between(frame, caption, bottom.y, y0, bottom):
            return None
        region = _follow_rules_up(bottom, caption, frame, body_style)
        if region:
            region.distance = y0 - bottom.y
        return region
    return None


def _faces(rule: Rule, x0: float, x1: float) -> bool:
    shared = interval_overlap(rule.x0, rule.x1, x0, x1)
    return rule.width > _MIN_RULE_WIDTH and shared > _MIN_FACING_SHARE * min(rule.width, x1 - x0)


def _lines_between(frame: Frame, caption: Caption, y0: float, y1: float, rule: Rule) -> list[Line]:
    own = {id(line) for line in caption.lines}
    return [
        line
        for line in frame.lines
        if id(line) not in own
        and y0 - _EDGE_SLACK_Y < midline(line) < y1
        and line.x1 > rule.x0
        and line.x0 < rule.x1
    ]


def _extend_caption(frame: Frame, caption: Caption, body_style: BodyStyle, top: Rule) -> bool:
    """True when the lines between a caption and a rule belong to the caption, or there are none.

    Adds these lines to the caption. They must be few, close, and in one piece each.
    """
    between = _lines_between(frame, caption, caption.rect.y1, top.y, top)
    rows = rows_by_baseline(between)
    last = caption.lines[-1].base
    for row in rows:
        close = row[0].base - last < _CAPTION_LINE_GAP * row[0].size
        if len(row) > 1 or not close or body_style.is_body(row[0]) or is_caption_start(row[0]):
            return False
        last = row[0].base
    if len(rows) > _MAX_EXTRA_CAPTION_LINES:
        return False
    for row in rows:
        caption.lines.append(row[0])
        caption.texts.append(row[0].text)
    caption.rect = union(caption.lines)
    return True


def _rule_y(rule: Rule) -> float:
    return rule.y


def rule_extent(frame: Frame, rule: Rule) -> tuple[float, float]:
    """x0 and x1 of the rule together with those side by side with it, across small gaps."""
    x0, x1 = rule.x0, rule.x1
    rules = frame.horizontal_rules
    low = bisect_left(rules, rule.y - SAME_LEVEL, key=_rule_y)
    high = bisect_right(rules, rule.y + SAME_LEVEL, key=_rule_y)
    level = rules[low:high]
    for other in sorted(level, key=lambda other: other.x0):
        if other.x0 - x1 < _RULE_GAP_X and other.x1 > x1:
            x1 = other.x1
    for other in sorted(level, key=lambda other: -other.x1):
        if x0 - other.x1 < _RULE_GAP_X and other.x0 < x0:
            x0 = other.x0
    return x0, x1


def _follow_rules_down(
    top: Rule, caption: Caption, frame: Frame, body_style: BodyStyle
) -> Region | None:
    """Follows rules of one extent downwards until prose or a caption comes between them."""
    x0, x1 = rule_extent(frame, top)
    rules, last = [top.y], top.y
    for rule in frame.horizontal_rules:
        if rule.y < last + SAME_RULE:
            continue
        left, right = rule_extent(frame, rule)
        covers = left <= x0 + EXTENT_TOLERANCE and right >= x1 - EXTENT_TOLERANCE
        if not covers or (right - left > _MAX_WIDER * (x1 - x0) and len(rules) > 1):
            continue
        between = lines_inside(frame, caption, x0, last, x1, rule.y)
        if ends_table(between, frame, body_style, Rect(x0, last, x1, rule.y)) or (
            len(rules) > 2 and _is_notes(between, x0, x1)
        ):
            break
        x0, x1 = min(x0, left), max(x1, right)
        rules.append(rule.y)
        last = rule.y
    bottom = rows_end(frame, caption, body_style, (x0, rules[-1], x1), len(rules))
    sides = [
        rule
        for rule in frame.vertical_rules
        if rule.y0 < last + _SIDE_REACH
        and rule.y1 > last + _SIDE_REACH
        and x0 - EXTENT_TOLERANCE < rule.x < x1 + EXTENT_TOLERANCE
    ]
    if len(sides) > 1 and not ends_table(
        lines_inside(frame, caption, x0, last, x1, max(rule.y1 for rule in sides)),
        frame,
        body_style,
        Rect(x0, last, x1, 0),
    ):
        bottom = max(bottom, max(rule.y1 for rule in sides))
    if not lines_inside(frame, caption, x0, rules[0], x1, bottom):
        return None
    return Region(frame, Rect(x0, rules[0], x1, bottom), rules)


def _follow_rules_up(
    bottom: Rule, caption: Caption, frame: Frame, body_style: BodyStyle
) -> Region | None:
    """Follows rules of one extent upwards; None when there is one rule only or no text."""
    x0, x1 = rule_extent(frame, bottom)
    rules, last = [bottom.y], bottom.y
    for rule in reversed(frame.horizontal_rules):
        if rule.y > last - SAME_RULE:
            continue
        left, right = rule_extent(frame, rule)
        if (
            left > x0 + EXTENT_TOLERANCE
            or right < x1 - EXTENT_TOLERANCE
            or right - left > _MAX_WIDER * (x1 - x0)
        ):
            continue
        between = lines_inside(frame, caption, x0, rule.y, x1, last)
        if ends_table(between, frame, body_style, Rect(x0, rule.y, x1, last)):
            break
        x0, x1 = min(x0, left), max(x1, right)
        rules.append(rule.y)
        last = rule.y
    if len(rules) < 2 or not lines_inside(frame, caption, x0, last, x1, bottom.y):
        return None
    return Region(frame, Rect(x0, last, x1, bottom.y), rules[::-1])


def lines_inside(
    frame: Frame, caption: Caption | None, x0: float, y0: float, x1: float, y1: float
) -> list[Line]:
    """The frame's lines in this rectangle, without those of the caption."""
    own = {id(line) for line in caption.lines} if caption else set()
    return [
        line
        for line in frame.lines
        if y0 - _EDGE_SLACK_Y < midline(line) < y1 + _EDGE_SLACK_Y
        and line.x1 > x0 - _EDGE_SLACK_X
        and line.x0 < x1 + _EDGE_SLACK_X
        and id(line) not in own
    ]


def ends_table(lines: Sequence[Line], frame: Frame, body_style: BodyStyle, gap: Rect) -> bool:
    """True when the lines in the gap between two rules are no part of a table."""
    x0, y0, x1, y1 = gap
    caption_x = x0 + _CAPTION_START_SHARE * (x1 - x0)
    if any(is_caption_start(line) and line.x0 < caption_x for line in lines):
        return True
    body = [line for line in lines if body_style.is_body(line)]
    if len(body) >= _MIN_BODY_LINES and len(body) > _MIN_BODY_SHARE * len(lines):
        return True
    if any(line.x0 < x0 - REACH_LEFT or line.x1 > x1 + REACH_RIGHT for line in lines):
        return True
    if not lines and y1 - y0 > _MAX_EMPTY_HEIGHT:
        return True
    return len(lines) < _MAX_LINES_AT_IMAGE and any(
        image.width > _MIN_IMAGE_SIDE and image.height > _MIN_IMAGE_SIDE and y0 < image.y0 < y1
        for image in frame.images
    )


def _is_notes(lines: Sequence[Line], x0: float, x1: float) -> bool:
    """True for two lines or more, each in one piece, that begin at the table's left edge."""
    rows = rows_by_baseline(lines)
    return (
        len(rows) > 1
        and all(len(row) == 1 for row in rows)
        and rows[0][0].x0 < x0 + REACH_LEFT
        and max(row[0].x1 - row[0].x0 for row in rows) > _NOTES_MIN_WIDTH * (x1 - x0)
        and max(len(row[0].text) for row in rows) > _NOTES_MIN_CHARACTERS
    )


def rows_end(
    frame: Frame,
    caption: Caption | None,
    body_style: BodyStyle,
    edge: tuple[float, float, float],
    rules: int,
) -> float:
    """The bottom y of the rows below the last rule, for a table that lacks its bottom rule.

    `edge` is (x0, y, x1) of the last rule, `rules` the number of rules. With three rules or more
    the last one is the bottom.
    """
    x0, y, x1 = edge
    if rules > 2:
        return y
    rows = _rows_below(frame, caption, body_style, x0, y, x1)
    if sum(len(row) > 1 for row in rows) < (2 if rules == 2 else 1):
        return y
    while rows and len(rows[-1]) == 1 and len(rows) > 1:
        rows.pop()
    return max((line.y1 for row in rows for line in row), default=y)


def _rows_below(
    frame: Frame, caption: Caption | None, body_style: BodyStyle, x0: float, y: float, x1: float
) -> list[list[Line]]:
    """The rows of pieces below y, up to prose, a caption or a wide gap."""
    inside = lines_inside(frame, caption, x0, y, x1, _PAGE_BOTTOM)
    rows: list[list[Line]] = []
    last, largest_gap = y, 0.0
    prose = 0
    for row in rows_by_baseline(inside):
        gap = row[0].base - last
        size = max(line.size for line in row)
        if gap > max(_ROW_GAP_SIZES * size, _ROW_GAP_STEPS * largest_gap) and (
            rows or gap > _FIRST_ROW_GAP
        ):
            break
        if any(is_caption_start(line) for line in row) or any(
            line.x0 < x0 - REACH_LEFT or line.x1 > x1 + REACH_RIGHT for line in row
        ):
            break
        prose = prose + 1 if rows and _is_prose(row, x1 - x0) else 0
        if any(body_style.is_body(line) for line in row) and not any(
            len(other) > 2 for other in [*rows[-1:], row]
        ):
            break
        if prose > 1:
            rows.pop()
            break
        if rows:
            largest_gap = max(largest_gap, gap)
        rows.append(row)
        last = row[0].base
    while rows and len(rows[-1]) == 1 and len(rows[-1][0].text) > _TRAILING_CHARACTERS:
        rows.pop()
    return rows


def _is_prose(row: Sequence[Line], width: float) -> bool:
    return (
        len(row) == 1
        and row[0].x1 - row[0].x0 > _PROSE_WIDTH * width
        and len(row[0].text) > _PROSE_CHARACTERS
    )


def _unruled_region(caption: Caption, frame: Frame, body_style: BodyStyle) -> Region | None:
    """A table without ruling lines: rows of pieces below its caption."""
    caption_x0, _, caption_x1, y1 = caption.rect
    x0, x1 = _column(frame, body_style, caption_x0, caption_x1)
    rows = _rows_below(frame, caption, body_style, x0, y1, x1)
    with_cells = [row for row in rows if len(row) > 1]
    if len(with_cells) < _MIN_CELL_ROWS or len(with_cells) < _MIN_CELL_ROWS_SHARE * len(rows):
        return None
    left, top, right, bottom = union(line for row in rows for line in row)
    return Region(
        frame,
        Rect(left - HAIR, top, right + HAIR, bottom),
        distance=top - y1 + _UNRULED_PENALTY,
    )


def _column(frame: Frame, body_style: BodyStyle, x0: float, x1: float) -> tuple[float, float]:
    """The text column that holds a caption's x0..x1, else the extent of the page's text."""
    column = body_style.column(x0, x1) if frame.turn == 0 else None
    if column is not None:
        return column
    return min(line.x0 for line in frame.lines), max(line.x1 for line in frame.lines)


def region_in(frame: Frame, rect: Rect) -> Region | None:
    """The region of a box that the layout model found, with the rules that cross it.

    None when no line of the frame has its center in the box.
    """
    x0, y0, x1, y1 = rect
    lines = [
        line
        for line in frame.lines
        if x0 - _EDGE_SLACK_X < (line.x0 + line.x1) / 2 < x1 + _EDGE_SLACK_X
        and y0 - _EDGE_SLACK_Y < (line.y0 + line.y1) / 2 < y1 + _EDGE_SLACK_Y
    ]
    if not lines:
        return None
    whole = union([rect, *lines])
    rules = [
        rule.y
        for rule in frame.horizontal_rules
        if y0 - _RULE_NEAR < rule.y < y1 + _RULE_NEAR
        and rule.x0 < whole.x0 + _RULE_SHORT
        and rule.x1 > whole.x1 - _RULE_SHORT
    ]
    return Region(frame, whole, rules)
