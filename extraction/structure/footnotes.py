"""Separates footnotes, and the dates, addresses and licences of the first page, from the body."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.papers import BlockKind, PageSize
from extraction.structure.reference_starts import MIN_ENTRIES, MIN_SURE_SHARE, has_year, number_of
from extraction.structure.roles import SectionRole, role_of
from extraction.text.labels import ARTICLE_KIND
from extraction.text.lines import SUPERSCRIPT_MARK, Line
from extraction.text.page_metrics import DocumentMetrics
from extraction.text.paragraphs import Paragraph
from extraction.vocabulary.captions import CaptionKind, is_caption
from extraction.vocabulary.front_matter import (
    DATE_LINE,
    IMPRINT,
    KEYWORDS,
    LICENCE,
    PUBLISHERS_NOTE,
)

_SYMBOL_MARK = re.compile(r"[*∗⁎†‡§¶‖#]{1,3}\s?\S")
_FRONT_LABEL = re.compile(
    rf"(?:{KEYWORDS}|index terms|abbreviations|jel|pacs|msc|mesh|subject|conclusions?|results?)\b",
    re.IGNORECASE,
)
# Heuristics. Lengths are in characters.
_MAX_LENGTH = 1500  # of an aside or a footnote
_MAX_UNMARKED_LENGTH = 700  # of one in the body's type size, or without a mark
_MAX_LICENCE_LENGTH = 599  # of a licence in the body's type size
_MAX_IMPRINT_LENGTH = 399  # of dates and addresses in the body's type size
_MAX_DATE_LENGTH = 199  # of dates beyond the second page
_MAX_HEADING_LENGTH = 39
_MIN_FOOTNOTE_LENGTH = 31  # of one without a mark
_PROSE_LENGTH = 200  # longer paragraphs are body text
_LICENCE_REACH = 400  # from the beginning of a paragraph, where a licence is searched
_FRONT_PAGES = 2  # dates, addresses and side bars stand on these
_SIDE_BAR_WIDTH = 0.5  # of the usual column
_SMALLER_POINTS = 0.45  # than the body's type: asides and footnotes
_BODY_SIZE_TOLERANCE_POINTS = 0.3
_LOWER_PART = 0.45  # share of the page's height; footnotes begin below it


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph outside the body, and the paragraph of the body before it."""

    paragraph: Paragraph
    after: Paragraph | None


def mark_asides(
    paragraphs: Sequence[Paragraph], metrics: DocumentMetrics, title: Sequence[Line]
) -> None:
    """Sets the kind ASIDE on what the publisher prints around a paper: dates, editors,
    correspondence, licences, and the side bar of the first pages. Lines of the `title` are no
    asides."""
    in_title = {id(line) for line in title}
    last = max((paragraph.lines[0].page for paragraph in paragraphs), default=1)
    top = min((line.y0 for line in title if line.page == 1), default=0.0)
    after_references = False
    for paragraph in paragraphs:
        if paragraph.kind is not BlockKind.TEXT or id(paragraph.lines[0]) in in_title:
            continue
        if _is_masthead(paragraph, top):
            paragraph.kind = BlockKind.ASIDE
            continue
        after_references = after_references or (
            paragraph.letters <= _MAX_HEADING_LENGTH
            and role_of(paragraph.text) is SectionRole.REFERENCES
        )
        if _is_licence(paragraph) if after_references else _is_aside(paragraph, metrics, last):
            paragraph.kind = BlockKind.ASIDE


def _is_masthead(paragraph: Paragraph, top: float) -> bool:
    """True for a paragraph above the title: the journal's name, volume, logo."""
    last = paragraph.lines[-1]
    return last.page == 1 and last.y1 <= top + 1 and paragraph.letters < _MAX_UNMARKED_LENGTH


def _is_licence(paragraph: Paragraph) -> bool:
    """True for a licence after the bibliography. The pattern must match at the beginning: entries
    may name licences too."""
    return bool(LICENCE.match(paragraph.text)) and paragraph.letters < _MAX_LENGTH


def _is_aside(paragraph: Paragraph, metrics: DocumentMetrics, last_page: int) -> bool:
    page = paragraph.lines[0].page
    small = paragraph.size < metrics.body_size - _SMALLER_POINTS
    if not small and paragraph.letters > _MAX_UNMARKED_LENGTH:
        return False
    text = paragraph.text
    if PUBLISHERS_NOTE.match(text):
        return True
    if (
        page <= _FRONT_PAGES
        and small
        and all(_in_side_bar(line, metrics) for line in paragraph.lines)
    ):
        return role_of(text) is not SectionRole.ABSTRACT
    if paragraph.letters > _MAX_LENGTH:
        return False
    if (small or page in (1, 2, last_page)) and LICENCE.search(text[:_LICENCE_REACH]):
        return small or paragraph.letters <= _MAX_LICENCE_LENGTH
    if page > _FRONT_PAGES:
        return small and paragraph.letters <= _MAX_DATE_LENGTH and bool(DATE_LINE.match(text))
    if DATE_LINE.match(text) or IMPRINT.match(text):
        return small or paragraph.letters <= _MAX_IMPRINT_LENGTH
    return (
        page == 1
        and paragraph.letters <= _MAX_HEADING_LENGTH
        and bool(ARTICLE_KIND.fullmatch(text))
        and (role_of(text) is SectionRole.BODY)
    )


