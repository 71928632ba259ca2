"""Splits the bibliography into one paragraph per entry, if entries can be separated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile

from domain.papers import BlockKind
from extraction.structure.reference_starts import (
    MIN_ENTRIES,
    MIN_SURE_SHARE,
    begins_with_author,
    far_below,
    find_starts,
    has_year,
    number_of,
    numbered_starts,
)
from extraction.text.labels import REFERENCES, is_known_heading
from extraction.text.lines import Line
from extraction.text.paragraphs import Paragraph
from extraction.vocabulary.front_matter import NOTE_AFTER_REFERENCES
from extraction.vocabulary.section_names import SectionName, section_name

_REFERENCES_TITLE = re.compile(
    r"(?:(?:supplementa(?:ry|l)|additional|supporting|online|appendix|methods?|web|further|selected|"
    r"primary|secondary|main|cited|key) )?(?:references?|bibliography)(?: list)?"
    r"(?: (?:and notes|cited|for .{3,40}|from .{3,40}|to .{3,40}))?\s*[.:]?|"
    r"further reading|notes and references|references and further reading",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^\W*\d{1,4}\W*")
_HEADING_NUMBER = re.compile(r"^(?:\d{1,2}|[IVX]{1,5})[.)]?\s+(?=[^\W\d_])")
# Heuristics. Lengths are in characters.
_LOOK_AHEAD = 6  # paragraphs that are searched for entries
_MAX_TITLE_LENGTH = 60
_MIN_ENTRY_LINE = 13  # length of a line of an entry that looks like a heading
_MAX_ENTRIES_PER_YEAR = 3  # a bibliography has a year in every third entry at least
_MIN_LINES = 3  # of a bibliography whose entries are separated by gaps
_LINE_END_LENGTH = 20  # where a slash indicates the rest of a web address
_ENTRY_LINES = 4  # of an entry, up to its year
_MAX_ENTRY_LENGTH, _YEAR_REACH = 700, 300  # of an entry by author and year, and up to its year


def split_references(paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """Returns all paragraphs; those of a bibliography are split into its entries and marked
    REFERENCE.

    A bibliography begins at its heading. It ends at the next heading that does not belong to it, or
    at the notes that journals print below. A bibliography without a heading is accepted only if it
    is numbered from 1 or is a run of entries by author and year, each with a year.
    """
    result: list[Paragraph] = []
    inside: list[Paragraph] | None = None
    any_found = False
    paragraphs = _with_plain_headings(paragraphs)
    for index, paragraph in enumerate(paragraphs):
        if paragraph.kind is BlockKind.HEADING:
            if is_references_title(paragraph.title):
                result.extend(_entries(inside))
                result.append(paragraph)
                inside, any_found = [], True
                continue
            if inside is not None and _is_line_of_entry(paragraphs, index):
                paragraph.kind, paragraph.level = BlockKind.TEXT, 0
            elif inside is not None:
                result.extend(_entries(inside))
                is_lower = paragraph.level > 1
                inside = [] if is_lower and _continues(paragraphs, index) else None
        if inside is None or _interrupts(paragraph):
            result.append(paragraph)
        else:
            inside.append(paragraph)
    result.extend(_entries(inside))
    return result if any_found else _with_unheaded(result)


def is_references_title(title: str) -> bool:
    """True for the heading of a bibliography, also in small capitals: "R EFERENCES"."""
    plain = title.strip()
    if len(plain) > _MAX_TITLE_LENGTH:
        return False
    closed = "".join(plain.split())
    return section_name(plain) is SectionName.REFERENCES or any(
        REFERENCES.fullmatch(text) or _REFERENCES_TITLE.fullmatch(text) for text in (plain, closed)
    )


def _with_plain_headings(paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """Makes a line "References" in the style of the text a heading if entries follow it."""
    result: list[Paragraph] = []
    for index, paragraph in enumerate(paragraphs):
        title = _HEADING_NUMBER.sub("", paragraph.lines[0].text)
        if paragraph.kind is not BlockKind.TEXT or not is_references_title(title):
            result.append(paragraph)
            continue
        rest = [Paragraph(paragraph.lines[1:])] if len(paragraph.lines) > 1 else []
        if not _is_bibliographic([*rest, *paragraphs[index + 1 : index + _LOOK_AHEAD]]):
            result.append(paragraph)
            continue
        head = Paragraph(paragraph.lines[:1])
        head.kind, head.title, head.level = BlockKind.HEADING, title, 1
        result += [head, *rest]
    return result


def _interrupts(paragraph: Paragraph) -> bool:
    """True for captions, margin notes and footnotes between entries; an entry may be a footnote."""
    if paragraph.kind is BlockKind.FOOTNOTE:
        return not (_begins_entry(paragraph.text) and has_year(paragraph.text))
    return paragraph.kind in (BlockKind.HEADING, BlockKind.CAPTION, BlockKind.ASIDE)


def _is_line_of_entry(paragraphs: Sequence[Paragraph], index: int) -> bool:
    """True for a line of an entry that looks like a heading: "17. Meeting, 2019."."""
    text = paragraphs[index].text
    is_entry = has_year(text) or text.rstrip().endswith((".", ",", ";")) or number_of(text)
    return bool(is_entry) and len(text) >= _MIN_ENTRY_LINE and _continues(paragraphs, index)


def _continues(paragraphs: Sequence[Paragraph], index: int) -> bool:
    """True if entries follow a heading that begins no other section ("Primary sources")."""
    title = paragraphs[index].title
    if is_known_heading(title) or NOTE_AFTER_REFERENCES.match(title):
        return False
    return _is_bibliographic(paragraphs[index + 1 : index + 1 + _LOOK_AHEAD])


def _is_bibliographic(following: Sequence[Paragraph]) -> bool:
    """True if half of the paragraphs up to a heading begin like an entry, and any has a year."""
    section = takewhile(lambda paragraph: paragraph.kind is not BlockKind.HEADING, following)
    texts = [paragraph.text for paragraph in section if paragraph.kind is BlockKind.TEXT]
    return 2 * sum(map(_begins_entry, texts)) >= len(texts) and any(map(has_year, texts))


def _begins_entry(text: str) -> bool:
    return begins_with_author(text) or number_of(text) is not None


def _entries(inside: Sequence[Paragraph] | None) -> list[Paragraph]:
    """Returns the entries, marked, and the notes behind them as text.

    Returns the paragraphs unchanged if they are no bibliography (a "References" that heads the
    column of a table).
    """
    if not inside:
        return []
    groups = _grouped([line for paragraph in inside for line in paragraph.lines])
    texts = list(map(_joined, groups))
    if _MAX_ENTRIES_PER_YEAR * sum(map(has_year, texts)) < len(groups):
        return list(inside)
    entries = list(map(Paragraph, groups))
    for number, (entry, text) in enumerate(zip(entries, texts, strict=True)):
        is_note = number and NOTE_AFTER_REFERENCES.match(text) and number_of(text) is None
        entry.kind = BlockKind.TEXT if is_note else BlockKind.REFERENCE
        if text.isdecimal():  # the number of a page or of a line
            entry.kind = BlockKind.ASIDE
    return entries


def _joined(lines: Iterable[Line]) -> str:
    return " ".join(line.text for line in lines)


def _grouped(lines: list[Line]) -> list[list[Line]]:
    end = next((index for index in range(1, len(lines)) if _is_note(lines, index)), len(lines))
    body = lines[:end]
    starts = find_starts(body) or _spread_starts(body)
    if starts[0] > 0:
        starts = [0, *starts]
    groups = [body[start:stop] for start, stop in pairwise([*starts, len(body)])]
    if end == len(lines):
        return groups
    after = next((i for i in range(end + 1, len(lines)) if _resumes(lines, i)), len(lines))
    rest = lines[after:]
    return [*groups, lines[end:after], *(_grouped(rest) if rest else [])]


def _is_note(lines: Sequence[Line], index: int) -> bool:
    """True if a note begins here: below a line that ends an entry, or one that is cut short."""
    if not NOTE_AFTER_REFERENCES.match(lines[index].text):
        return False
    before = lines[index - 1].text.rstrip()
    has_ended = before.endswith((".", "]", ")", ";")) or before[-1:].isdigit()
    return has_ended or "/" in before[-_LINE_END_LENGTH:]


def _resumes(lines: Sequence[Line], index: int) -> bool:
    """True if entries continue after a note at the foot of a first column."""
    line, before = lines[index], lines[index - 1]
    if (line.page, line.part) == (before.page, before.part):
        return False
    text = _joined(lines[index : index + _ENTRY_LINES])
    return _begins_entry(text) and has_year(text)


def _spread_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the indexes of the lines far below the one before; of each of a few lines."""
    is_short = len(lines) < _MIN_LINES
    pairs = enumerate(pairwise(lines), start=1)
    return [0, *(index for index, pair in pairs if is_short or far_below(*pair))]


