"""Headings: short paragraphs that are numbered, well known, or set in other type than the body."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from itertools import pairwise

from domain.papers import BlockKind, SectionRole
from extraction.structure.levels import Style, heading_levels, style_of, weight
from extraction.structure.roles import role_of
from extraction.text.labels import ABSTRACT_PARTS, ARTICLE_KIND, KNOWN, NUMBERED, TABLE_CAPTION
from extraction.text.lines import Line, font_family
from extraction.text.page_metrics import Measures
from extraction.text.paragraphs import Paragraph

_FRONT_ENDS = re.compile(r"(?:abstract|summary|introduction|background|keywords?)\b", re.IGNORECASE)
_NOT_A_HEADING = re.compile(
    r"^(?:author )?key ?words?\b|https?:|www\.|@|doi:|©|\bet al\b|^\W*\d[\d.,%–\s±]*$|"
    r"[=<>≤≥∑∫]|^(?:received|revised|submitted|accepted|published|correspond|e-?mail|citation|"
    r"(?:\w+ )?editor|how to cite|cite this|article ?info|contents$|"
    r"open access$|check for updates|ccs concepts)|"
    r"^(?:theorem|lemma|proposition|corollary|definition|proof|remark|claim)\b|"
    r"\(continued\)",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(r"(?:abstract|summary)\W*", re.IGNORECASE)
_INTRODUCTION = re.compile(r"(?:introduction|background)\W*", re.IGNORECASE)
_ENDS = (SectionRole.ACKNOWLEDGEMENTS, SectionRole.BACK_MATTER, SectionRole.APPENDIX)
_LONGEST = 180
_AHEAD = 4  # headings (with the first) that may stand above one another before text comes
_ABSTRACT_REACH = 40  # paragraphs, those of a side bar included
_PROSE_LETTERS = 60
_ALIKE = 2  # headings numbered alike, with text below them
_SPACED_OUT = 0.85  # width of a line in its type's size, per character; cells stand wider apart


def mark_headings(found: Sequence[Paragraph], measures: Measures, title: Sequence[Line]) -> None:
    """Sets `kind`, `level`, `number` and `title` of the paragraphs that are headings. `title` lines
    are none."""
    in_title = {id(line) for line in title}
    printed = " ".join(line.text for line in title).lower()  # some papers print it once more
    start = _end_of_front(found, in_title)
    candidates = [
        index
        for index, paragraph in enumerate(found)
        if id(paragraph.lines[0]) not in in_title
        and paragraph.text.lower() != printed
        and _may_be_heading(paragraph)
        and (index >= start or _is_known(paragraph))
        and not _is_in_side_bar(paragraph, measures)
    ]
    candidates = _standing_out(candidates, found, measures)
    accepted = _of_heading_style([found[index] for index in candidates], found)
    accepted = _without_words_of_tables(accepted, found, measures)
    accepted = _without_abstract_parts(accepted, found)
    for paragraph in accepted:
        numbered = NUMBERED.fullmatch(paragraph.text)
        paragraph.kind = BlockKind.HEADING
        paragraph.number = numbered["number"].rstrip(".)") if numbered else None
        paragraph.title = numbered["title"] if numbered else paragraph.text
    known = {id(paragraph) for paragraph in accepted if _is_known(paragraph)}
    for paragraph, level in zip(accepted, heading_levels(accepted, known), strict=True):
        paragraph.level = level
    _raise_ends(accepted)


def _raise_ends(headings: Sequence[Paragraph]) -> None:
    """Puts the abstract on the first level, and what ends a paper behind its bibliography on the
    level of that, whatever their type."""
    for heading in headings:
        if heading.number is None and role_of(heading.title) is SectionRole.ABSTRACT:
            heading.level = 1
    for before, heading in pairwise(headings):
        if role_of(before.title) is SectionRole.REFERENCES and role_of(heading.title) in _ENDS:
            heading.level = min(heading.level, before.level)


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
        or paragraph.lines[0].turn
    ):
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
    """True in the narrow column that some first pages have for dates, editors and licences; nothing
    in it has a number."""
    line = paragraph.lines[0]
    return (
        line.page <= 2
        and measures.width_of(line) < 0.5 * measures.column_width
        and not _is_known(paragraph)
        and not NUMBERED.fullmatch(paragraph.text)
    )


def _of_heading_style(candidates: list[Paragraph], found: Sequence[Paragraph]) -> list[Paragraph]:
    """The candidates that are well known, or in a style that prints headings more than it prints
    text."""
    of_text = Counter(
        (round(line.size * 2) / 2, line.bold, line.italic, line.is_upper, font_family(line.font))
        for paragraph in found
        if len(paragraph.lines) >= 3 and paragraph.letters > _LONGEST
        for line in paragraph.lines[1:-1]
    )
    styles = Counter(style_of(paragraph) for paragraph in candidates)
    return [
        paragraph
        for paragraph in candidates
        if _is_known(paragraph) or of_text[style_of(paragraph)] <= 3 * styles[style_of(paragraph)]
    ]


def _standing_out(
    candidates: Sequence[int], found: Sequence[Paragraph], measures: Measures
) -> list[int]:
    """The candidates that stand out by themselves, and those numbered in a type and to a depth in
    which others do: below them may come code, a formula, a list."""
    sure = {index for index in candidates if _stands_out(index, found, measures)}
    ways = Counter(_way_of_numbering(found[index]) for index in sure)
    numbers = {tuple(_numbers(found[index])) for index in sure}

    def is_alike(paragraph: Paragraph) -> bool:
        way = _way_of_numbering(paragraph)
        if way is None or _is_plain(paragraph, measures):
            return False
        return ways[way] >= _ALIKE or _fits(tuple(_numbers(paragraph)), numbers)

    return [index for index in candidates if index in sure or is_alike(found[index])]


def _fits(number: tuple[int, ...], others: Container[tuple[int, ...]]) -> bool:
    """True when the number is missing among the others: the one above it and one beside it, or the
    ones at both of its sides, are there."""
    *above, last = number
    beside = [(*above, last + step) in others for step in (-1, 1)]
    is_first = last == 1 and len(number) > 1
    return number not in others and (
        all(beside) or (tuple(above) in others and (any(beside) or is_first))
    )


def _numbers(paragraph: Paragraph) -> list[int]:
    """The parts of a heading's number, none where it has letters."""
    numbered = NUMBERED.fullmatch(paragraph.text)
    parts = numbered["number"].rstrip(".)").split(".") if numbered else []
    return [int(part) for part in parts] if all(map(str.isdecimal, parts)) else []


