"""Lines in reading order -> paragraphs; one that crosses a column or a page becomes whole again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from domain.papers import BlockKind
from extraction.text.clean import is_right_to_left
from extraction.text.labels import CAPTION, NUMBERED
from extraction.text.line_kinds import line_kinds
from extraction.text.lines import RAISED, Line, font_family
from extraction.text.page_metrics import Measures

_LISTED = re.compile(r"(?:[•◦▪■●○‣∙–—*·]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|\[\d{1,3}\])\s*\S")
_ENDS = re.compile(r"[.?!:;][\"'”’)\]]*(?:\s*\[[\d,–\s-]+\]|\s\d[\d,–-]*)?$")

_ANOTHER_SIZE = 0.12
_WIDE_GAP = 1.4  # times the usual distance between base lines of that size
_FAR = 3.0  # times the type size
_TIGHT = 1.4  # times the type size, from one line of a heading to the next
_LONGEST_ACRONYM = 8  # characters
_LONGEST_NUMBER = 4.0  # times the type size
_LOOK_AHEAD = 8  # paragraphs (captions, labels of a figure) that may stand inside a broken one


class Paragraph:
    """Lines that belong together; `kind` and the section are found later."""

    __slots__ = ("kind", "level", "lines", "number", "section", "title")

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.kind = BlockKind.CAPTION if CAPTION.match(lines[0].text) else BlockKind.TEXT
        self.section: int | None = None
        self.level = 0
        self.number: str | None = None
        self.title = ""

    @property
    def text(self) -> str:
        """The lines with spaces between; enough to judge by, hyphens are undone elsewhere."""
        return " ".join(line.text for line in self.lines)

    @property
    def size(self) -> float:
        """Type size of the first line, in points."""
        return self.lines[0].size

    @property
    def letters(self) -> int:
        return sum(len(line.text) for line in self.lines)


def paragraphs(lines: Sequence[Line], measures: Measures) -> list[Paragraph]:
    """The paragraphs of a document, in the order of its lines; equations and code have their
    kind."""
    kinds = line_kinds(lines, measures)
    found: list[Paragraph] = []
    current: list[Line] = []
    before: BlockKind | None = None
    for line in lines:
        kind = kinds.get(id(line))
        anew = current and (
            kind is not before
            or (_is_far(current[-1], line) if kind else _starts_anew(current, line, measures))
        )
        if anew:
            found.append(_paragraph(current, before))
            current = []
        current.append(line)
        before = kind
    if current:
        found.append(_paragraph(current, before))
    return found


def _paragraph(lines: list[Line], kind: BlockKind | None) -> Paragraph:
    paragraph = Paragraph(lines)
    paragraph.kind = kind or paragraph.kind
    return paragraph


def _is_far(before: Line, line: Line) -> bool:
    """True when two lines of an equation or of code don't belong together."""
    return (before.page, before.part) != (line.page, line.part) or (
        line.base - before.base > _FAR * max(line.size, before.size)
    )


def _starts_anew(current: list[Line], line: Line, measures: Measures) -> bool:
    before = current[-1]
    if before.page != line.page or before.turn != line.turn:
        return True
    if before.part != line.part and min(before.x1, line.x1) - max(before.x0, line.x0) <= 0:
        return True
    distance = line.base - before.base
    if not 0 < distance <= _WIDE_GAP * max(measures.leading_of(before.size), before.size):
        return True
    if abs(before.size - line.size) > _ANOTHER_SIZE * max(before.size, line.size):
        return min(len(before.text), len(line.text)) > 3
    return (
        _changes_style(before, line, measures)
        or _leaves_heading(current, line, measures)
        or (
            _is_set_off(current, line, measures)
            and not _goes_on_in_heading(current, line, measures)
        )
    )


def _changes_style(before: Line, line: Line, measures: Measures) -> bool:
    """True when a line in other type begins (a heading, or the text below one)."""
    opens = line.text[:1]
    if before.lead or len(line.text) < 4 or not (opens.isupper() or opens.isdigit() or line.bold):
        return False
    left, right = measures.columns[before.page, before.part]
    if line.lead and (before.bold, before.italic) == (line.lead_is_bold, not line.lead_is_bold):
        return before.x1 < right - 0.2 * (right - left)
    # An acronym alone on the last line of a heading is no change to capitals.
    to_capitals = before.is_upper != line.is_upper and len(line.text) > _LONGEST_ACRONYM
    if before.bold != line.bold or before.italic != line.italic or to_capitals:
        return True
    if (
        font_family(before.font) == font_family(line.font)
        and abs(before.size - line.size) < 0.04 * line.size
    ):
        return False
    return before.x1 < right - 0.08 * (right - left)


