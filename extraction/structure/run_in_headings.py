"""Headings that run into their paragraph ("2.1. Animals. Rats were kept ...") become paragraphs of
their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from domain.papers import BlockKind, SectionRole
from extraction.structure.roles import role_of
from extraction.text.labels import ABSTRACT_PARTS, CAPTION, NUMBERED
from extraction.text.lines import Line, cut_line
from extraction.text.page_metrics import Measures
from extraction.text.paragraphs import Paragraph

_ABSTRACT = re.compile(r"(?:abstract|summary)\s*[.:—–-]*", re.IGNORECASE)
_REFERENCE = re.compile(r"\(\d{4}|\bet al\b|^[A-Z][\w-]+,? [A-Z]\.|https?:|@")
_LONGEST = 200
_LEAST_TEXT = 80  # characters that must follow
_LEAST_BACK_MATTER = 10
_OTHER_SIZE = 2.6  # points
_THANKS = (SectionRole.ACKNOWLEDGEMENTS,)
_BACK = (*_THANKS, SectionRole.BACK_MATTER)
_LEAST_ALIKE = {".": 3, ":": 3, "": 2}  # leads of one style by how they end
_Style = tuple[bool, bool]
_Lead = tuple[int, int, _Style, str, bool]


def without_run_in_headings(found: Sequence[Paragraph], measures: Measures) -> list[Paragraph]:
    """The paragraphs; from those that begin with a heading in bold or italic, that is cut off and
    put before.

    A lead counts when it is numbered, says "Abstract" or "Acknowledgements", names a part of the
    back matter ("Funding:") behind the bibliography, which ends there, or is one of some that have
    its style and end as it does in body text.
    """
    leads: list[_Lead | None] = []
    behind = False
    for paragraph in found:
        behind = behind or (len(paragraph.lines) == 1 and _is_references(paragraph))
        leads.append(_lead_of(paragraph, measures, behind))
    alike = Counter(lead[2:4] for lead in leads if lead)
    types = _types(found, leads)
    result: list[Paragraph] = []
    for paragraph, lead in zip(found, leads, strict=True):
        if lead and (lead[4] or alike[lead[2:4]] >= _LEAST_ALIKE[lead[3]]):
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
    """Number of the line where the lead ends, its characters on it, its style, how it ends, and
    whether it is surely a heading; `behind` the bibliography more are."""
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
    after = line.text[len(line.lead) :].strip()
    opens = not text[-1].isalpha() or not after[:1].islower()
    surely = backs or bool(NUMBERED.fullmatch(text)) or (opens and bool(_ABSTRACT.fullmatch(text)))
    ending = _ending(text, after, line.lead_is_bold)
    if not surely and (ending is None or not text[0].isupper()):
        return None
    style = (True, False) if line.lead_is_bold else (False, True)
    return number, len(line.lead), style, ending or "", surely


def _ending(lead: str, text: str, is_bold: bool) -> str | None:
    """How the lead ends before the text: by a point, a colon, or in bold only ("Animals Rats were
    kept ..."); None when it is not set off. Parts of an abstract ("Results:") and of the back
    matter, which many papers set with a colon, are text."""
    if lead[-1] in ".?":
        return "."
    if lead[-1] == ":":
        is_part = ABSTRACT_PARTS.fullmatch(lead) or role_of(lead) is not SectionRole.BODY
        return None if is_part else ":"
    is_phrase = lead[-1].isalnum() and " " in lead and ". " not in lead
    return "" if is_bold and is_phrase and text[:1].isupper() else None


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
