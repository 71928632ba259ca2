"""Finds the region of a table's body: between ruling lines of one extent, or below its caption."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from extraction.captions import Caption, without_caption
from extraction.geometry import Rect, contains_center, overlap_x, overlaps, union
from extraction.tables.frame import (
    EXTENT_TOLERANCE,
    SAME_LEVEL,
    SAME_RULE,
    BodyStyle,
    Frame,
    rows_by_baseline,
)
from extraction.text.lines import Line
from extraction.vocabulary.captions import is_caption

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

_DOUBLE_RULE = 4.0  # between the rules of a pair without text between them
_MIN_OPEN_HEIGHT = 8.0  # between two rules without the vertical ones that the table had above
_MIN_TEXT_ROWS, _MAX_TEXT_CELL_ROWS = 4, 0.2  # rows of text, and those in several pieces

_NOTES_MIN_WIDTH = 0.6  # of the table's width: the longest line of notes
_NOTES_MIN_CHARACTERS = 24  # of the longest line of notes

_CLOSED = 3  # rules of a table; the last of so many is its bottom
_ROW_GAP_SIZES, _ROW_GAP_STEPS = 3.2, 2.2  # largest row gap: type sizes, or largest gap so far
_FIRST_ROW_GAP = 60.0  # between the caption or rule and the first row
_PROSE_WIDTH, _PROSE_CHARACTERS = 0.8, 60  # share of the width and length of a line of prose
_TRAILING_CHARACTERS = 50  # a last row in one piece this long is prose
_MIN_CELL_ROWS, _MIN_CELL_ROWS_SHARE = 2, 0.4  # rows with two pieces or more, without rules
_PAGE_BOTTOM = 1e6  # below every page

_RULE_NEAR = 4.0  # rules this near to the layout model's box belong to it
_RULE_SHORT = 6.0  # by which a rule may be shorter than the table

_rule_y = attrgetter("center_y")


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


@dataclass(frozen=True, slots=True)
class RegionFinder:
    """Searches a frame for the body of the table with this caption, or of one without a caption."""

    frame: Frame
    body_style: BodyStyle
    caption: Caption | None = None

    def below(self) -> Region | None:
        """The table below the caption, None if there is none."""
        for top, distance in self._adjacent_rules(down=True):
            if not self._extend_caption(top):
                break
            if region := self._ruled_region(top, distance, down=True):
                return region
        return self._unruled_region()

    def above(self) -> Region | None:
        """The table above the caption, None if there is none."""
        nearest = next(self._adjacent_rules(down=False), None)
        if nearest is None or self._lines_between(nearest[0], down=False):
            return None
        return self._ruled_region(*nearest, down=False)

    def _rules(self, down: bool) -> Iterable[Rect]:
        rules = self.frame.horizontal_rules
        return rules if down else reversed(rules)

    def _adjacent_rules(self, down: bool) -> Iterator[tuple[Rect, float]]:
        """Yields the rules below or above the caption, from the nearest on, and their distances."""
        assert self.caption is not None
        caption = self.caption.rect
        for rule in self._rules(down):
            gap = rule.center_y - caption.y1 if down else caption.y0 - rule.center_y
            shared = _MIN_FACING_SHARE * min(rule.width, caption.width)
            if (
                -_MAX_CAPTION_OVERLAP <= gap <= _MAX_CAPTION_GAP
                and rule.width > _MIN_RULE_WIDTH
                and overlap_x(rule, caption) > shared
            ):
                yield rule, gap

    def _lines_between(self, rule: Rect, down: bool) -> list[Line]:
        """The lines between the caption and a rule below or above it."""
        assert self.caption is not None
        caption, y = self.caption.rect, rule.center_y
        y0, y1 = (caption.y1, y) if down else (y, caption.y0)
        between = Rect(rule.x0, y0 - _EDGE_SLACK_Y, rule.x1, y1)
        return without_caption(self.frame.lines_in(between), self.caption)

    def _extend_caption(self, top: Rect) -> bool:
        """True when the lines between a caption and a rule belong to the caption, if there are any.

        Adds these lines to the caption. They must be few, close, and in one piece each.
        """
        assert self.caption is not None
        rows = rows_by_baseline(self._lines_between(top, down=True))
        last = self.caption.lines[-1].base
        for row in rows:
            first = row[0]
            close = first.base - last < _CAPTION_LINE_GAP * first.size
            is_other = self.body_style.is_body(first) or is_caption(first.text)
            if len(row) > 1 or not close or is_other:
                return False
            last = first.base
        if len(rows) > _MAX_EXTRA_CAPTION_LINES:
            return False
        self.caption.add([row[0] for row in rows])
        return True

    def extent(self, rule: Rect) -> Rect:
        """The rule together with those side by side with it, across small gaps; its height is 0."""
        y, x0, x1 = rule.center_y, rule.x0, rule.x1
        rules = self.frame.horizontal_rules
        low = bisect_left(rules, y - SAME_LEVEL, key=_rule_y)
        high = bisect_right(rules, y + SAME_LEVEL, key=_rule_y)
        level = rules[low:high]
        for other in sorted(level, key=lambda other: other.x0):
            if other.x0 - x1 < _RULE_GAP_X and other.x1 > x1:
                x1 = other.x1
        for other in sorted(level, key=lambda other: -other.x1):
            if x0 - other.x1 < _RULE_GAP_X and other.x0 < x0:
                x0 = other.x0
        return Rect(x0, y, x1, y)

    def follow_rules(self, start: Rect, *, down: bool = True, fixed: bool = False) -> list[Rect]:
        """The rules of one extent from `start` on, up to prose or a caption between two of them.

        `fixed`: all have the extent of the first one; else wider ones widen the table.
        """
        rules, whole, sided = [start], self.extent(start), False
        for rule in self._rules(down):
            last = rules[-1].center_y
            if (rule.center_y - last if down else last - rule.center_y) < SAME_RULE:
                continue
            extent = self.extent(rule)
            may_widen = down and len(rules) == 1
            if not _fits(extent, whole, fixed, may_widen):
                continue
            gap = Rect(whole.x0, min(last, extent.y0), whole.x1, max(last, extent.y0))
            if self._is_pair(gap):
                continue
            has_sides = self._has_sides(gap)
            begins = fixed and has_sides and not sided and len(rules) > 1
            if begins and self._is_heading(whole._replace(y1=last)):
                rules.pop()
                break
            is_open = sided and gap.height > _MIN_OPEN_HEIGHT and not self.frame.crossing(gap)
            is_notes = down and not fixed and self._is_notes(gap, rules)
            if is_open or is_notes or self._ends_table(gap, fixed):
                break
            sided = sided or has_sides
            rules.append(rule)
            whole = whole if fixed else union([whole, extent])
        return rules

    def _ruled_region(self, start: Rect, distance: float, down: bool) -> Region | None:
        """The table from this rule on; None when it has no text, or upwards no second rule."""
        rules = self.follow_rules(start, down=down)
        rect = union(map(self.extent, rules))
        if down:
            rect = rect._replace(y1=max(self.rows_end(rect, len(rules)), self._sides_end(rect)))
        elif len(rules) < 2:
            return None
        if not self.lines_in(rect):
            return None
        return Region(self.frame, rect, sorted(map(_rule_y, rules)), distance=distance)

    def _sides_end(self, rect: Rect) -> float:
        """The lower end of the vertical rules that pass the table's last horizontal one."""
        ends = [
            rule.y1
            for rule in self.frame.vertical_rules
            if rule.y0 < rect.y1 + _SIDE_REACH < rule.y1
            and rect.x0 - EXTENT_TOLERANCE < rule.center_x < rect.x1 + EXTENT_TOLERANCE
        ]
        if len(ends) < 2:
            return rect.y1
        gap = Rect(rect.x0, rect.y1, rect.x1, max(ends))
        return rect.y1 if self._is_other_text(gap, self.lines_in(gap)) else gap.y1

    def lines_in(self, rect: Rect) -> list[Line]:
        """The frame's lines in this rectangle, without those of the caption."""
        reach = rect.expanded(_EDGE_SLACK_X, _EDGE_SLACK_Y)
        return without_caption(self.frame.lines_in(reach), self.caption)

    def _ends_table(self, gap: Rect, needs_text: bool) -> bool:
        """True when the lines in the gap between two rules are no part of a table."""
        lines = self.lines_in(gap)
        if needs_text and (not lines or _has_caption(lines) or self._is_text(gap)):
            return True
        if self._is_other_text(gap, lines) or (not lines and gap.height > _MAX_EMPTY_HEIGHT):
            return True
        return len(lines) < _MAX_LINES_AT_IMAGE and any(
            min(image.width, image.height) > _MIN_IMAGE_SIDE and gap.y0 < image.y0 < gap.y1
            for image in self.frame.images
        )

    def _is_pair(self, gap: Rect) -> bool:
        """True between the rules of a double rule."""
        inner = gap.expanded(0.0, -_EDGE_SLACK_Y)
        return gap.height < _DOUBLE_RULE and not self.lines_in(inner)

    def _has_sides(self, gap: Rect) -> bool:
        """True when vertical rules at both edges of the table pass the gap between two rules."""
        crossing = self.frame.crossing(gap)
        return all(
            any(abs(rule.center_x - x) < EXTENT_TOLERANCE for rule in crossing)
            for x in (gap.x0, gap.x1)
        )

    def _is_heading(self, rect: Rect) -> bool:
        """True for lines of text above a table: each row is in one piece."""
        lines = self.lines_in(rect)
        return bool(lines) and all(len(row) == 1 for row in rows_by_baseline(lines))

    def _is_text(self, gap: Rect) -> bool:
        """True for several rows, nearly all in one piece, with a line of prose among them."""
        rows = rows_by_baseline(self.lines_in(gap))
        with_cells = sum(len(row) > 1 for row in rows)
        return (
            len(rows) >= _MIN_TEXT_ROWS
            and with_cells < _MAX_TEXT_CELL_ROWS * len(rows)
            and any(_is_prose(row, gap) for row in rows)
        )

    def _is_other_text(self, gap: Rect, lines: Sequence[Line]) -> bool:
        """True for a caption, body text, or text that reaches out of the table."""
        caption_x = gap.x0 + _CAPTION_START_SHARE * gap.width
        body = sum(map(self.body_style.is_body, lines))
        return (
            _has_caption([line for line in lines if line.x0 < caption_x])
            or (body >= _MIN_BODY_LINES and body > _MIN_BODY_SHARE * len(lines))
            or _reaches_out(lines, gap)
        )

    def _is_notes(self, gap: Rect, rules: Sequence[Rect]) -> bool:
        """True for two lines or more, each in one piece, that begin at the table's left edge."""
        rows = rows_by_baseline(self.lines_in(gap))
        return (
            len(rules) >= _CLOSED
            and len(rows) > 1
            and all(len(row) == 1 for row in rows)
            and rows[0][0].x0 < gap.x0 + REACH_LEFT
            and max(row[0].x1 - row[0].x0 for row in rows) > _NOTES_MIN_WIDTH * gap.width
            and max(len(row[0].text) for row in rows) > _NOTES_MIN_CHARACTERS
        )

    def rows_end(self, table: Rect, rules: int) -> float:
        """The bottom y of the rows below the last rule, for a table that lacks its bottom rule.

        `table` ends at the last one of that number of rules.
        """
        if rules >= _CLOSED:
            return table.y1
        rows = self._rows_below(table)
        if sum(len(row) > 1 for row in rows) < rules:
            return table.y1
        while len(rows) > 1 and len(rows[-1]) == 1:
            rows.pop()
        return max((line.y1 for row in rows for line in row), default=table.y1)

    def _rows_below(self, edge: Rect) -> list[list[Line]]:
        """The rows of pieces below y1 of `edge`, up to prose, a caption or a wide gap."""
        rows: list[list[Line]] = []
        last, largest_gap = edge.y1, 0.0
        inside = self.lines_in(Rect(edge.x0, edge.y1, edge.x1, _PAGE_BOTTOM))
        for row in rows_by_baseline(inside):
            gap = row[0].base - last
            limit = max(
                _ROW_GAP_SIZES * max(line.size for line in row), _ROW_GAP_STEPS * largest_gap
            )
            is_far = gap > limit and (bool(rows) or gap > _FIRST_ROW_GAP)
            few_pieces = all(len(other) < 3 for other in [*rows[-1:], row])
            if (
                is_far
                or _has_caption(row)
                or _reaches_out(row, edge)
                or (few_pieces and any(map(self.body_style.is_body, row)))
            ):
                break
            if len(rows) > 1 and _is_prose(rows[-1], edge) and _is_prose(row, edge):
                rows.pop()
                break
            largest_gap = max(largest_gap, gap) if rows else 0.0
            rows.append(row)
            last = row[0].base
        while rows and len(rows[-1]) == 1 and len(rows[-1][0].text) > _TRAILING_CHARACTERS:
            rows.pop()
        return rows

    def _unruled_region(self) -> Region | None:
        """A table without ruling lines: rows of pieces below its caption."""
        assert self.caption is not None
        caption = self.caption.rect
        column = self.frame.column(self.body_style, caption) or (
            min(line.x0 for line in self.frame.lines),
            max(line.x1 for line in self.frame.lines),
        )
        rows = self._rows_below(Rect(column[0], caption.y1, column[1], caption.y1))
        with_cells = sum(len(row) > 1 for row in rows)
        if with_cells < _MIN_CELL_ROWS or with_cells < _MIN_CELL_ROWS_SHARE * len(rows):
            return None
        rect = union(line for row in rows for line in row)
        distance = rect.y0 - caption.y1 + _UNRULED_PENALTY
        return Region(self.frame, rect.expanded(HAIR, 0.0), distance=distance)


