"""The notes of a table: small print above its last rule, or right below it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from extraction.captions import Caption, without_caption
from extraction.geometry import overlap_x
from extraction.tables.frame import BodyStyle, rows_by_baseline
from extraction.tables.regions import HAIR, REACH_RIGHT, Region
from extraction.text.lines import Line
from extraction.vocabulary.captions import is_caption, is_continued

_LINK = re.compile(r"(?:https?://|doi:)\S+$")
_NOTE_STARTS = ("note", "abbrev", "source", "data are", "values")
_NOTE_MARKS = "*†‡§¶#∗⁎"

# Heuristics, chosen on the sample papers. Distances are in points unless stated otherwise.
_LONG_NOTE_CHARACTERS = 60  # text in one piece this long is a note or prose
_SMALL_NOTE_CHARACTERS = 25  # the same for text in smaller type than the table's
_SMALLER_TYPE = 0.4  # points of type size
_NOTES_MAX_INDENT = 25.0  # of notes above the last rule
_NOTE_REACH_LEFT = 14.0  # by which notes below the table may begin left of it
_NOTE_GAP_SIZES, _NOTE_GAP = 2.3, 3.0  # type sizes plus points from the table to its notes
_NOTE_LINE_SIZES, _NOTE_LINE = 1.6, 1.0  # type sizes plus points between baselines of notes
_NOTE_SIZE_TOLERANCE = 0.7  # points by which the type size of notes varies


def trim_notes(region: Region, inner: Sequence[Line]) -> None:
    """Moves notes that are printed above the last rule out of the body."""
    lowest = rows_by_baseline(inner)[-1] if inner else []
    if len(lowest) == 1 and _LINK.match(lowest[0].text) and len(inner) > 3:
        region.rect = region.rect._replace(y1=lowest[0].y0)
        region.rules = [y for y in region.rules if y < lowest[0].y0]
        region.notes = lowest
        return
    if len(region.rules) < 4:
        return
    start = region.rules[-2]
    lines = [line for line in inner if line.base > start]
    if not lines:
        return
    rows = rows_by_baseline(lines)
    single = all(len(row) == 1 for row in rows)
    longest = max(len(row[0].text) for row in rows)
    smaller = max(line.size for line in lines) < max(line.size for line in inner) - _SMALLER_TYPE
    is_long = longest > _LONG_NOTE_CHARACTERS or (smaller and longest > _SMALL_NOTE_CHARACTERS)
    if single and is_long and rows[0][0].x0 < region.rect.x0 + _NOTES_MAX_INDENT:
        region.rect = region.rect._replace(y1=start)
        region.rules.pop()
        region.notes = lines


def add_notes(region: Region, body_style: BodyStyle, caption: Caption | None) -> None:
    """Adds the small print right below the table to its notes."""
    x0, _, x1, y1 = region.rect
    near = [
        line
        for line in without_caption(region.frame.lines, caption)
        if line.base > y1 + HAIR and overlap_x(line, region.rect.expanded(-HAIR, 0.0)) > 0
    ]
    last, first = y1, None
    for row in rows_by_baseline(near):
        line = row[0]
        gap = line.base - last
        if (
            line.x0 < x0 - _NOTE_REACH_LEFT
            or row[-1].x1 > x1 + REACH_RIGHT
            or any(is_caption(piece.text) for piece in row)
        ):
            break
        if first is None:
            if gap > _NOTE_GAP_SIZES * line.size + _NOTE_GAP or not _is_note(line, body_style):
                break
            first = line
        elif (
            gap > _NOTE_LINE_SIZES * line.size + _NOTE_LINE
            or abs(line.size - first.size) > _NOTE_SIZE_TOLERANCE
            or body_style.is_body(line)
        ):
            break
        if not is_continued(line.text):
            region.notes.extend(row)
        last = line.base


def _is_note(line: Line, body_style: BodyStyle) -> bool:
    is_small = line.size < body_style.size - _SMALLER_TYPE
    is_marked = line.text[:1] in _NOTE_MARKS or line.text.lower().startswith(_NOTE_STARTS)
    return (is_small or is_marked) and not body_style.is_body(line)
