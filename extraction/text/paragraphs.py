"""Joins lines in reading order to paragraphs, also across column and page breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.papers import BlockKind
from extraction.geometry import overlap_x
from extraction.text.clean import is_right_to_left
from extraction.text.labels import NUMBERED
from extraction.text.line_kinds import line_kinds
from extraction.text.lines import Line, font_family
from extraction.text.marks import SUPERSCRIPT_MARK
from extraction.text.page_metrics import DocumentMetrics
from extraction.text.rules import Rule, decide
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
    """Returns the paragraphs in the order of their lines. Sets the kind of equations and code."""
    kinds = line_kinds(lines, metrics)
    found: list[Paragraph] = []
    before: BlockKind | None = None
    for line in lines:
        kind = kinds.get(id(line))
        above = found[-1].lines if found else []
        if above and kind is before and not _begins(above, line, kind, metrics):
            above.append(line)
            continue
        found.append(Paragraph([line]))
        found[-1].kind = kind or found[-1].kind
        before = kind
    return found


def _begins(
    above: list[Line], line: Line, kind: BlockKind | None, metrics: DocumentMetrics
) -> bool:
    if kind is None:
        return decide(_BEGINS, _Step(above, line, metrics))
    last = above[-1]  # of an equation or of code
    is_near = line.base - last.base <= _MAX_EQUATION_DISTANCE * max(line.size, last.size)
    return not is_near or (last.page, last.part) != (line.page, line.part)


@dataclass(frozen=True, slots=True)
class _Step:
    """The lines of a paragraph so far, and the line that continues it or begins another one."""

    above: list[Line]
    line: Line
    metrics: DocumentMetrics

    @property
    def before(self) -> Line:
        return self.above[-1]

    @property
    def em(self) -> float:
        return self.line.size

    @property
    def has_ended(self) -> bool:
        """True if a sentence ends with the line before."""
        return bool(_ENDS.search(self.before.text[-_LINE_END_LENGTH:]))

    @property
    def shortfall(self) -> float:
        """Distance in points from the right border up to which a line counts as full."""
        return max(_MIN_SHORTFALL * self.em, _SHORT_LINE * self.metrics.width_of(self.before))

    @property
    def may_end(self) -> bool:
        """True if a sentence or the text of a short line ends with the line before."""
        return self.has_ended or self.is_short(self.shortfall)

    def is_short(self, points: float) -> bool:
        """True if the line before ends that far from the right border of its column."""
        right = self.metrics.columns[self.before.page, self.before.part][1]
        return self.before.x1 < right - points

    def is_short_by(self, share: float) -> bool:
        return self.is_short(share * self.metrics.width_of(self.before))


def _is_too_far(step: _Step) -> bool:
    usual = max(step.metrics.leading_of(step.before.size), step.before.size)
    return not 0 < step.line.base - step.before.base <= _WIDE_GAP * usual


def _changes_size(step: _Step) -> bool:
    sizes = step.before.size, step.line.size
    return abs(sizes[0] - sizes[1]) > _OTHER_SIZE * max(sizes)


def _changes_style(step: _Step) -> bool:
    """True if a line in another style begins: a heading, or the text below one."""
    before, line = step.before, step.line
    opens = line.text[:1]
    if before.lead or len(line.text) < _MIN_STYLED_LENGTH:
        return False
    if not (opens.isupper() or opens.isdigit() or line.bold):
        return False
    if line.lead and (before.bold, before.italic) == (line.lead_is_bold, not line.lead_is_bold):
        return step.is_short_by(_SHORT_BEFORE_LEAD)
    # An acronym alone on the last line of a heading is not a change to capitals.
    to_capitals = before.is_upper != line.is_upper and len(line.text) > _MAX_ACRONYM_LENGTH
    if before.bold != line.bold or before.italic != line.italic or to_capitals:
        return True
    is_same_size = abs(before.size - line.size) < _SAME_SIZE * line.size
    is_same_font = before.family == line.family and is_same_size
    return not is_same_font and step.is_short_by(_SHORT_BEFORE_FONT)


def _leaves_heading(step: _Step) -> bool:
    """True if the body's font begins below one or two lines of another, rarer font that the file
    declares neither bold nor italic."""
    body, lines_in = font_family(step.metrics.body_font), step.metrics.lines_in
    max_lines = _MAX_HEADING_FONT_SHARE * lines_in[body]
    return (
        len(step.above) <= _MAX_HEADING_LINES
        and _MIN_HEADING_FONT_LINES <= lines_in[step.before.family] < max_lines
        and step.line.family == body
        and step.line.text[:1].isupper()
        and len(step.line.text) >= _MIN_TEXT_LINE_LENGTH
        and step.before.text[-1] not in ",;-\u00ad"
        and all(
            above.family != body and len(above.text) >= _MIN_STYLED_LENGTH for above in step.above
        )
    )


def _continues_heading(step: _Step) -> bool:
    """True if the line stands below one in the style of headings: indented behind the heading's
    number, or centred below it."""
    before, line = step.before, step.line
    is_plain = before.family == font_family(step.metrics.body_font)
    if (
        (before.bold, before.italic, before.family) != (line.bold, line.italic, line.family)
        or (is_plain and not before.bold and not before.italic)
        or line.base - before.base > _MAX_HEADING_DISTANCE * max(line.size, before.size)
        or NUMBERED.match(line.text)
        or step.has_ended
    ):
        return False
    indent = line.x0 - step.above[0].x0
    hangs = _INDENT * line.size < indent < _MAX_HANGING_INDENT * line.size
    is_centred = abs(before.x0 + before.x1 - line.x0 - line.x1) < line.size
    return is_centred or (hangs and NUMBERED.match(step.above[0].text) is not None)


def _begins_right_to_left(step: _Step) -> bool:
    left, right = step.metrics.columns[step.before.page, step.before.part]
    is_short = step.before.x0 > left + step.shortfall
    return is_short and (step.has_ended or step.line.x1 < right - _INDENT * step.em)


def _is_footnote(step: _Step) -> bool:
    is_small = step.line.size < step.metrics.body_size - _SMALLER_POINTS
    return is_small and step.line.text_with_superscript_marks.startswith(SUPERSCRIPT_MARK)


def _is_outdented(step: _Step) -> bool:
    """True if the line stands left of the one before, below a first line that does too."""
    above, indent = step.above, _INDENT * step.em
    return (
        step.line.x0 < step.before.x0 - indent
        and len(above) > 1
        and above[0].x0 < above[1].x0 - indent
    )


def _is_caption(line: Line) -> bool:
    return is_caption(line.text, is_set_off=bool(line.lead))


_BEGINS: tuple[Rule[_Step], ...] = (
    Rule("other page", lambda step: step.before.page != step.line.page, True),
    Rule("other direction", lambda step: step.before.rotation != step.line.rotation, True),
    Rule(
        "other column",
        lambda step: step.before.part != step.line.part and overlap_x(step.before, step.line) <= 0,
        True,
    ),
    Rule("distance", _is_too_far, True),
    Rule(
        "other size",
        _changes_size,
        lambda step: min(len(step.before.text), len(step.line.text)) >= _MIN_STYLED_LENGTH,
    ),
    Rule("other style", _changes_style, True),
    Rule("below a heading", _leaves_heading, True),
    Rule("heading", _continues_heading, False),
    Rule("right to left", lambda step: is_right_to_left(step.line.text), _begins_right_to_left),
    Rule("bullet", lambda step: _LISTED.match(step.line.text) and step.may_end, True),
    Rule("caption", lambda step: step.has_ended and _is_caption(step.line), True),
    Rule("footnote", _is_footnote, lambda step: step.may_end),
    Rule(
        "indent",
        lambda step: step.line.x0 > step.before.x0 + _INDENT * step.em,
        lambda step: (
            step.may_end and not (len(step.above) == 1 and _LISTED.match(step.before.text))
        ),
    ),
    Rule(
        "hanging indent",
        _is_outdented,
        lambda step: abs(step.above[0].x0 - step.line.x0) < _INDENT * step.em,
    ),
    Rule(
        "short line",
        lambda step: step.has_ended and not step.line.text[:1].islower(),
        lambda step: step.is_short(step.shortfall) and step.is_short_by(_SHORT_WITHOUT_INDENT),
    ),
)


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
        # Text of the same column continues only below a caption.
        is_beyond = (line.page, line.part) != (last.page, last.part) or any(
            paragraph.kind is BlockKind.CAPTION for paragraph in found[index + 1 : ahead]
        )
        if line.page > last.page + 1 or not is_beyond:
            return None
        if other.letters <= _MAX_LABEL_LENGTH and ahead > index + 1:
            continue
        opens = line.text[:1]
        continues = opens.islower() or opens in "([" or last.text.endswith(("-", "\u00ad", ","))
        return ahead if continues and line.bold == last.bold else None
    return None
