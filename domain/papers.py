"""Data model of an extracted paper: pages, blocks, sections, tables, figures, references, metadata.

Bounding boxes are in PDF points (1/72 inch) from the top left corner of the displayed page; page
numbers start at 1. Missing values are None or empty, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box: page number from 1, coordinates in points from the top left corner."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float

    def joined(self, other: Box) -> Box:
        """Returns the union: the smallest box around both, on the page of this one."""
        return Box(
            self.page,
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )


class BlockKind(StrEnum):
    TEXT = "text"
    ABSTRACT = "abstract"
    HEADING = "heading"
    CAPTION = "caption"
    REFERENCE = "reference"  # a bibliography entry
    FOOTNOTE = "footnote"
    EQUATION = "equation"  # a display equation with its number
    CODE = "code"  # algorithms and listings
    ASIDE = "aside"  # margin notes, received/accepted lines, licences: not part of the body text


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading or caption, with one box for each column or page that it occupies.

    `section` is the index of its section in `Paper.sections`, None before the first section.
    `lines` are the printed lines: the start offset in `text`, and the bounding box.
    """

    kind: BlockKind
    text: str
    boxes: tuple[Box, ...]
    section: int | None = None
    lines: tuple[tuple[int, Box], ...] = ()


class SectionRole(StrEnum):
    BODY = "body"
    ABSTRACT = "abstract"
    REFERENCES = "references"
    ACKNOWLEDGEMENTS = "acknowledgements"
    APPENDIX = "appendix"
    BACK_MATTER = "back_matter"  # funding, conflicts of interest, contributions, data availability


@dataclass(frozen=True, slots=True)
class Section:
    """A section heading: `level` 1 is the top level, `number` as printed ("2.1"), `title` without
    the number."""

    ordinal: int
    level: int
    number: str | None
    title: str
    page: int
    box: Box
    role: SectionRole = SectionRole.BODY


@dataclass(frozen=True, slots=True)
class Author:
    """A person or a group: `name` as printed, without footnote marks; unknown parts are None."""

    name: str
    given: str | None = None
    family: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A bibliography entry: `raw` as printed, and its parsed fields."""

    ordinal: int
    raw: str
    page: int
    doi: str | None = None
    arxiv_id: str | None = None
    authors: tuple[Author, ...] = ()
    title: str | None = None
    venue: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell as printed; it spans `rowspan` rows and `colspan` columns."""

    text: str
    rowspan: int = 1
    colspan: int = 1
    header: bool = False


class TableSource(StrEnum):
    RULED = "ruled"  # ruling lines around or between the cells
    ALIGNED = "aligned"  # columns detected by white space
    LAYOUT = "layout"  # region detected by the layout model
    OCR = "ocr"  # characters recognized in an image


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `number` counts from 1, `label` as printed ("Table 2").

    `rows` follow the HTML table model: a spanning cell appears once, in its first row and column,
    and the positions that it covers are omitted. A table that continues on the next page has a box
    on each page.
    """

    number: int
    label: str | None
    caption: str | None
    boxes: tuple[Box, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: TableSource
    notes: str | None = None  # printed below it

    @property
    def page(self) -> int:
        return self.boxes[0].page


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: `number` from 1, `label` as printed ("Fig. 3"); the box excludes the caption."""

    number: int
    label: str | None
    caption: str | None
    box: Box

    @property
    def page(self) -> int:
        return self.box.page


@dataclass(frozen=True, slots=True)
class Evidence:
    """The source of a metadata field, and the confidence in it: 0 to 1."""

    source: str
    confidence: float


MIN_CONFIDENCE = 0.5
"""Of a field, 0 to 1: below it the paper needs a review, and no copy is known by it (heuristic)."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Bibliographic metadata of the paper; `evidence` maps field names to their source."""

    title: str | None = None
    authors: tuple[Author, ...] = ()
    abstract: str | None = None
    keywords: tuple[str, ...] = ()
    doi: str | None = None
    arxiv_id: str | None = None
    year: int | None = None
    language: str | None = None  # ISO 639-1
    evidence: dict[str, Evidence] = field(default_factory=dict)
    venue: str | None = None  # journal or proceedings


@dataclass(frozen=True, slots=True)
class PageSize:
    """Width and height of a displayed page (after rotation), in points."""

    number: int
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PageLoss:
    """What a page lost: `count` characters or words, as the field that lists it says."""

    page: int
    count: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality report of the extraction; page numbers start at 1."""

    pages_read: int = 0
    pages_ocred: tuple[int, ...] = ()
    pages_failed: tuple[int, ...] = ()  # could not be processed at all
    pages_without_text: tuple[int, ...] = ()  # neither a text layer nor text found by OCR
    garbled_share: float = 0.0  # share of garbled characters in the text layer, 0 to 1
    columns: int = 1  # text columns on most pages
    layout_done: bool = False  # the layout step has run
    layout_pages: tuple[int, ...] = ()  # pages processed by the layout model
    pages_incomplete: tuple[int, ...] = ()  # print text that neither text layer nor OCR gave
    unread_characters: tuple[PageLoss, ...] = ()  # that no font maps to Unicode
    hidden_words: tuple[PageLoss, ...] = ()  # in the file and left out: the page does not show them
    is_truncated: bool = False  # the end of the file is missing, with pages perhaps
    pages_unchecked: tuple[int, ...] = ()  # took too long to look for text that is missing
    annotations: tuple[PageLoss, ...] = ()  # of readers, left out


@dataclass(frozen=True, slots=True)
class Paper:
    """The content extracted from one PDF, in reading order."""

    title: str | None
    pages: tuple[PageSize, ...]
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...] = ()
    references: tuple[Reference, ...] = ()
    metadata: Metadata = Metadata()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    quality: Quality = Quality()

    @property
    def own_sections(self) -> tuple[Section, ...]:
        """Returns the sections except abstract and bibliography, which are separate fields.

        JATS (ANSI/NISO Z39.96), the archival format of publishers, makes the same distinction.
        """
        separate = (SectionRole.ABSTRACT, SectionRole.REFERENCES)
        return tuple(section for section in self.sections if section.role not in separate)
