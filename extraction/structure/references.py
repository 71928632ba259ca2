"""The bibliography: one paragraph per entry, where entries can be told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from domain.papers import BlockKind
from extraction.citations.cited_identifiers import find_doi as find_doi
from extraction.structure.reference_starts import (
    LEAST_ENTRIES,
    SURE_SHARE,
    begins_with_author,
    far_below,
    find_starts,
    has_year,
    number_of,
    numbered_starts,
)
from extraction.text.labels import KNOWN, REFERENCES
from extraction.text.lines import Line
from extraction.text.paragraphs import Paragraph

# What journals print behind the last entry without a heading of its own.
_NOTE = re.compile(
    r"(?:conflicts? of interests?|(?:declaration of )?competing interests?|copyright\b|©|"
    r"\(c\) \d{4}|publisher[’']?s[’']? notes?|disclaimer|sample availability|how to cite|"
    r"(?:to )?cite this (?:article|paper)|citation:|received:?\s|accepted\b|submit your|"
    r"ready to submit|open access\b|this is an open[- ]access|licensee\b|"
    r"this article is (?:an open|distributed|licensed|published)|"
    r"(?:address )?(?:for )?correspondence|edited by|reviewed by|publish with|"
    r"springer nature remains|supplementary (?:materials?|information|data)\b|"
    r"author contributions?|acknowledge?ments?\b|funding\b|data availability)",
    re.IGNORECASE,
)
_REFERENCES_TITLE = re.compile(
    r"(?:(?:supplementa(?:ry|l)|additional|supporting|online|appendix|methods?|web|further|selected|"
    r"primary|secondary|main|cited|key) )?(?:references?|bibliography)(?: list)?"
    r"(?: (?:and notes|cited|for .{3,40}|from .{3,40}|to .{3,40}))?\s*[.:]?|"
    r"literaturverzeichnis|bibliographie|referencias(?: bibliográficas)?|referências"
    r"(?: bibliográficas)?|further reading|notes and references|references and further reading",
    re.IGNORECASE,
)
_HEADING_NUMBER = re.compile(r"^(?:\d{1,2}|[IVX]{1,5})[.)]?\s+(?=[^\W\d_])")
_LOOK_AHEAD = 6  # paragraphs


def split_references(found: Sequence[Paragraph]) -> list[Paragraph]:
    """All paragraphs; those of the bibliographies are made their entries and marked REFERENCE.

    A bibliography begins at its heading and ends at the next one that does not belong to it, or at
    the notes that journals print below. One without a heading is taken only when it is numbered
    from 1 or a run of entries by author and year, each with a year.
    """
    result: list[Paragraph] = []
    inside: list[Paragraph] | None = None
    any_found = False
    found = _with_plain_headings(found)
    for index, paragraph in enumerate(found):
        if paragraph.kind is BlockKind.HEADING:
            if is_references_title(paragraph.title):
                result.extend(_entries(inside))
                result.append(paragraph)
                inside, any_found = [], True
                continue
            if inside is not None and _is_line_of_entry(found, index):
                paragraph.kind, paragraph.level = BlockKind.TEXT, 0
            elif inside is not None:
                result.extend(_entries(inside))
                inside = [] if _goes_on(found, index) else None
        if inside is None or _stands_apart(paragraph):
            result.append(paragraph)
        else:
            inside.append(paragraph)
    result.extend(_entries(inside))
    return result if any_found else _with_unheaded(result)


def is_references_title(title: str) -> bool:
    """True for the heading of a bibliography; "R EFERENCES" is one in small capitals."""
    plain = title.strip()
    if len(plain) > 60:
        return False
    closed = "".join(plain.split())
    return any(
        REFERENCES.fullmatch(one) or _REFERENCES_TITLE.fullmatch(one) for one in (plain, closed)
    )


def _with_plain_headings(found: Sequence[Paragraph]) -> list[Paragraph]:
    """The paragraphs; a line "References" in the type of the text is made a heading where entries
    follow it."""
    result: list[Paragraph] = []
    for index, paragraph in enumerate(found):
        title = _HEADING_NUMBER.sub("", paragraph.lines[0].text)
        if paragraph.kind is not BlockKind.TEXT or not is_references_title(title):
            result.append(paragraph)
            continue
        rest = [Paragraph(paragraph.lines[1:])] if len(paragraph.lines) > 1 else []
        if not _is_bibliographic([*rest, *found[index + 1 : index + _LOOK_AHEAD]]):
            result.append(paragraph)
            continue
        head = Paragraph(paragraph.lines[:1])
        head.kind, head.title, head.level = BlockKind.HEADING, title, 1
        result += [head, *rest]
    return result


def _stands_apart(paragraph: Paragraph) -> bool:
    """True for what a page prints between entries: captions, margin notes, footnotes, unless the
    footnote is an entry in small type."""
    if paragraph.kind is BlockKind.FOOTNOTE:
        text = paragraph.text
        return not ((begins_with_author(text) or number_of(text) is not None) and has_year(text))
    return paragraph.kind in (BlockKind.HEADING, BlockKind.CAPTION, BlockKind.ASIDE)


def _is_line_of_entry(found: Sequence[Paragraph], index: int) -> bool:
    """True for a line of an entry that only looks like a heading: "17. Meeting, 2019."."""
    paragraph = found[index]
    if KNOWN.fullmatch(paragraph.title) or _NOTE.match(paragraph.title):
        return False
    text = paragraph.text
    if not (has_year(text) or text.rstrip().endswith((".", ",", ";")) or number_of(text)):
        return False
    return len(text) > 12 and _is_bibliographic(found[index + 1 : index + 1 + _LOOK_AHEAD])


def _goes_on(found: Sequence[Paragraph], index: int) -> bool:
    """True when the bibliography continues under a heading of its own ("Primary sources")."""
    paragraph = found[index]
    if KNOWN.fullmatch(paragraph.title) or _NOTE.match(paragraph.title):
        return False
    return paragraph.level > 1 and _is_bibliographic(found[index + 1 : index + 1 + _LOOK_AHEAD])


def _is_bibliographic(following: Sequence[Paragraph]) -> bool:
    """True when most of these paragraphs, up to the next heading, have a year or a DOI."""
    texts: list[str] = []
    for paragraph in following:
        if paragraph.kind is BlockKind.HEADING:
            break
        if paragraph.kind is BlockKind.TEXT:
            texts.append(paragraph.text)
    names = sum(begins_with_author(text) or number_of(text) is not None for text in texts)
    return bool(texts) and 2 * names >= len(texts) and any(map(has_year, texts))


def _entries(inside: Sequence[Paragraph] | None) -> list[Paragraph]:
    """The entries, marked, with the notes behind them as text; the paragraphs as they were when
    they are no bibliography (a "References" that heads the column of a table)."""
    if not inside:
        return []
    groups = _grouped([line for paragraph in inside for line in paragraph.lines])
    texts = [" ".join(line.text for line in group) for group in groups]
    if 3 * sum(map(has_year, texts)) < len(groups):
        return list(inside)
    return _marked(groups, texts)


def _grouped(lines: list[Line]) -> list[list[Line]]:
    notes = [index for index, line in enumerate(lines) if index and _NOTE.match(line.text)]
    end = next((index for index in notes if _is_note(lines, index)), len(lines))
    body = lines[:end]
    starts = find_starts(body)
    if not starts:
        groups = [[line] for line in body] if len(body) < 3 else _by_gap(body)
    else:
        starts = starts if starts[0] == 0 else [0, *starts]
        groups = [body[start:stop] for start, stop in pairwise([*starts, len(body)])]
    if end == len(lines):
        return groups
    after = next((i for i in range(end + 1, len(lines)) if _begins_again(lines, i)), len(lines))
    rest = lines[after:]
    return [*groups, lines[end:after], *(_grouped(rest) if rest else [])]


def _is_note(lines: Sequence[Line], index: int) -> bool:
    """True where a note begins: below a line that ends an entry, or one that is cut short, and not
    at a numbered entry."""
    before = lines[index - 1].text.rstrip()
    return before.endswith((".", "]", ")", ";")) or before[-1:].isdigit() or "/" in before[-20:]


def _begins_again(lines: Sequence[Line], index: int) -> bool:
    """True when entries go on behind a note: the foot of a first column."""
    line, before = lines[index], lines[index - 1]
    if (line.page, line.part) == (before.page, before.part):
        return False
    text = " ".join(other.text for other in lines[index : index + 4])
    return (begins_with_author(text) or number_of(text) is not None) and has_year(text)


def _marked(groups: Sequence[list[Line]], texts: Sequence[str]) -> list[Paragraph]:
    entries: list[Paragraph] = []
    for group, text in zip(groups, texts, strict=True):
        entry = Paragraph(group)
        is_note = bool(entries) and bool(_NOTE.match(text)) and number_of(text) is None
        entry.kind = BlockKind.TEXT if is_note else BlockKind.REFERENCE
        entries.append(entry)
    return entries


def _by_gap(lines: list[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = [[lines[0]]]
    for before, line in pairwise(lines):
        if far_below(before, line):
            groups.append([])
        groups[-1].append(line)
    return groups


def _with_unheaded(found: list[Paragraph]) -> list[Paragraph]:
    """The paragraphs with the entries of a bibliography that has no heading, where unmistakable."""
    place = _numbered_run(found) or _named_run(found)
    if place is None:
        return found
    start, end = place
    entries = _entries(found[start:end])
    return [*found[:start], *entries, *found[end:]]


def _numbered_run(found: Sequence[Paragraph]) -> tuple[int, int] | None:
    """The last paragraphs that are numbered from 1 and have a year each."""
    for start in range(len(found) - 1, -1, -1):
        paragraph = found[start]
        if paragraph.kind is not BlockKind.TEXT or number_of(paragraph.text) != 1:
            continue
        end = next(
            (i for i in range(start, len(found)) if found[i].kind is not BlockKind.TEXT), len(found)
        )
        lines = [line for one in found[start:end] for line in one.lines]
        starts = numbered_starts(lines)
        if starts[:1] == [0] and _are_entries(lines, starts):
            return start, end
    return None


def _are_entries(lines: Sequence[Line], starts: Sequence[int]) -> bool:
    texts = [" ".join(line.text for line in lines[a:b]) for a, b in pairwise([*starts, len(lines)])]
    sure = sum(has_year(text) and _begins_with_name(text) for text in texts)
    return len(texts) >= LEAST_ENTRIES and sure >= SURE_SHARE * len(texts)


def _begins_with_name(text: str) -> bool:
    return begins_with_author(re.sub(r"^\W*\d{1,4}\W*", "", text))


def _named_run(found: Sequence[Paragraph]) -> tuple[int, int] | None:
    """The last run of paragraphs that each begin with an author and have a year early on."""
    end = len(found)
    while end > 0:
        start = end
        while start > 0 and _is_by_author_and_year(found[start - 1]):
            start -= 1
        if end - start >= LEAST_ENTRIES:
            return start, end
        end = min(start, end - 1)
    return None


def _is_by_author_and_year(paragraph: Paragraph) -> bool:
    text = paragraph.text
    return (
        paragraph.kind is BlockKind.TEXT
        and len(text) < 700
        and bool(re.match(r"[^\W\d_][\w’'-]+,? (?:[A-Z]\.|[A-Z]{1,3}[,. ])", text))
        and bool(re.search(r"\(?\b(?:1[6-9]|20)\d\d[a-z]?\b\)?", text[:300]))
    )
