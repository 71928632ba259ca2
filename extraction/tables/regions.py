"""Where a table's body stands: between ruling lines of one extent, or below its caption."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from extraction.tables.frame import Frame, Measure, Rect, Rule, around, in_rows, line_rect
from extraction.tables.table_captions import Caption, is_caption_start, is_continued
from extraction.text.lines import Line

_LINK = re.compile(r"(?:https?://|doi:)\S+$")
_NOTES = ("note", "abbrev", "source", "data are", "values")
_FAR = 48.0  # points between a caption and its table's first or last line


@dataclass(slots=True, eq=False)
class Region:
    """A table's body: `rect` in its frame, the full-width rules in it, and the notes below."""

    frame: Frame
    rect: Rect
    rules: list[float] = field(default_factory=list)
    notes: list[Line] = field(default_factory=list)
    distance: float = 0.0

    def overlaps(self, other: Region) -> bool:
        a, b = self.rect, other.rect
        across = min(a[2], b[2]) - max(a[0], b[0])
        down = min(a[3], b[3]) - max(a[1], b[1])
        return self.frame is other.frame and across > 5 and down > 5


def below(caption: Caption, frame: Frame, measure: Measure) -> Region | None:
    """The table under a caption, None where there is none."""
    x0, _, x1, y1 = caption.rect
    region = None
    for top in frame.across:
        if top.y < y1 - 2.5 or top.y - y1 > _FAR or not _faces(top, x0, x1):
            continue
        if not _absorbed(frame, caption, measure, top):
            break
        region = _down_from(top, caption, frame, measure)
        if region:
            region.distance = top.y - y1
            break
    return region or _unruled(caption, frame, measure)


def above(caption: Caption, frame: Frame, measure: Measure) -> Region | None:
    """The table over a caption, None where there is none."""
    x0, y0, x1, _ = caption.rect
    for bottom in reversed(frame.across):
        if bottom.y > y0 + 2.5 or y0 - bottom.y > _FAR or not _faces(bottom, x0, x1):
            continue
        if _lines_between(frame, caption, bottom.y, y0, bottom):
            return None
        region = _up_from(bottom, caption, frame, measure)
        if region:
            region.distance = y0 - bottom.y
        return region
    return None


def _faces(rule: Rule, x0: float, x1: float) -> bool:
    overlap = min(rule.x1, x1) - max(rule.x0, x0)
    return rule.width > 25 and overlap > 0.5 * min(rule.width, x1 - x0)


def _lines_between(frame: Frame, caption: Caption, y0: float, y1: float, rule: Rule) -> list[Line]:
    own = {id(line) for line in caption.lines}
    return [
        line
        for line in frame.lines
        if id(line) not in own
        and y0 - 1 < line.base - 0.3 * line.size < y1
        and line.x1 > rule.x0
        and line.x0 < rule.x1
    ]


def _absorbed(frame: Frame, caption: Caption, measure: Measure, top: Rule) -> bool:
    """True when no text stands between a caption and a rule, or only a few lines in one piece,
    which then are the rest of the caption."""
    between = _lines_between(frame, caption, caption.rect[3], top.y, top)
    rows = in_rows(between)
    last = caption.lines[-1].base
    for row in rows:
        close = row[0].base - last < 2.2 * row[0].size
        if len(row) > 1 or not close or measure.is_body(row[0]) or is_caption_start(row[0]):
            return False
        last = row[0].base
    if len(rows) > 3:
        return False
    for row in rows:
        caption.lines.append(row[0])
        caption.texts.append(row[0].text)
    caption.rect = around(line_rect(line) for line in caption.lines)
    return True


def _height(rule: Rule) -> float:
    return rule.y


def whole_level(frame: Frame, rule: Rule) -> tuple[float, float]:
    """The extent of all rules side by side with this one, with small gaps only."""
    x0, x1 = rule.x0, rule.x1
    low = bisect_left(frame.across, rule.y - 1.8, key=_height)
    high = bisect_right(frame.across, rule.y + 1.8, key=_height)
    beside = frame.across[low:high]
    for other in sorted(beside, key=lambda other: other.x0):
        if other.x0 - x1 < 9 and other.x1 > x1:
            x1 = other.x1
    for other in sorted(beside, key=lambda other: -other.x1):
        if x0 - other.x1 < 9 and other.x0 < x0:
            x0 = other.x0
    return x0, x1


