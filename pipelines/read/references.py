"""The bibliography: one paragraph per entry, where entries can be told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from domain.papers import BlockKind
from pipelines.read.labels import REFERENCES
from pipelines.read.lines import Line
from pipelines.read.paragraphs import Paragraph

_NUMBER = re.compile(r"(?:\[(\d{1,4})\]|\((\d{1,4})\)|(\d{1,4})[.)]?)(?:\s+|(?=[A-Z]))(?=\S)")
_LABEL = re.compile(r"\[[A-Z][\w+.,& -]{1,30}\]\s")
_AUTHOR = re.compile(
    r"(?:[a-z]{2,3} ){0,2}[A-ZÀ-Þ][\w'’‐-]+(?: [A-ZÀ-Þ][\w'’‐-]+)?,? (?:[A-Z]\b\.?|[A-Z][a-z]+\b)"
)
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
_DOI_ENDS = ".,;:)]}>'\"”’"


def split_references(found: Sequence[Paragraph]) -> list[Paragraph]:
    """All paragraphs; those of the bibliography are made its entries and marked REFERENCE."""
    result: list[Paragraph] = []
    taken: list[Line] = []
    inside = False
    for paragraph in found:
        if paragraph.kind is BlockKind.HEADING:
            result.extend(_entries(taken))
            taken = []
            inside = bool(REFERENCES.fullmatch(paragraph.title)) or (inside and paragraph.level > 1)
            result.append(paragraph)
        elif inside and paragraph.kind is not BlockKind.CAPTION:
            taken.extend(paragraph.lines)
        else:
            result.append(paragraph)
    result.extend(_entries(taken))
    return result


def find_doi(text: str) -> str | None:
    """The first DOI printed in the text, in lower case, None when there is none."""
    found = _DOI.search(text)
    if found is None:
        return None
    doi = found[0].rstrip(_DOI_ENDS)
    return doi.lower()


def _entries(lines: list[Line]) -> list[Paragraph]:
    if not lines:
        return []
    starts = (
        _numbered_starts(lines)
        or _hanging_starts(lines)
        or _spaced_starts(lines)
        or _author_starts(lines)
    )
    if not starts:
        return _marked([[line] for line in lines]) if len(lines) < 3 else _marked(_by_gap(lines))
    if starts[0] != 0:
        starts = [0, *starts]
    groups = [
        lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]
    return _marked(groups)


def _marked(groups: list[list[Line]]) -> list[Paragraph]:
    entries = [Paragraph(group) for group in groups]
    for entry in entries:
        entry.kind = BlockKind.REFERENCE
    return entries


def _numbered_starts(lines: Sequence[Line]) -> list[int]:
    """Lines that begin with the next number, counting from the first one; [] when the entries are
    not numbered."""
    starts: list[int] = []
    expected: int | None = None
    for index, line in enumerate(lines):
        found = _NUMBER.match(line.text)
        if found is None:
            if _LABEL.match(line.text):
                starts.append(index)
            continue
        number = int(found[1] or found[2] or found[3])
        if (
            number == expected
            or (expected is None and number <= 3)
            or (expected and expected < number < expected + 3)
        ):
            starts.append(index)
            expected = number + 1
    return starts if len(starts) >= 2 and starts[0] < 3 and len(lines) <= 12 * len(starts) else []


def _hanging_starts(lines: Sequence[Line]) -> list[int]:
    """Lines at the left border of their column, when most of the others are set in from it."""
    border: dict[tuple[int, int], float] = {}
    for line in lines:
        key = (line.page, line.part)
        border[key] = min(line.x0, border.get(key, line.x0))
    starts = [
        index
        for index, line in enumerate(lines)
        if line.x0 < border[line.page, line.part] + 0.4 * line.size
    ]
    return (
        starts if 0.12 * len(lines) <= len(starts) <= 0.7 * len(lines) and len(starts) > 1 else []
    )


def _spaced_starts(lines: Sequence[Line]) -> list[int]:
    """Lines with more room above them than is usual, when that holds for a good part of them."""
    distances = [line.base - before.base for before, line in pairwise(lines)]
    usual = sorted(distance for distance in distances if distance > 0)
    if len(usual) < 3:
        return []
    wide = 1.25 * usual[len(usual) // 4]
    starts = [0]
    for index, distance in enumerate(distances, start=1):
        new_column = (
            distance <= 0 and _ends_entry(lines[index - 1]) and _AUTHOR.match(lines[index].text)
        )
        if distance > wide or new_column:
            starts.append(index)
    return starts if 0.12 * len(lines) <= len(starts) <= 0.7 * len(lines) else []


def _ends_entry(line: Line) -> bool:
    return line.text.endswith((".", "]", ")")) or bool(
        re.search(r"\d$|10\.\d{4,9}/\S+$", line.text)
    )


def _author_starts(lines: Sequence[Line]) -> list[int]:
    """Lines that begin with a name and initials after a line that ends an entry."""
    starts = [0]
    for index in range(1, len(lines)):
        before, line = lines[index - 1], lines[index]
        if _ends_entry(before) and (_AUTHOR.match(line.text) or _far_below(before, line)):
            starts.append(index)
    return starts if len(starts) >= 2 else []


def _far_below(before: Line, line: Line) -> bool:
    return before.page == line.page and line.base - before.base > 1.6 * line.size


def _by_gap(lines: list[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = [[lines[0]]]
    for before, line in pairwise(lines):
        if _far_below(before, line):
            groups.append([])
        groups[-1].append(line)
    return groups
