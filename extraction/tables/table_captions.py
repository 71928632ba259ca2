"""The captions of tables ("Table 2. ..."), told apart from sentences that mention a table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from extraction.geometry import Rect, overlap_x, union
from extraction.tables.frame import BodyStyle, Frame, midline, rows_by_baseline
from extraction.text.clean import join_lines
from extraction.text.lines import Line

_LABEL = re.compile(
    r"(?P<again>continued\s+|cont\.\s+)?(?P<label>(?:(?:supplement(?:al|ary)|supporting|"
    r"extended data|appendix|online|additional)\s+)?"
    r"(?:t\s?a\s?b\s?l\s?e|tab\.|tableau|tabla|tabelle|tabela|tabella)(?:\s*[-–—.]\s*|\s+|(?=\d))"
    r"(?:(?:[A-Z]{1,2}[.\-– ]?)?\d{1,3}(?:[.\-–]\d{1,3})*(?:\s?[a-z]\b)?|[IVXLC]{1,6}\b|[A-Z]\b))"
    r"(?P<mark>\s*[.:|│¦)\u2014\u2013-]+\s*|\s+|$)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_CONTINUED = re.compile(
    r"(?:(?<!\W)\W++)?(?:continued|cont(?:['’]?d)?\b\.?|continuation|suite)\W*+", re.IGNORECASE
)
_OTHER_LABEL = re.compile(
    r"(?:supplementary |extended data )?(?:fig(?:ure|\.)?s?|scheme|algorithm|box|chart|plate|"
    r"listing)\s*+\.?\s*+[A-Z]?\d+",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?:and|or|to|in|of|for|we|the|that|which|shows?|also|from|with|by)\b")
_FIRST_LETTERS = "TtSsEeAaOoCc"  # of the words that `_LABEL` may begin with

# Heuristics, chosen on the sample papers. Distances are in points; "sizes" are type sizes.
_CONTINUED_CHARACTERS = 40  # longer text is more than "(continued)"
_CONTINUED_ALONE_CHARACTERS = 25  # behind a label; longer text has a continuation line
_LINE_GAP = 1.45  # sizes between baselines of one paragraph
_SAME_SIZE = 0.3  # by which the type size within a paragraph varies
_SAME_LEFT, _SHORTER = 14.0, 8.0  # indent of a paragraph's line, and by how much it may be shorter
_LONG_LINE = 100.0  # width of a line that a paragraph may continue from
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
_TABLE_CHARACTERS = 6  # "TABLE "; text behind it makes the line more than a label's word
_BODY_SIZE = 0.5  # by which a caption's type differs from the body's
_CENTERED = 12.0  # difference of the sums of both edges, for lines on one axis
_HANGING = 30.0  # by which a line may begin left of those above
_SHORT_LAST = 0.15  # of the first line's width, by which a caption's last line is shorter
_MIN_RULE_WIDTH = 30.0  # of a rule that ends a caption
_FAR = 1e9


@dataclass(slots=True, eq=False)
class Caption:
    """A table's caption: label ("Table 2"), the rest of its text line by line, bounding box.

    `is_certain`: it is set off from body text by its type or by a mark behind the label.
    """

    label: str
    lines: list[Line]
    texts: list[str]
    rect: Rect
    is_continuation: bool
    is_certain: bool

    @property
    def key(self) -> str:
        """The label in lower case without spaces and marks, equal for all parts of a table."""
        return re.sub(r"[\W_]+", "", self.label).lower()

    def add(self, lines: Sequence[Line]) -> None:
        """Adds lines below the caption found so far."""
        self.lines += lines
        self.texts += [line.text for line in lines]
        self.rect = union(self.lines)

    def text(self, known: Container[str]) -> str | None:
        """The text behind the label; `known` are the document's words, for hyphens."""
        return join_lines([text for text in self.texts if text], known)[0].strip() or None