def _leaves_heading(current: list[Line], line: Line, measures: Measures) -> bool:
    """True when the body's font begins below one or two lines of another, rarer one that is said to
    be neither bold nor italic."""
    body = font_family(measures.body_font)
    lines_in_it = measures.lines_in[font_family(current[-1].font)]
    return (
        len(current) <= 2
        and 3 <= lines_in_it < 0.15 * measures.lines_in[body]
        and font_family(line.font) == body
        and line.text[:1].isupper()
        and len(line.text) > 20
        and current[-1].text[-1] not in ",;-\u00ad"
        and all(font_family(one.font) != body and len(one.text) > 3 for one in current)
    )


def _goes_on_in_heading(current: list[Line], line: Line, measures: Measures) -> bool:
    """True when the line stands below one in the type of headings, hanging behind its number or
    centred below it."""
    before = current[-1]
    family = font_family(before.font)
    if (
        (before.bold, before.italic, family) != (line.bold, line.italic, font_family(line.font))
        or not (before.bold or before.italic or family != font_family(measures.body_font))
        or line.base - before.base > _TIGHT * max(line.size, before.size)
        or NUMBERED.match(line.text)
        or _ENDS.search(before.text[-40:])
    ):
        return False
    numbered = NUMBERED.match(current[0].text)
    hangs = numbered and 0.6 * line.size < line.x0 - current[0].x0 < _LONGEST_NUMBER * line.size
    return bool(hangs) or abs(before.x0 + before.x1 - line.x0 - line.x1) < line.size


def _is_set_off(current: list[Line], line: Line, measures: Measures) -> bool:
    """True when the indent, a short line before, a bullet or a caption's label says that a
    paragraph begins."""
    before = current[-1]
    left, right = measures.columns[before.page, before.part]
    em, ended = line.size, bool(_ENDS.search(before.text[-40:]))
    before_is_short = before.x1 < right - max(1.5 * em, 0.08 * (right - left))
    if is_right_to_left(line.text):
        short = before.x0 > left + max(1.5 * em, 0.08 * (right - left))
        return short and (ended or line.x1 < right - 0.6 * em)
    if _LISTED.match(line.text) and (ended or before_is_short):
        return True
    if CAPTION.match(line.text) and ended:
        return True
    if line.size < measures.body_size - 0.4 and line.unraised.startswith(RAISED):
        return ended or before_is_short  # the next footnote
    if line.x0 > before.x0 + 0.6 * em:
        return (ended or before_is_short) and not (len(current) == 1 and _LISTED.match(before.text))
    if (
        line.x0 < before.x0 - 0.6 * em
        and len(current) > 1
        and current[0].x0 < current[1].x0 - 0.6 * em
    ):
        return abs(current[0].x0 - line.x0) < 0.6 * em
    opens = line.text[:1]
    return (
        ended
        and before_is_short
        and not opens.islower()
        and before.x1 < right - 0.15 * (right - left)
    )


def merge_broken(found: list[Paragraph]) -> list[Paragraph]:
    """The paragraphs, with those that a column or page break cut in two made whole.

    The second half may stand behind figures, captions and footnotes; it has the type of the first
    and goes on in mid sentence.
    """
    merged: list[Paragraph] = []
    gone: set[int] = set()
    for index, paragraph in enumerate(found):
        if index in gone:
            continue
        merged.append(paragraph)
        while (second := _second_half(found, index, paragraph, gone)) is not None:
            gone.add(second)
            paragraph.lines.extend(found[second].lines)
            index = second
    return merged


def _second_half(
    found: Sequence[Paragraph], index: int, first: Paragraph, gone: Iterable[int]
) -> int | None:
    last = first.lines[-1]
    if (
        first.kind is not BlockKind.TEXT
        or (len(first.lines) < 3 and first.letters < 40)
        or _ENDS.search(last.text[-40:])
    ):
        return None
    for ahead in range(index + 1, min(len(found), index + 1 + _LOOK_AHEAD)):
        other = found[ahead]
        if ahead in gone or other.kind is not BlockKind.TEXT or abs(other.size - last.size) > 0.6:
            continue
        line = other.lines[0]
        if line.page > last.page + 1 or not _is_beyond(found[index + 1 : ahead], last, line):
            return None
        if other.letters < 30 and ahead > index + 1:
            continue
        goes_on = (
            line.text[:1].islower()
            or last.text.endswith(("-", "\u00ad", ","))
            or line.text[:1] in "(["
        )
        return ahead if goes_on and line.bold == last.bold else None
    return None


def _is_beyond(between: Sequence[Paragraph], last: Line, line: Line) -> bool:
    """True when the line stands in another column, or below a caption in the same one."""
    if (line.page, line.part) != (last.page, last.part):
        return True
    return any(paragraph.kind is BlockKind.CAPTION for paragraph in between)
