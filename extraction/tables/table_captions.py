"""The captions of tables, with their lines above or below the rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from extraction.captions import Caption, label_at
from extraction.geometry import overlap_x, union
from extraction.tables.frame import BodyStyle, Frame, midline, rows_by_baseline
from extraction.text.lines import Line
from extraction.vocabulary.captions import CaptionKind, caption_label, is_caption

# Heuristics, chosen on the sample papers. Distances are in points; "sizes" are type sizes.
_COLUMN_SLACK, _MIN_CAPTION_WIDTH = 5.0, 150.0  # of a caption outside the known text columns
_MAX_GAP_TO_NEXT = 2.2  # sizes; a wider gap ends a caption even if another column has lines
_STEP_GROWTH = 1.25  # times the largest line distance so far
_FIRST_STEP = 1.75  # sizes between a caption's first two baselines
_STEP_SLACK = 0.5
_BESIDE_SLACK = 6.0  # by which text beside the label may reach out of the column
_LABEL_CHARACTERS, _LABEL_GAP = 20, 40.0  # a lone label, and the gap to its text
_PIECE_GAP = 1.6  # sizes between further pieces on the label's line
_WORD_GAP = 1.3  # sizes; the widest gap of justified text
_CAPTION_SIZE = 0.6  # by which the type size within a caption varies
_LABEL_SIZE = 1.6  # by which a label may be larger than the text behind it
_BODY_SIZE = 0.5  # by which a caption's type differs from the body's
_CENTERED = 12.0  # difference of the sums of both edges, for lines on one axis
_HANGING = 30.0  # by which a line may begin left of those above
_SHORT_LAST = 0.15  # of the first line's width, by which a caption's last line is shorter
_MIN_RULE_WIDTH = 30.0  # of a rule that ends a caption
_FAR = 1e9


def find_captions(frame: Frame, body_style: BodyStyle) -> list[Caption]:
    """The captions of tables on the page, from top to bottom."""
    found: list[Caption] = []
    rows = rows_by_baseline(frame.lines)
    for number, row in enumerate(rows):
        for line in row:
            label = label_at(line, frame.lines)
            if label and label.kind is CaptionKind.TABLE:
                caption = Caption(label, [line])
                if label.rest or not label.is_continuation:
                    caption.add(_continuation(line, rows[number:], frame, body_style))
                found.append(caption)
    return found


def has_label(lines: Iterable[Line]) -> bool:
    """True when a line of the page may begin a table's caption."""
    labels = (caption_label(line.text) for line in lines)
    return any(label is not None and label.kind is CaptionKind.TABLE for label in labels)


def _continuation(
    first: Line, rows: list[list[Line]], frame: Frame, body_style: BodyStyle
) -> list[Line]:
    """The caption's lines after `first`: in its type, close to each other, in one piece each."""
    taken = _beside(first, rows[0], frame, body_style)
    last, left, right = first, first.x0, max([first.x1, *(line.x1 for line in taken)])
    step = 0.0
    column = frame.column(body_style, union([first, *taken]))
    low, high = column or (
        left - _COLUMN_SLACK,
        max(right, left + _MIN_CAPTION_WIDTH) + _COLUMN_SLACK,
    )
    for row in rows[1:]:
        near = [line for line in row if line.x1 > low and line.x0 < high]
        if not near:
            if row[0].base - last.base > _MAX_GAP_TO_NEXT * first.size:
                break
            continue
        line = near[0]
        limit = _STEP_GROWTH * step if step else _FIRST_STEP * max(first.size, line.size)
        if (
            not _is_one_piece(near)
            or line.base - last.base > limit + _STEP_SLACK
            or _has_other_size(first, last if taken else first, line, bool(taken))
            or _has_rule_between(frame, last, line)
            or is_caption(line.text)
            or _is_new_paragraph(first, last, line, len(taken), body_style)
        ):
            break
        taken.extend(near)
        step, last = max(step, line.base - last.base), line
        left, right = min(left, line.x0), max(right, near[-1].x1)
    return taken


def _beside(first: Line, row: list[Line], frame: Frame, body_style: BodyStyle) -> list[Line]:
    """The caption's pieces on the same line as its label, behind a gap."""
    column = frame.column(body_style, first)
    right = column[1] + _BESIDE_SLACK if column else _FAR
    last, taken = first, []
    for line in row:
        if line.x0 < first.x1:
            continue
        is_at_label = (
            last is first
            and len(first.text) < _LABEL_CHARACTERS
            and line.x0 - first.x1 < _LABEL_GAP
        )
        if not is_at_label and (line.x1 > right or line.x0 - last.x1 > _PIECE_GAP * line.size):
            break
        taken.append(line)
        last = line
    return taken


def _is_one_piece(pieces: list[Line]) -> bool:
    """True for a line without gaps wider than those of justified text."""
    return all(
        right.x0 - left.x1 < _WORD_GAP * right.size for left, right in itertools.pairwise(pieces)
    )


def _has_other_size(first: Line, last: Line, line: Line, started: bool) -> bool:
    """True for type that is not the caption's; a lone label may be larger than what follows."""
    if abs(line.size - last.size) <= _CAPTION_SIZE:
        return False
    return started or abs(line.size - first.size) > _LABEL_SIZE


def _is_new_paragraph(
    first: Line, last: Line, line: Line, taken: int, body_style: BodyStyle
) -> bool:
    """True when the line is body text, or when the line before it ended the caption."""
    if body_style.is_body(line) and abs(first.size - body_style.size) > _BODY_SIZE:
        return True
    centered = abs((line.x0 + line.x1) - (last.x0 + last.x1)) < _CENTERED
    hangs = line.x0 >= min(first.x0, last.x0) - _HANGING
    if not (centered or hangs):
        return True
    is_short = last.x1 < first.x1 - _SHORT_LAST * (first.x1 - first.x0)
    ended = last.text.rstrip().endswith((".", ":")) and is_short
    return bool(taken) and ended and not centered


def _has_rule_between(frame: Frame, upper: Line, lower: Line) -> bool:
    top, bottom = midline(upper), midline(lower)
    return any(
        top < rule.center_y < bottom and overlap_x(rule, lower) > 0 and rule.width > _MIN_RULE_WIDTH
        for rule in frame.horizontal_rules
    )
