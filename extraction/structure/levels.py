"""Levels of headings: by their numbers if they have them, otherwise by their style."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from typing import NamedTuple

from domain.papers import SectionRole
from extraction.structure.roles import role_of
from extraction.text.labels import NUMBERED
from extraction.text.paragraphs import Paragraph

Weight = tuple[float, bool, bool, bool]

_ROMAN = re.compile(r"[IVX]+")
_PARTS = re.compile(r"^(?:materials? and |patients and )?(method|result)s?\b")
_LOWEST = 6  # the deepest level
_MAX_LINES = 3  # of a numbered heading with a name in another style (heuristic)
_MIN_ROMANS = 2  # headings with roman numbers, from which on the numbering is that of IEEE papers


class Style(NamedTuple):
    """The type of a paragraph: size in half points, bold, italic, capitals, font family."""

    size: float
    bold: bool
    italic: bool
    upper: bool
    family: str


def style_of(paragraph: Paragraph) -> Style:
    """Returns the style of a paragraph. In a numbered heading a name in another style ("3.2.
    Extracts of O. sanctum") does not count."""
    lines = paragraph.lines
    leads = len(lines) <= _MAX_LINES and bool(NUMBERED.fullmatch(paragraph.text))
    return Style(
        lines[0].half_points,
        all(line.bold or (leads and line.lead and line.lead_is_bold) for line in lines),
        all(line.italic or (leads and line.lead and not line.lead_is_bold) for line in lines),
        paragraph.text.isupper(),
        lines[0].family,
    )


def weight(style: Style) -> Weight:
    """Returns what ranks one style of headings above another: size, capitals, bold, upright."""
    return style.size, style.upper, style.bold, not style.italic


def heading_levels(headings: Sequence[Paragraph], known: Container[int]) -> list[int]:
    """Returns the level of each heading, from 1; `known` holds the `id` of the well-known ones.

    "2.1" is of level 2. Below roman numbers, capital letters are of level 2 and "1)" is of level 3,
    as in IEEE papers. Without a number the style decides: that of most well-known headings is level
    1. A heading outside the body ("Funding") in a style of its own is of level 1.
    """
    romans = sum(1 for heading in headings if heading.number and _ROMAN.fullmatch(heading.number))
    by_type = _levels_of_weights(headings, known)
    lowered = _share_one_style(headings)
    levels: list[int] = []
    for heading in headings:
        if heading.number:
            levels.append(_level_of_number(heading.number, romans >= _MIN_ROMANS))
            continue
        level = by_type.get(weight(style_of(heading)), 1)
        is_of_body = role_of(heading.title) is SectionRole.BODY and id(heading) not in known
        levels.append(2 if lowered and is_of_body and level == 1 else level)
    return levels


def _share_one_style(headings: Sequence[Paragraph]) -> bool:
    """True if methods, results and the headings below them have one style: then only the well-known
    words are of the first level."""
    names = {word for heading in headings for word in _PARTS.findall(heading.title.lower())[:1]}
    return {"method", "result"} <= names and not any(heading.number for heading in headings)


def _level_of_number(number: str, below_romans: bool) -> int:
    if not below_romans or "." in number:
        return number.count(".") + 1
    if _ROMAN.fullmatch(number):
        return 1
    return 2 if number.isalpha() else 3


def _levels_of_weights(headings: Sequence[Paragraph], known: Container[int]) -> dict[Weight, int]:
    """Returns the levels of the body's styles; front and back matter often has its own."""
    of_body = [heading for heading in headings if role_of(heading.title) is SectionRole.BODY]
    weights = {weight(style_of(heading)) for heading in of_body}
    if not weights:
        return {}
    of_known = Counter(weight(style_of(heading)) for heading in of_body if id(heading) in known)
    top = max(of_known, key=lambda rank: (of_known[rank], rank)) if of_known else max(weights)
    lower = sorted((rank for rank in weights if rank < top), reverse=True)
    return {rank: 1 if rank >= top else min(_LOWEST, lower.index(rank) + 2) for rank in weights}