def _has_caption(lines: Iterable[Line]) -> bool:
    return any(is_caption(line.text) for line in lines)


def _fits(extent: Rect, table: Rect, fixed: bool, may_widen: bool) -> bool:
    """True for a rule from edge to edge of the table; only the second rule may be much wider."""
    left, right = table.x0 - extent.x0, extent.x1 - table.x1  # by how much it is wider
    if fixed:
        return abs(left) <= EXTENT_TOLERANCE and abs(right) <= EXTENT_TOLERANCE
    covers = min(left, right) >= -EXTENT_TOLERANCE
    return covers and (may_widen or extent.width <= _MAX_WIDER * table.width)


def _reaches_out(lines: Sequence[Line], rect: Rect) -> bool:
    left, right = rect.x0 - REACH_LEFT, rect.x1 + REACH_RIGHT
    return any(line.x0 < left or line.x1 > right for line in lines)


def _is_prose(row: Sequence[Line], rect: Rect) -> bool:
    return (
        len(row) == 1
        and row[0].x1 - row[0].x0 > _PROSE_WIDTH * rect.width
        and len(row[0].text) > _PROSE_CHARACTERS
    )


def region_in(frame: Frame, rect: Rect) -> Region | None:
    """The region of a box that the layout model found, with the rules that cross it.

    None when no line of the frame has its center in the box.
    """
    reach = rect.expanded(_EDGE_SLACK_X, _EDGE_SLACK_Y)
    lines = [line for line in frame.lines if contains_center(reach, line)]
    if not lines:
        return None
    whole = union([rect, *lines])
    rules = [
        rule.center_y
        for rule in frame.horizontal_rules
        if rect.y0 - _RULE_NEAR < rule.center_y < rect.y1 + _RULE_NEAR
        and rule.x0 < whole.x0 + _RULE_SHORT
        and rule.x1 > whole.x1 - _RULE_SHORT
    ]
    return Region(frame, whole, rules)