def without_caption(lines: Iterable[Line], caption: Caption | None) -> list[Line]:
    own = {id(line) for line in caption.lines} if caption else set[int]()
    return [line for line in lines if id(line) not in own]


def is_caption_start(line: Line) -> bool:
    """True for the first line of a caption of any kind: table, figure, algorithm."""
    return bool(_LABEL.match(line.text) or _OTHER_LABEL.match(line.text))


def is_continued(text: str) -> bool:
    """True for "(continued)" alone, as printed below a table."""
    return (
        len(text) < _CONTINUED_CHARACTERS
        and bool(_CONTINUED.match(text))
        and not _CONTINUED.sub("", text).strip()
    )


def find_captions(frame: Frame, body_style: BodyStyle) -> list[Caption]:
    """The captions of tables on the page, from top to bottom."""
    found: list[Caption] = []
    rows = rows_by_baseline(frame.lines)
    for number, row in enumerate(rows):
        for line in row:
            match = _LABEL.match(line.text)
            if match and not _is_mention(line, match, frame.lines):
                found.append(_caption(line, match, rows[number:], frame, body_style))
    return found


def has_label(lines: Sequence[Line]) -> bool:
    """True when a line of the page may begin a table's caption."""
    return any(line.text[:1] in _FIRST_LETTERS and _LABEL.match(line.text) for line in lines)


def _is_mention(line: Line, match: re.Match[str], lines: Sequence[Line]) -> bool:
    """True when the line is part of a sentence that mentions a table."""
    mark, rest = match["mark"].strip(), match["rest"].strip()
    label = re.sub(r"\s", "", match["label"])
    if not re.match(r"[A-Z]", label):
        return True
    if mark.startswith(")") or (rest[:1] in ",;)" and rest):
        return True
    styled = line.bold or (line.lead and line.lead_is_bold) or label.isupper()
    if styled and not (rest[:1].islower() and not mark and not line.lead):
        return False
    if rest[:1].islower() and not mark:
        return True
    if _MENTION.match(rest) and not mark:
        return True
    return _continues_paragraph(line, lines)


def _continues_paragraph(line: Line, lines: Sequence[Line]) -> bool:
    """True when the line continues a paragraph of the same type right above it."""
    for other in lines:
        gap = line.base - other.base
        if (
            0 < gap < _LINE_GAP * line.size
            and abs(other.size - line.size) < _SAME_SIZE
            and other.font == line.font
            and abs(other.x0 - line.x0) < _SAME_LEFT
            and other.x1 >= line.x1 - _SHORTER
            and other.x1 - other.x0 > _LONG_LINE
            and not other.text.rstrip().endswith(".")
        ):
            return True
    return False


def _caption(
    line: Line, match: re.Match[str], rows: list[list[Line]], frame: Frame, body_style: BodyStyle
) -> Caption:
    rest = match["rest"].strip()
    lines, texts = [line], [rest]
    continued = _CONTINUED.match(rest) or _CONTINUED.match(match["again"] or "")
    if continued and len(rest) < _CONTINUED_CHARACTERS:
        texts = [rest[continued.end() :] if not match["again"] else rest]
    if not (continued and len(rest) < _CONTINUED_ALONE_CHARACTERS):
        for following in _continuation(line, rows, frame, body_style):
            lines.append(following)
            texts.append(following.text)
    is_certain = bool(match["mark"].strip()) or line.bold or bool(line.lead)
    label = re.sub(
        r"^((?:\w+ )?)(t)\s?(a)\s?(b)\s?(l)\s?(e)", r"\1\2\3\4\5\6", match["label"], flags=re.I
    )
    return Caption(label.strip(), lines, texts, union(lines), bool(continued), is_certain)


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
            or is_caption_start(line)
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
    is_label = not first.text[_TABLE_CHARACTERS:].strip()
    return started or not (is_label or abs(line.size - first.size) <= _LABEL_SIZE)


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
