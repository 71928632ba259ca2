"""Levels of headings: by their numbers where they have them, by their type where not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence

from domain.papers import SectionRole
from extraction.structure.roles import role_of
from extraction.text.labels import NUMBERED
from extraction.text.lines import font_family
from extraction.text.paragraphs import Paragraph

Style = tuple[float, bool, bool, bool, str]
Weight = tuple[float, bool, bool, bool]

_ROMAN = re.compile(r"[IVX]+")
_PARTS = re.compile(r"^(?:materials? and |patients and )?(method|result)s?\b")
_LOWEST = 6
_MOST_LINES = 3  # of a heading with a name in other type


def style_of(paragraph: Paragraph) -> Style:
    """Size in half points, bold, italic, capitals, font family.

    In a numbered heading a name in other type ("3.2. Extracts of O. sanctum") does not count.
    """
    lines = paragraph.lines
    leads = len(lines) <= _MOST_LINES and bool(NUMBERED.fullmatch(paragraph.text))
    return (
        round(lines[0].size * 2) / 2,
        all(line.bold or (leads and line.lead and line.lead_is_bold) for line in lines),
        all(line.italic or (leads and line.lead and not line.lead_is_bold) for line in lines),
        paragraph.text.isupper(),
        font_family(lines[0].font),
    )


def weight(style: Style) -> Weight:
    """What puts one style of headings above another: size, capitals, bold, upright."""
    size, bold, italic, upper, _ = style
    return size, upper, bold, not italic


def heading_levels(headings: Sequence[Paragraph], known: Container[int]) -> list[int]:
    """The level of each heading, from 1; `known` holds the `id` of the well-known ones.

    "2.1" is of level 2. Below roman numbers capital letters count 2 and "1)" counts 3, as in IEEE
    papers. Without a number the type decides: that of most well-known headings is level 1. What is
    no part of the body ("Funding") and has a type of its own is of level 1.
    """
    romans = sum(1 for one in headings if one.number and _ROMAN.fullmatch(one.number))
    by_type = _levels_of_weights(headings, known)
    lowered = _in_one_type(headings)
    levels: list[int] = []
    for one in headings:
        if one.number:
            levels.append(_level_of_number(one.number, romans >= 2))
            continue
        level = by_type.get(weight(style_of(one)), 1)
        is_lower = lowered and role_of(one.title) is SectionRole.BODY and id(one) not in known
        levels.append(min(_LOWEST, level + 1) if is_lower and level == 1 else level)
    return levels


def _in_one_type(headings: Sequence[Paragraph]) -> bool:
    """True when methods and results, with others below them, are headed in one type: then only the
    well-known words are of the first level."""
    names = {word for one in headings for word in _PARTS.findall(one.title.lower())[:1]}
    return {"method", "result"} <= names and not any(one.number for one in headings)


def _level_of_number(number: str, below_romans: bool) -> int:
    if not below_romans or "." in number:
        return number.count(".") + 1
    if _ROMAN.fullmatch(number):
        return 1
    return 2 if number.isalpha() else 3


def _levels_of_weights(headings: Sequence[Paragraph], known: Container[int]) -> dict[Weight, int]:
    """Levels of the styles that head the body's sections; front and back matter has often one of
    its own."""
    of_body = [one for one in headings if role_of(one.title) is SectionRole.BODY]
    weights = {weight(style_of(one)) for one in of_body}
    if not weights:
        return {}
    of_known = Counter(weight(style_of(one)) for one in of_body if id(one) in known)
    top = max(of_known, key=lambda one: (of_known[one], one)) if of_known else max(weights)
    lower = sorted((one for one in weights if one < top), reverse=True)
    return {one: 1 if one >= top else min(_LOWEST, lower.index(one) + 2) for one in weights}