def _way_of_numbering(paragraph: Paragraph) -> tuple[Style, int] | None:
    """Type and depth of a numbered heading."""
    numbered = NUMBERED.fullmatch(paragraph.text)
    if numbered is None or not numbered["number"][0].isdigit():
        return None
    return style_of(paragraph), numbered["number"].rstrip(".)").count(".")


def _is_plain(paragraph: Paragraph, measures: Measures) -> bool:
    """True when it is set in the type of the body."""
    size, bold, italic, upper, family = style_of(paragraph)
    is_other = bold or italic or upper or family != font_family(measures.body_font)
    return not is_other and size <= measures.body_size + 0.4


def _stands_out(index: int, found: Sequence[Paragraph], measures: Measures) -> bool:
    paragraph = found[index]
    size, bold, italic, _, family = style_of(paragraph)
    known = _is_known(paragraph)
    other_font = family != font_family(measures.body_font)
    if _is_plain(paragraph, measures):
        return known and paragraph.letters < 40
    if known:
        return True
    if size < 0.7 * measures.body_size or index + 1 == len(found):
        return False
    if paragraph.text.endswith(".") and not (bold or italic or NUMBERED.fullmatch(paragraph.text)):
        return False
    if size > measures.body_size * 1.12 and (bold or other_font):
        return True
    return not _is_spaced_out(paragraph) and _leads_text(index, found, measures)


def _is_spaced_out(paragraph: Paragraph) -> bool:
    """True when its words stand far apart, as the cells in the head of a table do."""
    return any(
        len(line.text) > 8 and line.x1 - line.x0 > _SPACED_OUT * line.size * len(line.text)
        for line in paragraph.lines
    )


def _leads_text(index: int, found: Sequence[Paragraph], measures: Measures) -> bool:
    """True when text comes next, or headings in other type and then text."""
    style = style_of(found[index])
    for following in found[index + 1 : index + _AHEAD]:
        if _is_text(following, measures):
            return not following.text[0].islower()
        if following.size < 0.7 * measures.body_size or not _may_be_heading(following):
            return False
        if (lower := style_of(following)) == style:
            return False
        style = lower
    return False


def _is_text(paragraph: Paragraph, measures: Measures) -> bool:
    if abs(paragraph.size - measures.body_size) > 0.6 or paragraph.kind is not BlockKind.TEXT:
        return False
    return paragraph.letters > _PROSE_LETTERS or (
        paragraph.letters > 15 and paragraph.text.endswith(".")
    )


def _without_words_of_tables(
    accepted: list[Paragraph], found: Sequence[Paragraph], measures: Measures
) -> list[Paragraph]:
    """The candidates but for words between a table's caption and the next text; a heading below a
    table has the type of others."""
    places = {id(paragraph): index for index, paragraph in enumerate(found)}
    inside = _inside_tables(found, measures)
    styles = Counter(style_of(p) for p in accepted if places[id(p)] not in inside)

    def is_one(paragraph: Paragraph) -> bool:
        index = places[id(paragraph)]
        if index not in inside:
            return True
        alike = styles[style_of(paragraph)]
        if _is_known(paragraph):
            return alike > 0 or not styles
        return alike > 1 and (
            bool(NUMBERED.fullmatch(paragraph.text))
            or _is_text(found[min(index + 1, len(found) - 1)], measures)
        )

    return [paragraph for paragraph in accepted if is_one(paragraph)]


def _inside_tables(found: Sequence[Paragraph], measures: Measures) -> set[int]:
    inside: set[int] = set()
    is_inside = False
    for index, paragraph in enumerate(found):
        if TABLE_CAPTION.match(paragraph.lines[0].text):
            is_inside = True
        elif is_inside and _is_prose(paragraph, measures):
            is_inside = False
        if is_inside:
            inside.add(index)
    return inside


def _is_prose(paragraph: Paragraph, measures: Measures) -> bool:
    full = sum(1 for line in paragraph.lines if line.x1 - line.x0 > 0.8 * measures.width_of(line))
    return paragraph.letters > 150 and full >= 2 and abs(paragraph.size - measures.body_size) < 0.6


def _without_abstract_parts(
    accepted: Sequence[Paragraph], found: Sequence[Paragraph]
) -> list[Paragraph]:
    """A structured abstract is one section: "Background", "Methods" in lesser type than its heading
    are text of it, up to the introduction."""
    places = {id(paragraph): index for index, paragraph in enumerate(found)}
    kept: list[Paragraph] = []
    abstract: Paragraph | None = None
    part: Style | None = None
    for paragraph in accepted:
        if abstract is not None:
            distance = places[id(paragraph)] - places[id(abstract)]
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
