"""Separates headings that run into their paragraph ("2.1. Animals. Rats were kept ...") as
paragraphs of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from domain.papers import BlockKind, SectionRole
from extraction.structure.roles import role_of
from extraction.text.labels import ABSTRACT_PARTS, NUMBERED
from extraction.text.lines import Line, cut_line
from extraction.text.page_metrics import DocumentMetrics
from extraction.text.paragraphs import Paragraph
from extraction.vocabulary.captions import is_caption
from extraction.vocabulary.front_matter import ABSTRACT_OR_SUMMARY
from extraction.vocabulary.section_names import SectionName, section_name

_ABSTRACT = re.compile(rf"(?:{ABSTRACT_OR_SUMMARY})\s*[.:—–-]*", re.IGNORECASE)
_REFERENCE = re.compile(r"\(\d{4}|\bet al\b|^[A-Z][\w-]+,? [A-Z]\.|https?:|@")
# Heuristics. Lengths are in characters.
_MIN_LENGTH, _MAX_LENGTH, _MAX_LINES = 4, 200, 3  # of a run-in heading
_MIN_TEXT = 80  # that must follow
_MIN_BACK_MATTER = 10  # that must follow a heading of the back matter
_MAX_SIZE_DIFFERENCE_POINTS = 2.6  # from the body
_ACKNOWLEDGEMENTS = (SectionRole.ACKNOWLEDGEMENTS,)
_BACK_MATTER = (*_ACKNOWLEDGEMENTS, SectionRole.BACK_MATTER)
_MIN_ALIKE = {".": 3, ":": 3, "": 2}  # leads of one style, by their ending
_Style = tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class _Lead:
    """A possible heading: it ends on line `line` after `length` characters of it.

    `style` is bold and italic. `is_certain`: its words alone identify it as a heading.
    """

    line: int
    length: int
    style: _Style
    ending: str
    is_certain: bool


def without_run_in_headings(
    paragraphs: Sequence[Paragraph], metrics: DocumentMetrics
) -> list[Paragraph]:
    """Returns the paragraphs; a heading in bold or italic at the beginning of one becomes a
    paragraph before it.

    A lead counts as heading if it is numbered, is "Abstract" or "Acknowledgements", names a part of
    the back matter ("Funding:") after the bibliography, which ends there, or is one of several with
    the same style and ending in body text.
    """
    leads: list[_Lead | None] = []
    after_references = False
    for paragraph in paragraphs:
        is_one_line = len(paragraph.lines) == 1
        after_references = after_references or (
            is_one_line and role_of(paragraph.text) is SectionRole.REFERENCES
        )
        leads.append(_lead_of(paragraph, metrics, after_references))
    alike = Counter((lead.style, lead.ending) for lead in leads if lead)
    # Size and font of a style, from the leads that fill their first line; else they are unknown.
    fonts = {
        lead.style: (paragraph.size, paragraph.lines[0].font)
        for paragraph, lead in zip(paragraphs, leads, strict=True)
        if lead and lead.line > 0
    }
    result: list[Paragraph] = []
    for paragraph, lead in zip(paragraphs, leads, strict=True):
        if lead and (lead.is_certain or alike[lead.style, lead.ending] >= _MIN_ALIKE[lead.ending]):
            result.extend(_cut(paragraph, lead, fonts.get(lead.style)))
        else:
            result.append(paragraph)
    return result


def _lead_of(
    paragraph: Paragraph, metrics: DocumentMetrics, after_references: bool
) -> _Lead | None:
    """Returns the lead, None without one; more leads are certain after the references."""
    first = paragraph.lines[0]
    if paragraph.kind is not BlockKind.TEXT or first.rotation or not first.text:
        return None
    is_other_size = abs(paragraph.size - metrics.body_size) > _MAX_SIZE_DIFFERENCE_POINTS
    if is_other_size or metrics.is_in_side_bar(first):
        return None
    number = _end_of_lead(paragraph.lines)
    if number is None:
        return None
    line = paragraph.lines[number]
    text = " ".join([*(above.text for above in paragraph.lines[:number]), line.lead])
    rest = paragraph.letters - len(text)
    is_back_matter = text[-1:] in ".:" and role_of(text) in (
        _BACK_MATTER if after_references else _ACKNOWLEDGEMENTS
    )
    if (
        not _MIN_LENGTH <= len(text) <= _MAX_LENGTH
        or rest < (_MIN_BACK_MATTER if is_back_matter else _MIN_TEXT)
        or is_caption(text)
        or _REFERENCE.search(text)
    ):
        return None
    after = line.text[len(line.lead) :].strip()
    opens = not text[-1].isalpha() or not after[:1].islower()
    is_abstract = opens and (
        _ABSTRACT.fullmatch(text) is not None or section_name(text) is SectionName.ABSTRACT
    )
    is_certain = is_back_matter or is_abstract or NUMBERED.fullmatch(text) is not None
    ending = _ending(text, after, line.lead_is_bold)
    if not is_certain and (ending is None or not text[0].isupper()):
        return None
    style = (True, False) if line.lead_is_bold else (False, True)
    return _Lead(number, len(line.lead), style, ending or "", is_certain)


def _ending(lead: str, text: str, is_bold: bool) -> str | None:
    """Returns how the lead ends before the text: with a full stop, a colon, or by its bold type
    only ("Animals Rats were kept ...").

    Returns None if it is not set off. Parts of an abstract ("Results:") and of the back matter are
    text, because many papers set them with a colon.
    """
    if lead[-1] in ".?":
        return "."
    if lead[-1] == ":":
        is_part = ABSTRACT_PARTS.fullmatch(lead) or role_of(lead) is not SectionRole.BODY
        return None if is_part else ":"
    is_phrase = lead[-1].isalnum() and " " in lead and ". " not in lead
    return "" if is_bold and is_phrase and text[:1].isupper() else None


def _end_of_lead(lines: Sequence[Line]) -> int | None:
    for number, line in enumerate(lines[:_MAX_LINES]):
        if line.lead:
            return number if line.text.startswith(line.lead) and line.lead != line.text else None
        if not (line.bold or line.italic):
            return None
    return None


def _cut(
    paragraph: Paragraph, lead: _Lead, size_and_font: tuple[float, str] | None
) -> list[Paragraph]:
    head, tail = cut_line(paragraph.lines[lead.line], lead.length)
    heading = Paragraph([*paragraph.lines[: lead.line], head])
    for line in heading.lines:
        line.bold, line.italic = lead.style
        line.size, line.font = size_and_font or (line.size, heading.lines[0].font)
    text = paragraph.lines[lead.line + 1 :]
    if text:  # the line has the size and font of its longer half
        tail.size, tail.font = text[0].size, text[0].font
    return [heading, Paragraph([tail, *text])]