def _with_unheaded(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """Splits a bibliography without a heading into entries if it is unmistakable."""
    start, end = _numbered_run(paragraphs) or _named_run(paragraphs) or (0, 0)
    return [*paragraphs[:start], *_entries(paragraphs[start:end]), *paragraphs[end:]]


def _numbered_run(paragraphs: Sequence[Paragraph]) -> tuple[int, int] | None:
    """Returns the range of the last paragraphs that are numbered from 1 and have a year each."""
    for start in range(len(paragraphs) - 1, -1, -1):
        paragraph = paragraphs[start]
        if paragraph.kind is not BlockKind.TEXT or number_of(paragraph.text) != 1:
            continue
        end = next(
            (i for i in range(start, len(paragraphs)) if paragraphs[i].kind is not BlockKind.TEXT),
            len(paragraphs),
        )
        lines = [line for entry in paragraphs[start:end] for line in entry.lines]
        starts = numbered_starts(lines)
        if starts[:1] == [0] and _are_entries(lines, starts):
            return start, end
    return None


def _are_entries(lines: Sequence[Line], starts: Sequence[int]) -> bool:
    texts = [_joined(lines[a:b]) for a, b in pairwise([*starts, len(lines)])]
    sure = sum(has_year(text) and begins_with_author(_NUMBER.sub("", text)) for text in texts)
    return len(texts) >= MIN_ENTRIES and sure >= MIN_SURE_SHARE * len(texts)


def _named_run(paragraphs: Sequence[Paragraph]) -> tuple[int, int] | None:
    """Returns the range of the last paragraphs that begin with an author and have an early year."""
    end = len(paragraphs)
    while end > 0:
        start = end
        while start > 0 and _is_by_author_and_year(paragraphs[start - 1]):
            start -= 1
        if end - start >= MIN_ENTRIES:
            return start, end
        end = min(start, end - 1)
    return None


def _is_by_author_and_year(paragraph: Paragraph) -> bool:
    text = paragraph.text
    return (
        paragraph.kind is BlockKind.TEXT
        and len(text) < _MAX_ENTRY_LENGTH
        and bool(re.match(r"[^\W\d_][\w’'-]+,? (?:[A-Z]\.|[A-Z]{1,3}[,. ])", text))
        and bool(re.search(r"\(?\b(?:1[6-9]|20)\d\d[a-z]?\b\)?", text[:_YEAR_REACH]))
    )
