"""Separates footnotes, and the dates, addresses and licences of the first page, from the body."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from domain.papers import BlockKind, PageSize, SectionRole
from extraction.structure.reference_starts import MIN_ENTRIES, MIN_SURE_SHARE, has_year, number_of
from extraction.structure.roles import role_of
from extraction.text.labels import ARTICLE_KIND
from extraction.text.lines import Line
from extraction.text.marks import SUPERSCRIPT_MARK
from extraction.text.page_metrics import FRONT_PAGES, DocumentMetrics
from extraction.text.paragraphs import Paragraph
from extraction.text.rules import Rule, decide
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
    last_page = max((paragraph.lines[0].page for paragraph in paragraphs), default=1)
    top = min((line.y0 for line in title if line.page == 1), default=0.0)
    after_references = False
    for paragraph in paragraphs:
        if paragraph.kind is not BlockKind.TEXT or id(paragraph.lines[0]) in in_title:
            continue
        facts = _Facts(paragraph, metrics, last_page)
        if facts.is_above(top):
            paragraph.kind = BlockKind.ASIDE
            continue
        after_references = after_references or (
            facts.letters <= _MAX_HEADING_LENGTH and facts.role is SectionRole.REFERENCES
        )
        if decide(_AFTER_REFERENCES if after_references else _ASIDES, facts):
            paragraph.kind = BlockKind.ASIDE


@dataclass(frozen=True)
class _Facts:
    """A paragraph, and what decides whether it is an aside."""

    paragraph: Paragraph
    metrics: DocumentMetrics
    last_page: int

    @cached_property
    def text(self) -> str:
        return self.paragraph.text

    @cached_property
    def letters(self) -> int:
        return self.paragraph.letters

    @property
    def page(self) -> int:
        return self.paragraph.lines[0].page

    @property
    def is_small(self) -> bool:
        return self.paragraph.size < self.metrics.body_size - _SMALLER_POINTS

    @property
    def role(self) -> SectionRole:
        return role_of(self.text)

    @property
    def is_in_side_bar(self) -> bool:
        return self.is_small and all(map(self.metrics.is_in_side_bar, self.paragraph.lines))

    @property
    def has_licence(self) -> bool:
        may_have = self.is_small or self.page in (1, 2, self.last_page)
        return may_have and bool(LICENCE.search(self.text[:_LICENCE_REACH]))

    def is_above(self, top: float) -> bool:
        """True above the title, for the journal's name, volume and logo."""
        last = self.paragraph.lines[-1]
        return last.page == 1 and last.y1 <= top + 1 and self.letters < _MAX_UNMARKED_LENGTH


_ASIDES: tuple[Rule[_Facts], ...] = (
    Rule("body", lambda p: not p.is_small and p.letters > _MAX_UNMARKED_LENGTH, False),
    Rule("publisher's note", lambda p: PUBLISHERS_NOTE.match(p.text), True),
    Rule("side bar", lambda p: p.is_in_side_bar, lambda p: p.role is not SectionRole.ABSTRACT),
    Rule("long text", lambda p: p.letters > _MAX_LENGTH, False),
    Rule(
        "licence", lambda p: p.has_licence, lambda p: p.is_small or p.letters <= _MAX_LICENCE_LENGTH
    ),
    Rule(
        "later page",
        lambda p: p.page > FRONT_PAGES,
        lambda p: p.is_small and p.letters <= _MAX_DATE_LENGTH and DATE_LINE.match(p.text),
    ),
    Rule(
        "dates and contacts",
        lambda p: DATE_LINE.match(p.text) or IMPRINT.match(p.text),
        lambda p: p.is_small or p.letters <= _MAX_IMPRINT_LENGTH,
    ),
    Rule(
        "kind of article",
        lambda p: p.page == 1 and p.letters <= _MAX_HEADING_LENGTH,
        lambda p: ARTICLE_KIND.fullmatch(p.text) and p.role is SectionRole.BODY,
    ),
)
# Entries of a bibliography may name licences too: the pattern must match at the beginning.
_AFTER_REFERENCES: tuple[Rule[_Facts], ...] = (
    Rule("licence", lambda p: p.letters < _MAX_LENGTH and LICENCE.match(p.text), True),
)


