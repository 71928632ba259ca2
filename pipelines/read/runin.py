"""Headings that run into their paragraph ("2.1. Animals. Rats were kept ...") become paragraphs of
their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from domain.papers import BlockKind
from pipelines.read.labels import CAPTION, NUMBERED
from pipelines.read.lines import Line, cut_line
from pipelines.read.paragraphs import Measures, Paragraph

_ABSTRACT = re.compile(r"(?:abstract|summary)\s*[.:—–-]+", re.IGNORECASE)
_REFERENCE = re.compile(r"\(\d{4}|\bet al\b|^[A-Z][\w-]+,? [A-Z]\.|https?:|@")
_LONGEST = 200
_LEAST_TEXT = 80  # characters that must follow
_Style = tuple[bool, bool]


def without_run_in_headings(found: Sequence[Paragraph], measures: Measures) -> list[Paragraph]:
    """The paragraphs; from those that begin with a heading in bold or italic, that is cut off and
    put before.

    A lead counts when it is numbered, says "Abstract", or is one of three or more of its style in
    body text.
    """
    leads = [_lead_of(paragraph, measures) for paragraph in found]
    styles = Counter(lead[2] for lead in leads if lead)
    result: list[Paragraph] = []
    for paragraph, lead in zip(found, leads, strict=True):
        if lead and (lead[3] or styles[lead[2]] >= 3):
            result.extend(_cut(paragraph, *lead[:3]))
        else:
            result.append(paragraph)
    return result


def _lead_of(paragraph: Paragraph, measures: Measures) -> tuple[int, int, _Style, bool] | None:
    """Number of the line where the lead ends, its characters on it, its style, and whether it is
    surely a heading."""
    if paragraph.kind is not BlockKind.TEXT or paragraph.lines[0].turn or len(paragraph.lines) < 2:
        return None
    if abs(paragraph.size - measures.body_size) > 1.6:
        return None
    end = _end_of_lead(paragraph.lines)
    if end is None:
        return None
    number, line = end, paragraph.lines[end]
    text = " ".join([*(one.text for one in paragraph.lines[:number]), line.lead])
    rest = paragraph.letters - len(text)
    if (
        not 4 <= len(text) <= _LONGEST
        or rest < _LEAST_TEXT
        or CAPTION.match(text)
        or _REFERENCE.search(text)
    ):
        return None
    surely = bool(NUMBERED.fullmatch(text)) or bool(_ABSTRACT.fullmatch(text))
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


def _cut(paragraph: Paragraph, number: int, length: int, style: _Style) -> list[Paragraph]:
    head, tail = cut_line(paragraph.lines[number], length)
    heading = Paragraph([*paragraph.lines[:number], head])
    for line in heading.lines:
        line.bold, line.italic = style
    return [heading, Paragraph([tail, *paragraph.lines[number + 1 :]])]