def _in_side_bar(line: Line, metrics: DocumentMetrics) -> bool:
    return metrics.width_of(line) < _SIDE_BAR_WIDTH * metrics.column_width


def mark_footnotes(
    paragraphs: Sequence[Paragraph], metrics: DocumentMetrics, sizes: Sequence[PageSize]
) -> None:
    """Sets the kind FOOTNOTE on small type at the foot of a column that begins with a superscript
    or a sign.

    On the first page a footnote needs no mark. The notes of a table stay with the table.
    """
    below: set[tuple[int, int]] = set()  # columns in which other text stands further down
    in_references = _in_references(paragraphs)
    for index in range(len(paragraphs) - 1, -1, -1):
        paragraph = paragraphs[index]
        last = paragraph.lines[-1]
        column = last.page, last.part
        if (
            index not in in_references
            and column not in below
            and _is_footnote(paragraphs, index, metrics, sizes[last.page - 1])
        ):
            paragraph.kind = BlockKind.FOOTNOTE
        elif paragraph.kind not in (BlockKind.ASIDE, BlockKind.FOOTNOTE):
            below.update((line.page, line.part) for line in paragraph.lines)


def _in_references(paragraphs: Sequence[Paragraph]) -> set[int]:
    inside: set[int] = set()
    is_inside = False
    for index, paragraph in enumerate(paragraphs):
        if paragraph.kind is BlockKind.HEADING:
            is_inside = role_of(paragraph.title) is SectionRole.REFERENCES
        elif is_inside:
            inside.add(index)
    return inside or _numbered_to_the_end(paragraphs)


def _numbered_to_the_end(paragraphs: Sequence[Paragraph]) -> set[int]:
    """Returns the entries at the end of a paper that has no heading for them; each has a number,
    most have a year."""
    entries: list[int] = []
    for index in range(len(paragraphs) - 1, -1, -1):
        if paragraphs[index].kind is BlockKind.ASIDE:
            continue
        if (
            paragraphs[index].kind is not BlockKind.TEXT
            or number_of(paragraphs[index].text) is None
        ):
            break
        entries.append(index)
    dated = sum(has_year(paragraphs[index].text) for index in entries)
    sure = len(entries) >= MIN_ENTRIES and dated >= MIN_SURE_SHARE * len(entries)
    return set(entries) if sure else set()


def _is_footnote(
    paragraphs: Sequence[Paragraph], index: int, metrics: DocumentMetrics, size: PageSize
) -> bool:
    paragraph = paragraphs[index]
    line = paragraph.lines[0]
    if (
        paragraph.kind is not BlockKind.TEXT
        or paragraph.size > metrics.body_size - _SMALLER_POINTS
        or line.rotation
        or line.y0 < _LOWER_PART * size.height
    ):
        return False
    if line.text_with_superscript_marks.startswith(SUPERSCRIPT_MARK) or _SYMBOL_MARK.match(
        line.text
    ):
        return not _is_below(paragraphs, index, _is_of_table, _is_long)
    return (
        line.page == 1
        and not _FRONT_LABEL.match(line.text)
        and _MIN_FOOTNOTE_LENGTH <= paragraph.letters < _MAX_UNMARKED_LENGTH
        and _is_below(
            paragraphs,
            index,
            lambda above: (
                _is_long(above)
                and abs(above.size - metrics.body_size) < _BODY_SIZE_TOLERANCE_POINTS
            ),
        )
    )


def _is_long(paragraph: Paragraph) -> bool:
    return paragraph.kind is BlockKind.TEXT and paragraph.letters > _PROSE_LENGTH


def _is_of_table(paragraph: Paragraph) -> bool:
    return is_caption(paragraph.lines[0].text, CaptionKind.TABLE)


def _is_below(
    paragraphs: Sequence[Paragraph],
    index: int,
    wanted: Callable[[Paragraph], bool],
    unwanted: Callable[[Paragraph], bool] = lambda _: False,
) -> bool:
    """True if a `wanted` paragraph stands above in the same column, without an `unwanted` one
    between."""
    line = paragraphs[index].lines[0]
    for other in reversed(paragraphs[:index]):
        last = other.lines[-1]
        if (last.page, last.part) != (line.page, line.part) or unwanted(other):
            return False
        if wanted(other):
            return True
    return False


def without_notes(paragraphs: Sequence[Paragraph]) -> tuple[list[Paragraph], list[Note]]:
    """Returns the body, and separately its footnotes and asides."""
    body: list[Paragraph] = []
    notes: list[Note] = []
    for paragraph in paragraphs:
        if paragraph.kind in (BlockKind.ASIDE, BlockKind.FOOTNOTE):
            notes.append(Note(paragraph, body[-1] if body else None))
        else:
            body.append(paragraph)
    return body, notes


def with_notes(body: Sequence[Paragraph], notes: Sequence[Note]) -> list[Paragraph]:
    """Returns the body with each page's notes after its last paragraph that begins there. A note
    belongs to the section in which it was printed."""
    pending = sorted(notes, key=lambda note: note.paragraph.lines[0].page)
    result: list[Paragraph] = []
    placed = 0
    for paragraph in body:
        page = paragraph.lines[0].page
        while placed < len(pending) and pending[placed].paragraph.lines[0].page < page:
            result.append(pending[placed].paragraph)
            placed += 1
        result.append(paragraph)
    result.extend(note.paragraph for note in pending[placed:])
    for note in notes:
        note.paragraph.section = note.after.section if note.after else None
    return result
