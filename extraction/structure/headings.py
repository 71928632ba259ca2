"""Finds headings: short paragraphs that are numbered, well known, or not in the body's style."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from itertools import pairwise

from domain.papers import BlockKind, SectionRole
from extraction.structure.levels import Style, heading_levels, style_of, weight
from extraction.structure.roles import role_of
from extraction.text.labels import (
    ABSTRACT_PARTS,
    ARTICLE_KIND,
    NUMBERED,
    is_known_heading,
    split_number,
)
from extraction.text.lines import Line, font_family
from extraction.text.page_metrics import FRONT_PAGES, DocumentMetrics
from extraction.text.paragraphs import Paragraph
from extraction.vocabulary.captions import CaptionKind, is_caption
from extraction.vocabulary.front_matter import (
    ABSTRACT_OR_SUMMARY,
    ARTICLE_DATES,
    INTRODUCTION_OR_BACKGROUND,
    KEYWORDS,
    KEYWORDS_LABEL,
    begins_abstract,
)
from extraction.vocabulary.section_names import section_name

_FRONT_ENDS = re.compile(
    rf"(?:{ABSTRACT_OR_SUMMARY}|{INTRODUCTION_OR_BACKGROUND}|keywords?)\b", re.IGNORECASE
)
_NOT_A_HEADING = re.compile(
    rf"^(?:author )?{KEYWORDS}\b|https?:|www\.|@|doi:|©|\bet al\b|^\W*\d[\d.,%–\s±]*$|"
    rf"[=<>≤≥∑∫]|^(?:{ARTICLE_DATES}|correspond|e-?mail|citation|"
    r"(?:\w+ )?editor|how to cite|cite this|article ?info|contents$|"
    r"open access$|check for updates|ccs concepts)|"
    r"^(?:theorem|lemma|proposition|corollary|definition|proof|remark|claim)\b|"
    r"\(continued\)",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(rf"(?:{ABSTRACT_OR_SUMMARY})\W*", re.IGNORECASE)
_INTRODUCTION = re.compile(rf"(?:{INTRODUCTION_OR_BACKGROUND})\W*", re.IGNORECASE)
_AFTER_BODY = (SectionRole.ACKNOWLEDGEMENTS, SectionRole.BACK_MATTER, SectionRole.APPENDIX)
# Heuristics. Lengths are in characters.
_MAX_LENGTH, _MAX_LINES = 180, 4  # of a heading
_MAX_KNOWN_LENGTH = 80  # of a well-known one
_MAX_PLAIN_LENGTH = 39  # of a well-known one in the style of the body
_MIN_LETTERS, _MIN_LETTER_SHARE = 3, 0.5
_MAX_FRONT_PARAGRAPH = 600  # longer paragraphs are body text: authors and addresses have ended
_MAX_HEADINGS_IN_A_ROW = 4  # without text between them
_ABSTRACT_REACH = 40  # paragraphs, those of a side bar included
_MIN_NUMBERED_ALIKE = 2  # headings of one style and depth, with text below them
# A style prints text if it has more than so many inner lines of paragraphs per heading; only
# paragraphs of at least so many lines are counted.
_TEXT_LINES_PER_HEADING, _MIN_COUNTED_LINES = 3, 3
# A heading's size: differs from the body's by more points, or is at least or at most this multiple.
_SAME_SIZE_POINTS, _MIN_SIZE_RATIO, _LARGE_SIZE_RATIO = 0.4, 0.7, 1.12
# Width of a line in type sizes per character; the cells of a table are wider apart.
_MAX_SPACING, _MIN_SPACED_LENGTH = 0.85, 9
# Text below a heading: difference from the body's size, its length, and that of one sentence.
_TEXT_SIZE_TOLERANCE_POINTS, _MIN_TEXT_LENGTH, _MIN_SENTENCE_LENGTH = 0.6, 61, 16
# Prose that ends a table: its length, and full lines, as a share of the column's width.
_MIN_PROSE_LENGTH, _MIN_FULL_LINES, _FULL_LINE = 151, 2, 0.8


def mark_headings(
    paragraphs: Sequence[Paragraph], metrics: DocumentMetrics, title: Sequence[Line]
) -> None:
    """Sets `kind`, `level`, `number` and `title` of the paragraphs that are headings. Lines of the
    `title` are none."""
    in_title = {id(line) for line in title}
    printed = " ".join(line.text for line in title).lower()  # some papers print the title twice
    start = _end_of_front(paragraphs, in_title)
    candidates = [
        index
        for index, paragraph in enumerate(paragraphs)
        if id(paragraph.lines[0]) not in in_title
        and paragraph.text.lower() != printed
        and _may_be_heading(paragraph)
        and (index >= start or _is_known(paragraph))
        and not _is_of_side_bar(paragraph, metrics)
    ]
    candidates = _standing_out(candidates, paragraphs, metrics)
    accepted = _of_heading_style([paragraphs[index] for index in candidates], paragraphs)
    accepted = _without_words_of_tables(accepted, paragraphs, metrics)
    accepted = _without_abstract_parts(accepted, paragraphs)
    accepted = _without_translated_titles(accepted, paragraphs)
    for paragraph in accepted:
        paragraph.kind = BlockKind.HEADING
        number, paragraph.title = split_number(paragraph.text)
        paragraph.number = number or None
    known = {id(paragraph) for paragraph in accepted if _is_known(paragraph)}
    for paragraph, level in zip(accepted, heading_levels(accepted, known), strict=True):
        paragraph.level = level
    _adjust_levels(accepted)


def _adjust_levels(headings: Sequence[Paragraph]) -> None:
    """Lifts the abstract to the first level, and headings after the bibliography to its level."""
    for heading in headings:
        if heading.number is None and role_of(heading.title) is SectionRole.ABSTRACT:
            heading.level = 1
    for before, heading in pairwise(headings):
        is_after_references = role_of(before.title) is SectionRole.REFERENCES
        if is_after_references and role_of(heading.title) in _AFTER_BODY:
            heading.level = min(heading.level, before.level)


def _end_of_front(paragraphs: Sequence[Paragraph], in_title: set[int]) -> int:
    """Returns the index of the first paragraph behind authors and addresses."""
    begun = not in_title
    for index, paragraph in enumerate(paragraphs):
        if paragraph.lines[0].page > FRONT_PAGES:
            return index
        begun = begun or any(id(line) in in_title for line in paragraph.lines)
        is_long = paragraph.letters > _MAX_FRONT_PARAGRAPH
        words = split_number(paragraph.text)[1]
        ends = _FRONT_ENDS.match(words) or KEYWORDS_LABEL.match(words) or section_name(words)
        if begun and (is_long or ends):
            return index
    return 0


def _is_known(paragraph: Paragraph) -> bool:
    text = paragraph.text
    is_short = len(text) <= _MAX_KNOWN_LENGTH
    return is_short and is_known_heading(split_number(text)[1])


def _may_be_heading(paragraph: Paragraph) -> bool:
    if (
        paragraph.kind is not BlockKind.TEXT
        or len(paragraph.lines) > _MAX_LINES
        or paragraph.letters > _MAX_LENGTH
        or paragraph.lines[0].rotation
    ):
        return False
    text = paragraph.text
    if _NOT_A_HEADING.search(text) or KEYWORDS_LABEL.match(text):
        return False
    number, words = split_number(text)
    if is_known_heading(words) and (number or not words[0].islower()):
        return True
    letters = sum(map(str.isalpha, text))
    if letters < max(_MIN_LETTERS, _MIN_LETTER_SHARE * len(text)):
        return False
    if not (words[0].isupper() or (number and words[0].isalpha())):
        return False
    is_other = ARTICLE_KIND.fullmatch(text) or text.lower() == "open"
    return words[-1] not in ",;-" and not is_other


def _is_of_side_bar(paragraph: Paragraph, metrics: DocumentMetrics) -> bool:
    is_marked = _is_known(paragraph) or NUMBERED.fullmatch(paragraph.text)
    return metrics.is_in_side_bar(paragraph.lines[0]) and not is_marked


def _of_heading_style(
    candidates: list[Paragraph], paragraphs: Sequence[Paragraph]
) -> list[Paragraph]:
    """Returns the candidates that are well known, or in a style of more headings than text."""
    of_text = Counter(
        (line.half_points, line.bold, line.italic, line.is_upper, line.family)
        for paragraph in paragraphs
        if len(paragraph.lines) >= _MIN_COUNTED_LINES and paragraph.letters > _MAX_LENGTH
        for line in paragraph.lines[1:-1]
    )
    styles = Counter(style_of(paragraph) for paragraph in candidates)
    return [
        paragraph
        for paragraph in candidates
        if _is_known(paragraph)
        or of_text[style_of(paragraph)] <= _TEXT_LINES_PER_HEADING * styles[style_of(paragraph)]
    ]


def _standing_out(
    candidates: Sequence[int], paragraphs: Sequence[Paragraph], metrics: DocumentMetrics
) -> list[int]:
    """Returns the candidates that stand out by themselves, and those numbered in a style and to a
    depth of others that do: code, a formula or a list may follow these."""
    sure = {index for index in candidates if _stands_out(index, paragraphs, metrics)}
    numberings = Counter(_numbering_of(paragraphs[index]) for index in sure)
    numbers = {_numbers(paragraphs[index]) for index in sure}

    def is_alike(paragraph: Paragraph) -> bool:
        numbering = _numbering_of(paragraph)
        if numbering is None or _is_plain(paragraph, metrics):
            return False
        is_usual = numberings[numbering] >= _MIN_NUMBERED_ALIKE
        return is_usual or _completes(_numbers(paragraph), numbers)

    return [index for index in candidates if index in sure or is_alike(paragraphs[index])]


def _completes(number: tuple[int, ...], others: Container[tuple[int, ...]]) -> bool:
    """True if the number is missing among the others, and the number above it and one beside it, or
    those on both sides, are present."""
    *above, last = number
    beside = [(*above, last + step) in others for step in (-1, 1)]
    is_first = last == 1 and len(number) > 1
    return number not in others and (
        all(beside) or (tuple(above) in others and (any(beside) or is_first))
    )


def _numbers(paragraph: Paragraph) -> tuple[int, ...]:
    """Returns the parts of a heading's number; () if it has letters."""
    parts = split_number(paragraph.text)[0].split(".")
    return tuple(map(int, parts)) if all(map(str.isdecimal, parts)) else ()


