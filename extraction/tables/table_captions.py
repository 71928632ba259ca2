"""The captions of tables: "Table 2. ...", and which of such lines only mention a table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from extraction.tables.frame import Frame, Measure, Rect, around, in_rows, line_rect
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
_OTHER = re.compile(
    r"(?:supplementary |extended data )?(?:fig(?:ure|\.)?s?|scheme|algorithm|box|chart|plate|"
    r"listing)\s*+\.?\s*+[A-Z]?\d+",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?:and|or|to|in|of|for|we|the|that|which|shows?|also|from|with|by)\b")


@dataclass(slots=True, eq=False)
class Caption:
    """A caption's label ("Table 2"), the rest of its text line by line, and its place."""

    label: str
    lines: list[Line]
    texts: list[str]
    rect: Rect
    is_continuation: bool
    sure: bool  # set off from the body by its type or its mark

    @property
    def key(self) -> str:
        return re.sub(r"[\W_]+", "", self.label).lower()


def is_caption_start(line: Line) -> bool:
    """True for the first line of any caption: of a table, a figure, an algorithm."""
    return bool(_LABEL.match(line.text) or _OTHER.match(line.text))


def is_continued(text: str) -> bool:
    """True for "(continued)", printed by itself at a table's foot."""
    return len(text) < 40 and bool(_CONTINUED.match(text)) and not _CONTINUED.sub("", text).strip()


def find_captions(frame: Frame, measure: Measure) -> list[Caption]:
    """The captions of tables on the page, from top to bottom."""
    found: list[Caption] = []
    rows = in_rows(frame.lines)
    for number, row in enumerate(rows):
        for line in row:
            match = _LABEL.match(line.text)
            if match and not _is_mention(line, match, frame.lines):
                found.append(_caption(line, match, rows[number:], frame, measure))
    return found


def has_label(lines: Sequence[Line]) -> bool:
    """True when a line of the page may begin a table's caption."""
    return any(line.text[:1] in "TtSsEeAaOoCc" and _LABEL.match(line.text) for line in lines)


def _is_mention(line: Line, match: re.Match[str], lines: Sequence[Line]) -> bool:
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
    return _goes_on(line, lines)


def _goes_on(line: Line, lines: Sequence[Line]) -> bool:
    """True when the line continues a paragraph of its own type right above it."""
    for other in lines:
        gap = line.base - other.base
        if (
            0 < gap < 1.45 * line.size
            and abs(other.size - line.size) < 0.3
            and other.font == line.font
            and abs(other.x0 - line.x0) < 14
            and other.x1 >= line.x1 - 8
            and other.x1 - other.x0 > 100
            and not other.text.rstrip().endswith(".")
        ):
            return True
    return False


def _caption(
    line: Line, match: re.Match[str], rows: list[list[Line]], frame: Frame, measure: Measure
) -> Caption:
    rest = match["rest"].strip()
    lines, texts = [line], [rest]
    continued = _CONTINUED.match(rest) or _CONTINUED.match(match["again"] or "")
    if continued and len(rest) < 40:
        texts = [rest[continued.end() :] if not match["again"] else rest]
    if not (continued and len(rest) < 25):
        for following in _continuation(line, rows, frame, measure):
            lines.append(following)
            texts.append(following.text)
    sure = bool(match["mark"].strip()) or line.bold or bool(line.lead)
    label = re.sub(
        r"^((?:\w+ )?)(t)\s?(a)\s?(b)\s?(l)\s?(e)", r"\1\2\3\4\5\6", match["label"], flags=re.I
    )
    return Caption(
        label.strip(), lines, texts, around(line_rect(one) for one in lines), bool(continued), sure
    )


def _continuation(
    first: Line, rows: list[list[Line]], frame: Frame, measure: Measure
) -> list[Line]:
    """The lines below that belong to the caption: of its type, close, one piece wide."""
    taken = _beside(first, rows[0], frame, measure)
    last, left, right = first, first.x0, max([first.x1, *(line.x1 for line in taken)])
    step = 0.0
    column = measure.column(left, right) if frame.turn == 0 else None
    low, high = column or (left - 5, max(right, left + 150) + 5)
    for row in rows[1:]:
        near = [line for line in row if line.x1 > low and line.x0 < high]
        if not near:
            if row[0].base - last.base > 2.2 * first.size:
                break
            continue
        line = near[0]
        limit = 1.25 * step if step else 1.75 * max(first.size, line.size)
        if (
            not _in_one_piece(near)
            or line.base - last.base > limit + 0.5
            or _other_size(first, last if taken else first, line, bool(taken))
            or _rule_between(frame, last, line)
            or is_caption_start(line)
            or _starts_anew(first, last, line, len(taken), measure)
        ):
            break
        taken.extend(near)
        step, last = max(step, line.base - last.base), line
        left, right = min(left, line.x0), max(right, near[-1].x1)
    return taken


def _beside(first: Line, row: list[Line], frame: Frame, measure: Measure) -> list[Line]:
    """What stands behind the label on its line, where a gap parts them."""
    column = measure.column(first.x0, first.x1) if frame.turn == 0 else None
    right = column[1] + 6 if column else 1e9
    last, taken = first, []
    for line in row:
        if line.x0 < first.x1:
            continue
        at_label = last is first and len(first.text) < 20 and line.x0 - first.x1 < 40
        if not at_label and (line.x1 > right or line.x0 - last.x1 > 1.6 * line.size):
            break
        taken.append(line)
        last = line
    return taken


def _in_one_piece(pieces: list[Line]) -> bool:
    """True for a line without gaps wider than those of justified text."""
    return all(right.x0 - left.x1 < 1.3 * right.size for left, right in itertools.pairwise(pieces))


def _other_size(first: Line, last: Line, line: Line, started: bool) -> bool:
    """True for type that is not the caption's; a lone label may be larger than what follows."""
    if abs(line.size - last.size) <= 0.6:
        return False
    alone = not first.text[6:].strip() or abs(line.size - first.size) <= 1.6
    return started or not alone


def _starts_anew(first: Line, last: Line, line: Line, taken: int, measure: Measure) -> bool:
    """True when the line is body text, or when the caption's last line ended it."""
    if measure.is_body(line) and abs(first.size - measure.size) > 0.5:
        return True
    centred = abs((line.x0 + line.x1) - (last.x0 + last.x1)) < 12
    hangs = line.x0 >= min(first.x0, last.x0) - 30
    if not (centred or hangs):
        return True
    ended = last.text.rstrip().endswith((".", ":")) and last.x1 < first.x1 - 0.15 * (
        first.x1 - first.x0
    )
    return bool(taken) and ended and not centred


def _rule_between(frame: Frame, upper: Line, lower: Line) -> bool:
    top, bottom = upper.base - 0.3 * upper.size, lower.base - 0.3 * lower.size
    return any(
        top < rule.y < bottom and rule.x1 > lower.x0 and rule.x0 < lower.x1 and rule.width > 30
        for rule in frame.across
    )