def _down_from(top: Rule, caption: Caption, frame: Frame, measure: Measure) -> Region | None:
    """Follows the rules of one extent downwards, as long as no prose or caption comes between."""
    x0, x1 = whole_level(frame, top)
    rules, last = [top.y], top.y
    for rule in frame.across:
        if rule.y < last + 2:
            continue
        left, right = whole_level(frame, rule)
        wider = left <= x0 + 4 and right >= x1 - 4
        if not wider or (right - left > 1.35 * (x1 - x0) and len(rules) > 1):
            continue
        between = lines_inside(frame, caption, x0, last, x1, rule.y)
        if parts_table(between, frame, measure, x0, x1, last, rule.y) or (
            len(rules) > 2 and _is_notes(between, x0, x1)
        ):
            break
        x0, x1 = min(x0, left), max(x1, right)
        rules.append(rule.y)
        last = rule.y
    bottom = rows_end(frame, caption, measure, (x0, rules[-1], x1), len(rules))
    sides = [r for r in frame.down if r.y0 < last + 3 and r.y1 > last + 3 and x0 - 4 < r.x < x1 + 4]
    if len(sides) > 1 and not parts_table(
        lines_inside(frame, caption, x0, last, x1, max(r.y1 for r in sides)),
        frame,
        measure,
        x0,
        x1,
        last,
        0,
    ):
        bottom = max(bottom, max(r.y1 for r in sides))
    if not lines_inside(frame, caption, x0, rules[0], x1, bottom):
        return None
    return Region(frame, (x0, rules[0], x1, bottom), rules)


def _up_from(bottom: Rule, caption: Caption, frame: Frame, measure: Measure) -> Region | None:
    x0, x1 = whole_level(frame, bottom)
    rules, last = [bottom.y], bottom.y
    for rule in reversed(frame.across):
        if rule.y > last - 2:
            continue
        left, right = whole_level(frame, rule)
        if left > x0 + 4 or right < x1 - 4 or right - left > 1.35 * (x1 - x0):
            continue
        between = lines_inside(frame, caption, x0, rule.y, x1, last)
        if parts_table(between, frame, measure, x0, x1, rule.y, last):
            break
        x0, x1 = min(x0, left), max(x1, right)
        rules.append(rule.y)
        last = rule.y
    if len(rules) < 2 or not lines_inside(frame, caption, x0, last, x1, bottom.y):
        return None
    return Region(frame, (x0, last, x1, bottom.y), rules[::-1])


def lines_inside(
    frame: Frame, caption: Caption | None, x0: float, y0: float, x1: float, y1: float
) -> list[Line]:
    own = {id(line) for line in caption.lines} if caption else set()
    return [
        line
        for line in frame.lines
        if y0 - 1 < line.base - 0.3 * line.size < y1 + 1
        and line.x1 > x0 - 2
        and line.x0 < x1 + 2
        and id(line) not in own
    ]


def parts_table(
    lines: Sequence[Line],
    frame: Frame,
    measure: Measure,
    x0: float,
    x1: float,
    y0: float,
    y1: float,
) -> bool:
    """True when what stands between two rules is no part of a table."""
    if any(is_caption_start(line) and line.x0 < x0 + 0.6 * (x1 - x0) for line in lines):
        return True
    body = [line for line in lines if measure.is_body(line)]
    if len(body) >= 3 and len(body) > 0.4 * len(lines):
        return True
    if any(line.x0 < x0 - 12 or line.x1 > x1 + 25 for line in lines):
        return True
    if not lines and y1 - y0 > 25:
        return True
    return len(lines) < 4 and any(
        rect[2] - rect[0] > 60 and rect[3] - rect[1] > 60 and y0 < rect[1] < y1
        for rect in frame.pictures
    )


def _is_notes(lines: Sequence[Line], x0: float, x1: float) -> bool:
    """True for text in one piece a line, two lines or more, that begins at the table's left."""
    rows = in_rows(lines)
    return (
        len(rows) > 1
        and all(len(row) == 1 for row in rows)
        and rows[0][0].x0 < x0 + 12
        and max(row[0].x1 - row[0].x0 for row in rows) > 0.6 * (x1 - x0)
        and max(len(row[0].text) for row in rows) > 24
    )


def rows_end(
    frame: Frame,
    caption: Caption | None,
    measure: Measure,
    edge: tuple[float, float, float],
    rules: int,
) -> float:
    """The bottom of the rows that go on below the last rule of a table that lacks its bottom
    one."""
    x0, y, x1 = edge
    if rules > 2:
        return y
    rows = _rows_below(frame, caption, measure, x0, y, x1)
    if sum(len(row) > 1 for row in rows) < (2 if rules == 2 else 1):
        return y
    while rows and len(rows[-1]) == 1 and len(rows) > 1:
        rows.pop()
    return max((line.y1 for row in rows for line in row), default=y)


