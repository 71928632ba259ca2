"""Headings that run into their paragraph ("2.1. Animals. Rats were kept ...") become paragraphs of
their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from domain.papers import BlockKind, SectionRole
from pipelines.read.labels import CAPTION, NUMBERED
from pipelines.read.lines import Line, cut_line
from pipelines.read.measures import Measures
from pipelines.read.paragraphs import Paragraph
from pipelines.read.roles import role_of

_ABSTRACT = re.compile(r"(?:abstract|summary)\s*[.:—–-]+", re.IGNORECASE)
_REFERENCE = re.compile(r"\(\d{4}|\bet al\b|^[A-Z][\w-]+,? [A-Z]\.|https?:|@")
_LONGEST = 200
_LEAST_TEXT = 80  # characters that must follow
_LEAST_BACK_MATTER = 10
_OTHER_SIZE = 2.6  # points
_THANKS = (SectionRole.ACKNOWLEDGEMENTS,)
_BACK = (*_THANKS, SectionRole.BACK_MATTER)
_Style = tuple[bool, bool]
_Lead = tuple[int, int, _Style, bool]


def without_run_in_headings(found: Sequence[Paragraph], measures: Measures) -> list[Paragraph]:
    """The paragraphs; from those that begin with a heading in bold or italic, that is cut off and
    put before.

    A lead counts when it is numbered, says "Abstract" or "Acknowledgements", names a part of the
    back matter ("Funding:") behind the bibliography, which ends there, or is one of three or more
    of its style in body text.
    """
    leads: list[_Lead | None] = []
    behind = False
    for paragraph in found:
        behind = behind or (len(paragraph.lines) == 1 and _is_references(paragraph))
        leads.append(_lead_of(paragraph, measures, behind))
    styles = Counter(lead[2] for lead in leads if lead)
    types = _types(found, leads)
    result: list[Paragraph] = []
    for paragraph, lead in zip(found, leads, strict=True):
        if lead and (lead[3] or styles[lead[2]] >= 3):
            result.extend(_cut(paragraph, *lead[:3], types.get(lead[2])))
        else:
            result.append(paragraph)
    return result


def _types(
    found: Sequence[Paragraph], leads: Sequence[_Lead | None]
) -> dict[_Style, tuple[float, str]]:
    """Size and font of each style of leads, from those that fill their first line; of the others it
    is only known that they differ from the text."""
    return {
        lead[2]: (paragraph.lines[0].size, paragraph.lines[0].font)
        for paragraph, lead in zip(found, leads, strict=True)
        if lead and lead[0] > 0
    }


def _is_references(paragraph: Paragraph) -> bool:
    return role_of(paragraph.text) is SectionRole.REFERENCES


def _lead_of(paragraph: Paragraph, measures: Measures, behind: bool) -> _Lead | None:
    """Number of the line where the lead ends, its characters on it, its style, and whether it is
    surely a heading; `behind` the bibliography more are."""
    if (
        paragraph.kind is not BlockKind.TEXT
        or paragraph.lines[0].turn
        or not paragraph.lines[0].text
    ):
        return None
    first = paragraph.lines[0]
    if abs(paragraph.size - measures.body_size) > _OTHER_SIZE or (
        first.page <= 2 and measures.width_of(first) < 0.5 * measures.column_width
    ):
        return None
    end = _end_of_lead(paragraph.lines)
    if end is None:
        return None
    number, line = end, paragraph.lines[end]
    text = " ".join([*(one.text for one in paragraph.lines[:number]), line.lead])
    rest = paragraph.letters - len(text)
    backs = text[-1:] in ".:" and role_of(text) in (_BACK if behind else _THANKS)
    if (
        not 4 <= len(text) <= _LONGEST
        or rest < (_LEAST_BACK_MATTER if backs else _LEAST_TEXT)
        or CAPTION.match(text)
        or _REFERENCE.search(text)
    ):
        return None
    surely = backs or bool(NUMBERED.fullmatch(text)) or bool(_ABSTRACT.fullmatch(text))
    if not surely and not (text[-1] in ".?" and text[0].isupper()):
        return None
    style = (True, False) if line.lead_is_bold else (False, True)
    return number, len(line.lead), style, surely


def _end_of_lead(lines: Sequence[Line]) -> int | None:
    for number, line in enumerate(lines[:3]):
        if line.lead:
            return number if line.text.startswith(line.lead) and line.lead != line.text else None
        if not (line.bold or line.italic):
            return None
    return None


def _cut(
    paragraph: Paragraph,
    number: int,
    length: int,
    style: _Style,
    type_: tuple[float, str] | None,
) -> list[Paragraph]:
    head, tail = cut_line(paragraph.lines[number], length)
    heading = Paragraph([*paragraph.lines[:number], head])
    for line in heading.lines:
        line.bold, line.italic = style
        line.size, line.font = type_ or (line.size, heading.lines[0].font)
    text = paragraph.lines[number + 1 :]
    if text:  # the line had the type of its longer half
        tail.size, tail.font = text[0].size, text[0].font
    return [heading, Paragraph([tail, *text])]