def _numbering_of(paragraph: Paragraph) -> tuple[Style, int] | None:
    """Returns style and depth of a numbered heading."""
    number = split_number(paragraph.text)[0]
    return (style_of(paragraph), number.count(".")) if number[:1].isdigit() else None


def _is_plain(paragraph: Paragraph, metrics: DocumentMetrics) -> bool:
    """True if the heading is set in the style of the body."""
    style = style_of(paragraph)
    is_other = style.bold or style.italic or style.upper or _has_other_font(style, metrics)
    return not is_other and style.size <= metrics.body_size + _SAME_SIZE_POINTS


def _has_other_font(style: Style, metrics: DocumentMetrics) -> bool:
    return style.family != font_family(metrics.body_font)


def _stands_out(index: int, paragraphs: Sequence[Paragraph], metrics: DocumentMetrics) -> bool:
    paragraph = paragraphs[index]
    style, text = style_of(paragraph), paragraph.text
    if _is_known(paragraph):
        return paragraph.letters <= _MAX_PLAIN_LENGTH or not _is_plain(paragraph, metrics)
    if _is_plain(paragraph, metrics):
        return False
    if style.size < _MIN_SIZE_RATIO * metrics.body_size or index + 1 == len(paragraphs):
        return False
    if text.endswith(".") and not (style.bold or style.italic or NUMBERED.fullmatch(text)):
        return False
    is_large = style.size > metrics.body_size * _LARGE_SIZE_RATIO
    if is_large and (style.bold or _has_other_font(style, metrics)):
        return True
    return not _is_spaced_out(paragraph) and _leads_text(index, paragraphs, metrics)