def _rows_below(
    frame: Frame, caption: Caption | None, measure: Measure, x0: float, y: float, x1: float
) -> list[list[Line]]:
    """Rows of pieces side by side right below y, up to prose, a caption or a wide gap."""
    inside = lines_inside(frame, caption, x0, y, x1, 1e6)
    rows: list[list[Line]] = []
    last, steps = y, 0.0
    prose = 0
    for row in in_rows(inside):
        gap = row[0].base - last
        size = max(line.size for line in row)
        if gap > max(3.2 * size, 2.2 * steps) and (rows or gap > 60):
            break
        if any(is_caption_start(line) for line in row) or any(
            line.x0 < x0 - 12 or line.x1 > x1 + 25 for line in row
        ):
            break
        if (
            rows
            and len(row) == 1
            and (row[0].x1 - row[0].x0 > 0.8 * (x1 - x0) and len(row[0].text) > 60)
        ):
            prose += 1
        else:
            prose = 0
        if any(measure.is_body(line) for line in row) and not any(
            len(r) > 2 for r in [*rows[-1:], row]
        ):
            break
        if prose > 1:
            rows.pop()
            break
        if rows:
            steps = max(steps, gap)
        rows.append(row)
        last = row[0].base
    while rows and len(rows[-1]) == 1 and len(rows[-1][0].text) > 50:
        rows.pop()
    return rows


def _unruled(caption: Caption, frame: Frame, measure: Measure) -> Region | None:
    """A table without ruling lines: rows of pieces below its caption."""
    cx0, _, cx1, y1 = caption.rect
    x0, x1 = _column(frame, measure, cx0, cx1)
    rows = _rows_below(frame, caption, measure, x0, y1, x1)
    several = [row for row in rows if len(row) > 1]
    if len(several) < 2 or len(several) < 0.4 * len(rows):
        return None
    lines = [line for row in rows for line in row]
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    top, bottom = min(line.y0 for line in lines), max(line.y1 for line in lines)
    return Region(frame, (left - 1, top, right + 1, bottom), distance=top - y1 + 20)


def _column(frame: Frame, measure: Measure, cx0: float, cx1: float) -> tuple[float, float]:
    """The text column that a caption stands in, else all of the page."""
    column = measure.column(cx0, cx1) if frame.turn == 0 else None
    if column is not None:
        return column
    return min(line.x0 for line in frame.lines), max(line.x1 for line in frame.lines)


def trim_notes(region: Region, inner: Sequence[Line]) -> None:
    """Moves notes printed above the last rule out of the body."""
    x0, y0, x1, _y1 = region.rect
    lowest = in_rows(inner)[-1] if inner else []
    if len(lowest) == 1 and _LINK.match(lowest[0].text) and len(inner) > 3:
        region.rect = (x0, y0, x1, lowest[0].y0)
        region.rules = [y for y in region.rules if y < lowest[0].y0]
        region.notes = lowest
        return
    if len(region.rules) < 4:
        return
    start = region.rules[-2]
    lines = [line for line in inner if line.base > start]
    if not lines:
        return
    rows = in_rows(lines)
    single = all(len(row) == 1 for row in rows)
    longest = max(len(row[0].text) for row in rows)
    smaller = max(line.size for line in lines) < max(line.size for line in inner) - 0.4
    if single and (longest > 60 or (smaller and longest > 25)) and rows[0][0].x0 < x0 + 25:
        region.rect = (x0, y0, x1, start)
        region.rules.pop()
        region.notes = lines


def add_notes(region: Region, measure: Measure, taken: set[int]) -> None:
    """Takes the small print right below the table as its notes."""
    x0, _, x1, y1 = region.rect
    near = [
        line
        for line in region.frame.lines
        if line.base > y1 + 1 and id(line) not in taken and line.x1 > x0 + 1 and line.x0 < x1 - 1
    ]
    last, first = y1, None
    for row in in_rows(near):
        line = row[0]
        gap = line.base - last
        if line.x0 < x0 - 14 or row[-1].x1 > x1 + 25 or any(is_caption_start(one) for one in row):
            break
        if first is None:
            if gap > 2.3 * line.size + 3 or not _is_note(line, measure):
                break
            first = line
        elif (
            gap > 1.6 * line.size + 1 or abs(line.size - first.size) > 0.7 or measure.is_body(line)
        ):
            break
        if not is_continued(line.text):
            region.notes.extend(row)
        last = line.base


def _is_note(line: Line, measure: Measure) -> bool:
    if measure.is_body(line):
        return False
    marks = line.text[:1] in "*†‡§¶#∗⁎" or line.text.lower().startswith(_NOTES)
    return line.size < measure.size - 0.4 or marks


def region_in(frame: Frame, rect: Rect) -> Region | None:
    """The region of a box that the layout model saw, with the rules that cross it."""
    x0, y0, x1, y1 = rect
    lines = [
        line
        for line in frame.lines
        if x0 - 2 < (line.x0 + line.x1) / 2 < x1 + 2 and y0 - 1 < (line.y0 + line.y1) / 2 < y1 + 1
    ]
    if not lines:
        return None
    rects = [line_rect(line) for line in lines]
    left, right = min(x0, *(r[0] for r in rects)), max(x1, *(r[2] for r in rects))
    rules = [
        rule.y
        for rule in frame.across
        if y0 - 4 < rule.y < y1 + 4 and rule.x0 < left + 6 and rule.x1 > right - 6
    ]
    top = min([y0, *(r[1] for r in rects)])
    return Region(frame, (left, top, right, max([y1, *(r[3] for r in rects)])), rules)
