"""Joins lines in reading order to paragraphs, also across column and page breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from domain.papers import BlockKind
from extraction.text.clean import is_right_to_left
from extraction.text.labels import NUMBERED
from extraction.text.line_kinds import line_kinds
from extraction.text.lines import SUPERSCRIPT_MARK, Line, font_family
from extraction.text.page_metrics import DocumentMetrics
from extraction.vocabulary.captions import is_caption

_LISTED = re.compile(r"(?:[•◦▪■●○‣∙–—*·]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|\[\d{1,3}\])\s*\S")
_ENDS = re.compile(r"[.?!:;][\"'”’)\]]*(?:\s*\[[\d,–\s-]+\]|\s\d[\d,–-]*)?$")

# Heuristics: what separates paragraphs. Distances in type sizes unless another unit is given.
_OTHER_SIZE = 0.12  # share of the type size by which a new paragraph differs
_SAME_SIZE = 0.04  # share of the type size by which lines of one style may differ
_SMALLER_POINTS = 0.4  # than the body: type of footnotes
_WIDE_GAP = 1.4  # usual distances between base lines of that size; more begins a paragraph
_MAX_EQUATION_DISTANCE = 3.0  # between two lines of one equation or listing
_MAX_HEADING_DISTANCE = 1.4  # from one line of a heading to the next
_INDENT = 0.6  # from the left border: begins a paragraph
_MIN_SHORTFALL = 1.5  # from the right border: ends a paragraph
# Shares of the column's width that a line stops short of the right border: of a line that ends a
# paragraph; with no indent after it; before text in another font; before a run-in heading.
_SHORT_LINE, _SHORT_WITHOUT_INDENT = 0.08, 0.15
_SHORT_BEFORE_FONT, _SHORT_BEFORE_LEAD = 0.08, 0.2
_MAX_HANGING_INDENT = 4.0  # width of a heading's number
# Lengths in characters: shorter pieces (indices, page numbers) change no style.
_MIN_STYLED_LENGTH = 4
_MAX_ACRONYM_LENGTH = 8  # of the last line of a heading
_LINE_END_LENGTH = 40  # searched for the end of a sentence
# A heading's font is at most that frequent, in lines, and the text below it begins with a line of
# at least so many characters.
_MIN_HEADING_FONT_LINES, _MAX_HEADING_FONT_SHARE, _MIN_TEXT_LINE_LENGTH = 3, 0.15, 21
_MAX_HEADING_LINES = 2
# Joining of paragraphs that a break cut.
_LOOK_AHEAD = 8  # paragraphs (captions, labels of a figure) that may interrupt one
_MIN_BROKEN_LINES, _MIN_BROKEN_LENGTH = 3, 40  # of the first half: lines, or else characters
_JOINED_SIZE_TOLERANCE_POINTS = 0.6
_MAX_LABEL_LENGTH = 29  # characters; shorter pieces between the halves are labels of a figure


class Paragraph:
    """Lines that belong together. Later steps set `kind` and `section`."""

    __slots__ = ("kind", "level", "lines", "number", "section", "title")

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.kind = BlockKind.CAPTION if _is_caption(lines[0]) else BlockKind.TEXT
        self.section: int | None = None
        self.level = 0
        self.number: str | None = None
        self.title = ""

    @property
    def text(self) -> str:
        """The lines joined by spaces; hyphenation is not undone."""
        return " ".join(line.text for line in self.lines)

    @property
    def size(self) -> float:
        """Type size of the first line, in points."""
        return self.lines[0].size

    @property
    def letters(self) -> int:
        """Number of characters."""
        return sum(len(line.text) for line in self.lines)


def paragraphs(lines: Sequence[Line], metrics: DocumentMetrics) -> list[Paragraph]:
    """Returns the paragraphs of a document, in the order of its lines. The kind of equations and
    code is set."""
    kinds = line_kinds(lines, metrics)
    found: list[Paragraph] = []
    current: list[Line] = []
    before: BlockKind | None = None
    for line in lines:
        kind = kinds.get(id(line))
        begins = current and (
            kind is not before
            or (_is_far(current[-1], line) if kind else _begins_paragraph(current, line, metrics))
        )
        if begins:
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
    """True if two lines of an equation or of code do not belong together."""
    return (before.page, before.part) != (line.page, line.part) or (
        line.base - before.base > _MAX_EQUATION_DISTANCE * max(line.size, before.size)
    )


def _begins_paragraph(current: list[Line], line: Line, metrics: DocumentMetrics) -> bool:
    before = current[-1]
    if before.page != line.page or before.rotation != line.rotation:
        return True
    if before.part != line.part and min(before.x1, line.x1) - max(before.x0, line.x0) <= 0:
        return True
    distance = line.base - before.base
    if not 0 < distance <= _WIDE_GAP * max(metrics.leading_of(before.size), before.size):
        return True
    if abs(before.size - line.size) > _OTHER_SIZE * max(before.size, line.size):
        return min(len(before.text), len(line.text)) >= _MIN_STYLED_LENGTH
    return (
        _changes_style(before, line, metrics)
        or _leaves_heading(current, line, metrics)
        or (_is_set_off(current, line, metrics) and not _continues_heading(current, line, metrics))
    )


def _changes_style(before: Line, line: Line, metrics: DocumentMetrics) -> bool:
    """True if a line in another style begins: a heading, or the text below one."""
    opens = line.text[:1]
    if before.lead or len(line.text) < _MIN_STYLED_LENGTH:
        return False
    if not (opens.isupper() or opens.isdigit() or line.bold):
        return False
    left, right = metrics.columns[before.page, before.part]
    if line.lead and (before.bold, before.italic) == (line.lead_is_bold, not line.lead_is_bold):
        return before.x1 < right - _SHORT_BEFORE_LEAD * (right - left)
    # An acronym alone on the last line of a heading is not a change to capitals.
    to_capitals = before.is_upper != line.is_upper and len(line.text) > _MAX_ACRONYM_LENGTH
    if before.bold != line.bold or before.italic != line.italic or to_capitals:
        return True
    if (
        font_family(before.font) == font_family(line.font)
        and abs(before.size - line.size) < _SAME_SIZE * line.size
    ):
        return False
    return before.x1 < right - _SHORT_BEFORE_FONT * (right - left)


def _leaves_heading(current: list[Line], line: Line, metrics: DocumentMetrics) -> bool:
    """True if the body's font begins below one or two lines of another, rarer font that the file
    declares neither bold nor italic."""
    body = font_family(metrics.body_font)
    lines_in_it = metrics.lines_in[font_family(current[-1].font)]
    return (
        len(current) <= _MAX_HEADING_LINES
        and _MIN_HEADING_FONT_LINES
        <= lines_in_it
        < _MAX_HEADING_FONT_SHARE * metrics.lines_in[body]
        and font_family(line.font) == body
        and line.text[:1].isupper()
        and len(line.text) >= _MIN_TEXT_LINE_LENGTH
        and current[-1].text[-1] not in ",;-\u00ad"
        and all(
            font_family(above.font) != body and len(above.text) >= _MIN_STYLED_LENGTH
            for above in current
        )
    )


def _continues_heading(current: list[Line], line: Line, metrics: DocumentMetrics) -> bool:
    """True if the line stands below one in the style of headings: indented behind the heading's
    number, or centred below it."""
    before = current[-1]
    family = font_family(before.font)
    if (
        (before.bold, before.italic, family) != (line.bold, line.italic, font_family(line.font))
        or not (before.bold or before.italic or family != font_family(metrics.body_font))
        or line.base - before.base > _MAX_HEADING_DISTANCE * max(line.size, before.size)
        or NUMBERED.match(line.text)
        or _ENDS.search(before.text[-_LINE_END_LENGTH:])
    ):
        return False
    numbered = NUMBERED.match(current[0].text)
    indent = line.x0 - current[0].x0
    hangs = numbered and _INDENT * line.size < indent < _MAX_HANGING_INDENT * line.size
    return bool(hangs) or abs(before.x0 + before.x1 - line.x0 - line.x1) < line.size


def _is_set_off(current: list[Line], line: Line, metrics: DocumentMetrics) -> bool:
    """True if an indent, a short line before, a bullet or the label of a caption indicates a new
    paragraph."""
    before = current[-1]
    left, right = metrics.columns[before.page, before.part]
    em, ended = line.size, bool(_ENDS.search(before.text[-_LINE_END_LENGTH:]))
    shortfall = max(_MIN_SHORTFALL * em, _SHORT_LINE * (right - left))
    before_is_short = before.x1 < right - shortfall
    if is_right_to_left(line.text):
        return before.x0 > left + shortfall and (ended or line.x1 < right - _INDENT * em)
    if _LISTED.match(line.text) and (ended or before_is_short):
        return True
    if ended and _is_caption(line):
        return True
    is_small = line.size < metrics.body_size - _SMALLER_POINTS
    if is_small and line.text_with_superscript_marks.startswith(SUPERSCRIPT_MARK):
        return ended or before_is_short  # the next footnote
    if line.x0 > before.x0 + _INDENT * em:
        return (ended or before_is_short) and not (len(current) == 1 and _LISTED.match(before.text))
    if (
        line.x0 < before.x0 - _INDENT * em
        and len(current) > 1
        and current[0].x0 < current[1].x0 - _INDENT * em
    ):
        return abs(current[0].x0 - line.x0) < _INDENT * em
    opens = line.text[:1]
    return (
        ended
        and before_is_short
        and not opens.islower()
        and before.x1 < right - _SHORT_WITHOUT_INDENT * (right - left)
    )


def _is_caption(line: Line) -> bool:
    return is_caption(line.text, is_set_off=bool(line.lead))


def merge_broken(found: list[Paragraph]) -> list[Paragraph]:
    """Returns the paragraphs; those that a column or page break cut in two are joined.

    The second half may follow figures, captions and footnotes. It has the style of the first half
    and continues in mid-sentence.
    """
    merged: list[Paragraph] = []
    merged_indexes: set[int] = set()
    for index, paragraph in enumerate(found):
        if index in merged_indexes:
            continue
        merged.append(paragraph)
        while (second := _second_half(found, index, paragraph, merged_indexes)) is not None:
            merged_indexes.add(second)
            paragraph.lines.extend(found[second].lines)
            index = second
    return merged


def _second_half(
    found: Sequence[Paragraph], index: int, first: Paragraph, merged_indexes: Iterable[int]
) -> int | None:
    last = first.lines[-1]
    if (
        first.kind is not BlockKind.TEXT
        or (len(first.lines) < _MIN_BROKEN_LINES and first.letters < _MIN_BROKEN_LENGTH)
        or _ENDS.search(last.text[-_LINE_END_LENGTH:])
    ):
        return None
    for ahead in range(index + 1, min(len(found), index + 1 + _LOOK_AHEAD)):
        other = found[ahead]
        if ahead in merged_indexes or other.kind is not BlockKind.TEXT:
            continue
        if abs(other.size - last.size) > _JOINED_SIZE_TOLERANCE_POINTS:
            continue
        line = other.lines[0]
        if line.page > last.page + 1 or not _is_beyond(found[index + 1 : ahead], last, line):
            return None
        if other.letters <= _MAX_LABEL_LENGTH and ahead > index + 1:
            continue
        continues = (
            line.text[:1].islower()
            or last.text.endswith(("-", "\u00ad", ","))
            or line.text[:1] in "(["
        )
        return ahead if continues and line.bold == last.bold else None
    return None


def _is_beyond(between: Sequence[Paragraph], last: Line, line: Line) -> bool:
    """True if the line stands in another column, or below a caption in the same one."""
    if (line.page, line.part) != (last.page, last.part):
        return True
    return any(paragraph.kind is BlockKind.CAPTION for paragraph in between)