def _is_spaced_out(paragraph: Paragraph) -> bool:
    """True if the words are wide apart, like the cells in the head of a table."""
    return any(
        len(line.text) >= _MIN_SPACED_LENGTH
        and line.x1 - line.x0 > _MAX_SPACING * line.size * len(line.text)
        for line in paragraph.lines
    )


def _leads_text(index: int, paragraphs: Sequence[Paragraph], metrics: DocumentMetrics) -> bool:
    """True if text follows, or headings in another style and then text."""
    style = style_of(paragraphs[index])
    for following in paragraphs[index + 1 : index + _MAX_HEADINGS_IN_A_ROW]:
        if _is_text(following, metrics):
            return not following.text[0].islower()
        if following.size < _MIN_SIZE_RATIO * metrics.body_size or not _may_be_heading(following):
            return False
        if (lower := style_of(following)) == style:
            return False
        style = lower
    return False


def _is_text(paragraph: Paragraph, metrics: DocumentMetrics) -> bool:
    is_other_size = abs(paragraph.size - metrics.body_size) > _TEXT_SIZE_TOLERANCE_POINTS
    if paragraph.kind is not BlockKind.TEXT or is_other_size:
        return False
    return paragraph.letters >= _MIN_TEXT_LENGTH or (
        paragraph.letters >= _MIN_SENTENCE_LENGTH and paragraph.text.endswith(".")
    )