def mark_footnotes(
    paragraphs: Sequence[Paragraph], metrics: DocumentMetrics, sizes: Sequence[PageSize]
) -> None:
    """Sets the kind FOOTNOTE on small type at the foot of a column that begins with a superscript
    or a sign.

    On the first page a footnote needs no mark. The notes of a table stay with the table. Footnotes
    below entries of a bibliography are smaller than these.
    """
    below: set[tuple[int, int]] = set()  # columns in which other text stands further down
    in_references = _in_references(paragraphs)
    is_below_entries = _below_entries([paragraphs[index] for index in sorted(in_references)])
    for index, paragraph in reversed(list(enumerate(paragraphs))):
        last = paragraph.lines[-1]
        column = last.page, last.part
        is_note = (
            is_below_entries(paragraph)
            if index in in_references
            else _is_footnote(paragraphs, index, metrics, sizes[last.page - 1])
        )
        if is_note and column not in below:
            paragraph.kind = BlockKind.FOOTNOTE
        elif paragraph.kind not in (BlockKind.ASIDE, BlockKind.FOOTNOTE):
            below.update((line.page, line.part) for line in paragraph.lines)


def _below_entries(entries: Sequence[Paragraph]) -> Callable[[Paragraph], bool]:
    """Returns a function that is true for a note among these entries: it is smaller than they are,
    and begins with a mark, or with a number that they lack."""
    letters: Counter[float] = Counter()
    for entry in entries:
        letters[entry.lines[0].half_points] += entry.letters
    size = max(letters, key=letters.__getitem__, default=0.0)
    whole = [entry for entry in entries if entry.lines[0].half_points == size]
    numbered = sum(number_of(entry.text) is not None for entry in whole)
    are_numbered = 2 * numbered > len(whole)

    def is_note(paragraph: Paragraph) -> bool:
        line = paragraph.lines[0]
        if paragraph.kind is not BlockKind.TEXT or line.size > size - _SMALLER_POINTS:
            return False
        has_mark = line.text_with_superscript_marks.startswith(SUPERSCRIPT_MARK)
        has_number = not are_numbered and number_of(line.text) is not None
        return bool(has_mark or has_number or _SYMBOL_MARK.match(line.text))

    return is_note


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
    """Returns the entries, numbered and mostly dated, that end a paper without a heading."""
    entries: list[int] = []
    for index, paragraph in reversed(list(enumerate(paragraphs))):
        if paragraph.kind is BlockKind.ASIDE:
            continue
        if paragraph.kind is not BlockKind.TEXT or number_of(paragraph.text) is None:
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
    above = _above(paragraphs, index)
    has_mark = line.text_with_superscript_marks.startswith(SUPERSCRIPT_MARK)
    if has_mark or _SYMBOL_MARK.match(line.text):
        near = takewhile(lambda other: not _is_long(other), above)
        return not any(map(_is_of_table, near))
    return (
        line.page == 1
        and not _FRONT_LABEL.match(line.text)
        and _MIN_FOOTNOTE_LENGTH <= paragraph.letters < _MAX_UNMARKED_LENGTH
        and any(
            abs(other.size - metrics.body_size) < _BODY_SIZE_TOLERANCE_POINTS
            for other in filter(_is_long, above)
        )
    )


def _is_long(paragraph: Paragraph) -> bool:
    return paragraph.kind is BlockKind.TEXT and paragraph.letters > _PROSE_LENGTH


def _is_of_table(paragraph: Paragraph) -> bool:
    return is_caption(paragraph.lines[0].text, CaptionKind.TABLE)


def _above(paragraphs: Sequence[Paragraph], index: int) -> Iterator[Paragraph]:
    """Yields the paragraphs above this one in the same column, the nearest first."""
    line = paragraphs[index].lines[0]
    for other in reversed(paragraphs[:index]):
        last = other.lines[-1]
        if (last.page, last.part) != (line.page, line.part):
            return
        yield other


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
