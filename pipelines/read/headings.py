"""Headings: short paragraphs that are numbered, well known, or set in other type than the body."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from domain.papers import BlockKind
from pipelines.read.labels import ABSTRACT_PARTS, ARTICLE_KIND, KNOWN, NUMBERED
from pipelines.read.lines import Line, font_family
from pipelines.read.paragraphs import Measures, Paragraph

_FRONT_ENDS = re.compile(r"(?:abstract|summary|introduction|background|keywords?)\b", re.IGNORECASE)
_NOT_A_HEADING = re.compile(
    r"^key ?words?\b.*\w{3}.*\w{3}|https?:|www\.|@|doi:|©|\bet al\b|^\W*\d[\d.,%–\s±]*$|"
    r"[=<>≤≥∑∫]|^(?:received|submitted|accepted|published|correspond|e-?mail|citation|"
    r"editor|how to cite|cite this)",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(r"(?:abstract|summary)\W*", re.IGNORECASE)
_LONGEST = 180
_Style = tuple[float, bool, bool, bool, str]


def mark_headings(found: Sequence[Paragraph], measures: Measures, title: Sequence[Line]) -> None:
    """Sets `kind`, `level`, `number` and `title` of the paragraphs that are headings. `title` lines
    are none."""
    in_title = {id(line) for line in title}
    start = _end_of_front(found, in_title)
    candidates = [
        paragraph
        for index, paragraph in enumerate(found)
        if id(paragraph.lines[0]) not in in_title
        and _may_be_heading(paragraph)
        and (index >= start or _is_known(paragraph))
        and not _is_in_side_bar(paragraph, measures)
        and _stands_out(paragraph, found[index + 1] if index + 1 < len(found) else None, measures)
    ]
    accepted = _accepted(candidates, _styles_of_text(found))
    accepted = _without_abstract_parts(accepted)
    levels = _levels(accepted)
    for paragraph in accepted:
        numbered = NUMBERED.fullmatch(paragraph.text)
        paragraph.kind = BlockKind.HEADING
        paragraph.number = numbered["number"].rstrip(".)") if numbered else None
        paragraph.title = numbered["title"] if numbered else paragraph.text
        depth = paragraph.number.count(".") + 1 if paragraph.number else 0
        paragraph.level = depth or levels[_style(paragraph)]


def _end_of_front(found: Sequence[Paragraph], in_title: set[int]) -> int:
    """Index of the first paragraph after authors and addresses, where headings may begin."""
    begun = not in_title
    for index, paragraph in enumerate(found):
        if paragraph.lines[0].page > 2:
            return index
        if any(id(line) in in_title for line in paragraph.lines):
            begun = True
        text = paragraph.text
        numbered = NUMBERED.fullmatch(text)
        if begun and _FRONT_ENDS.match(numbered["title"] if numbered else text):
            return index
        if begun and paragraph.letters > 600:
            return index
    return 0


def _is_known(paragraph: Paragraph) -> bool:
    text = paragraph.text
    if len(text) > 80:
        return False
    numbered = NUMBERED.fullmatch(text)
    return bool(KNOWN.fullmatch(numbered["title"] if numbered else text))


def _may_be_heading(paragraph: Paragraph) -> bool:
    if (
        paragraph.kind is not BlockKind.TEXT
        or len(paragraph.lines) > 4
        or paragraph.letters > _LONGEST
    ):
        return False
    if paragraph.lines[0].turn:
        return False
    text = paragraph.text
    if sum(map(str.isalpha, text)) < max(3, 0.5 * len(text)) or _NOT_A_HEADING.search(text):
        return False
    numbered = NUMBERED.fullmatch(text)
    words = numbered["title"] if numbered else text
    if not (words[0].isupper() or (numbered and words[0].isalpha())):
        return False
    return words[-1] not in ",;-" and (
        bool(KNOWN.fullmatch(words)) or not (ARTICLE_KIND.fullmatch(text) or text.lower() == "open")
    )


def _is_in_side_bar(paragraph: Paragraph, measures: Measures) -> bool:
    """True in the narrow column that some first pages have for dates, editors and licences."""
    line = paragraph.lines[0]
    return (
        line.page <= 2
        and measures.width_of(line) < 0.5 * measures.column_width
        and not _is_known(paragraph)
    )


def _style(paragraph: Paragraph) -> _Style:
    line = paragraph.lines[0]
    upper = paragraph.text.isupper()
    return (
        round(line.size * 2) / 2,
        _all(paragraph, "bold"),
        _all(paragraph, "italic"),
        upper,
        font_family(line.font),
    )


def _styles_of_text(found: Sequence[Paragraph]) -> Counter[_Style]:
    """Styles of lines in the middle of long paragraphs, where no heading stands, and how many there
    are of each."""
    return Counter(
        (round(line.size * 2) / 2, line.bold, line.italic, line.is_upper, font_family(line.font))
        for paragraph in found
        if len(paragraph.lines) >= 6
        for line in paragraph.lines[3:-1]
    )


def _all(paragraph: Paragraph, what: str) -> bool:
    return all(getattr(line, what) for line in paragraph.lines)


def _stands_out(paragraph: Paragraph, following: Paragraph | None, measures: Measures) -> bool:
    size, bold, italic, upper, _ = _style(paragraph)
    known = _is_known(paragraph)
    other_font = font_family(paragraph.lines[0].font) != font_family(measures.body_font)
    if not (bold or italic or upper or size > measures.body_size + 0.4 or other_font):
        return known and paragraph.letters < 40
    if known:
        return True
    if size < 0.7 * measures.body_size or following is None:
        return False
    if paragraph.text.endswith(".") and not (bold or italic or NUMBERED.fullmatch(paragraph.text)):
        return False
    if size > measures.body_size * 1.12 and (bold or other_font):
        return True
    return _leads_text(paragraph, following, measures)


def _leads_text(paragraph: Paragraph, following: Paragraph, measures: Measures) -> bool:
    """True when body text, or another short paragraph in other type, comes next."""
    if abs(following.size - measures.body_size) < 0.6 and following.letters > 60:
        return True
    return (
        _may_be_heading(following)
        and following.size >= 0.7 * measures.body_size
        and (_style(following) != _style(paragraph))
    )


def _accepted(candidates: Sequence[Paragraph], of_text: Counter[_Style]) -> list[Paragraph]:
    """The candidates that are well known, or in a style that prints headings more than it prints
    text."""
    styles = Counter(_style(paragraph) for paragraph in candidates)
    return [p for p in candidates if _is_known(p) or of_text[_style(p)] <= 3 * styles[_style(p)]]


def _without_abstract_parts(accepted: Sequence[Paragraph]) -> list[Paragraph]:
    """A structured abstract is one section: "Background", "Methods" in lesser type than its heading
    are text of it."""
    kept: list[Paragraph] = []
    abstract: _Style | None = None
    for paragraph in accepted:
        style = _style(paragraph)
        if (
            abstract
            and ABSTRACT_PARTS.fullmatch(paragraph.text)
            and _weight(style) < _weight(abstract)
        ):
            continue
        abstract = style if _ABSTRACT.fullmatch(paragraph.text) else None
        kept.append(paragraph)
    return kept


def _levels(accepted: Sequence[Paragraph]) -> dict[_Style, int]:
    """Level of each style: that of most well-known headings is 1, lesser ones follow."""
    styles = Counter(_style(paragraph) for paragraph in accepted)
    known = Counter(_style(paragraph) for paragraph in accepted if _is_known(paragraph))
    top = known.most_common(1)[0][0] if known else max(styles, default=None)
    if top is None:
        return {}
    ranked = sorted(styles, key=_weight, reverse=True)
    lower = [style for style in ranked if _weight(style) < _weight(top)]
    return {style: 1 if style not in lower else min(6, lower.index(style) + 2) for style in ranked}


def _weight(style: _Style) -> tuple[float, bool, bool, bool]:
    size, bold, italic, upper, _ = style
    return size, upper, bold, not italic