def _without_words_of_tables(
    accepted: list[Paragraph], paragraphs: Sequence[Paragraph], metrics: DocumentMetrics
) -> list[Paragraph]:
    """Returns the candidates without those between a table's caption and the next text; a heading
    below a table has the style of others."""
    indexes = {id(paragraph): index for index, paragraph in enumerate(paragraphs)}
    inside = _inside_tables(paragraphs, metrics)
    styles = Counter(style_of(p) for p in accepted if indexes[id(p)] not in inside)

    def is_heading(paragraph: Paragraph) -> bool:
        index = indexes[id(paragraph)]
        if index not in inside:
            return True
        alike = styles[style_of(paragraph)]
        if _is_known(paragraph):
            return alike > 0 or not styles
        return alike > 1 and (
            bool(NUMBERED.fullmatch(paragraph.text))
            or _is_text(paragraphs[min(index + 1, len(paragraphs) - 1)], metrics)
        )

    return [paragraph for paragraph in accepted if is_heading(paragraph)]


def _inside_tables(paragraphs: Sequence[Paragraph], metrics: DocumentMetrics) -> set[int]:
    inside: set[int] = set()
    is_inside = False
    for index, paragraph in enumerate(paragraphs):
        if is_caption(paragraph.lines[0].text, CaptionKind.TABLE):
            is_inside = True
        elif is_inside and _is_prose(paragraph, metrics):
            is_inside = False
        if is_inside:
            inside.add(index)
    return inside


def _is_prose(paragraph: Paragraph, metrics: DocumentMetrics) -> bool:
    full = sum(line.x1 - line.x0 > _FULL_LINE * metrics.width_of(line) for line in paragraph.lines)
    return (
        paragraph.letters >= _MIN_PROSE_LENGTH
        and full >= _MIN_FULL_LINES
        and abs(paragraph.size - metrics.body_size) < _TEXT_SIZE_TOLERANCE_POINTS
    )


def _without_translated_titles(
    accepted: Sequence[Paragraph], paragraphs: Sequence[Paragraph]
) -> list[Paragraph]:
    """Returns the headings without the title in another language, above the abstract in it."""
    above_abstract = {
        id(above)
        for above, below in pairwise(paragraphs)
        if below.lines[0].page <= FRONT_PAGES and begins_abstract(below.text)
    }
    return [
        heading
        for heading in accepted
        if id(heading) not in above_abstract
        or _is_known(heading)
        or NUMBERED.fullmatch(heading.text)
    ]


def _without_abstract_parts(
    accepted: Sequence[Paragraph], paragraphs: Sequence[Paragraph]
) -> list[Paragraph]:
    """Returns the headings without those inside a structured abstract.

    Such an abstract is one section: "Background" and "Methods" in a lesser style than its heading
    are text of it, up to the introduction.
    """
    indexes = {id(paragraph): index for index, paragraph in enumerate(paragraphs)}
    kept: list[Paragraph] = []
    abstract: Paragraph | None = None
    part: Style | None = None
    for paragraph in accepted:
        if abstract is not None:
            distance = indexes[id(paragraph)] - indexes[id(abstract)]
            style = style_of(paragraph)
            opens = part is None and (distance == 1 or not _INTRODUCTION.fullmatch(paragraph.text))
            if (
                distance <= _ABSTRACT_REACH
                and ABSTRACT_PARTS.fullmatch(paragraph.text)
                and weight(style) < weight(style_of(abstract))
                and (opens or style == part)
            ):
                part = style
                continue
        abstract = paragraph if _ABSTRACT.fullmatch(paragraph.text) else None
        part = None
        kept.append(paragraph)
    return kept
