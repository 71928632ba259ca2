"""What is read out of a paper: pages, blocks, sections, tables, figures, references, metadata.

Boxes are in PDF points (1/72 inch) from the top left of the page as shown; pages count from 1.
What a paper does not have is None or empty, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in points from the top left as shown; `page` counts from 1."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float

    def joined(self, other: Box) -> Box:
        """The smallest box around both, on the page of this one."""
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
    REFERENCE = "reference"  # an entry of the bibliography
    FOOTNOTE = "footnote"
    EQUATION = "equation"  # one that stands by itself, with its number
    CODE = "code"  # algorithms and listings
    ASIDE = "aside"  # margin notes, received/accepted lines, licences: printed, but not the body


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading or caption; one that crosses a column has a box in each.

    `section` is the index into `Paper.sections` of the section it stands in, None before the first.
    `lines` are the printed lines: where in `text` each starts, and its box.
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
    """A heading: `level` 1 is the top, `number` as printed ("2.1"), `title` without it."""

    ordinal: int
    level: int
    number: str | None
    title: str
    page: int
    box: Box
    role: SectionRole = SectionRole.BODY


@dataclass(frozen=True, slots=True)
class Author:
    """A person or a group: `name` as printed without marks; parts are None where unknown."""

    name: str
    given: str | None = None
    family: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the bibliography, as printed, and what it says in parts."""

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
    """A cell of a table as printed; it covers `rowspan` rows and `colspan` columns."""

    text: str
    rowspan: int = 1
    colspan: int = 1
    header: bool = False


class TableSource(StrEnum):
    RULED = "ruled"  # lines around or between the cells
    ALIGNED = "aligned"  # columns found by white space
    LAYOUT = "layout"  # the layout model found the place
    OCR = "ocr"  # the characters come from an image


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `number` counts from 1, `label` as printed ("Table 2").

    `rows` as in HTML: a cell that spans stands once, where it begins, and leaves out the places
    that it covers. One that goes on over a page break has a box on each page.
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
    """A figure: `number` counts from 1, `label` as printed ("Fig. 3"); the box is the picture's."""

    number: int
    label: str | None
    caption: str | None
    box: Box

    @property
    def page(self) -> int:
        return self.box.page


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a field of the metadata was found, and how sure that is: 0 to 1."""

    source: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the paper says of itself; `evidence` is by the name of the field."""

    title: str | None = None
    authors: tuple[Author, ...] = ()
    abstract: str | None = None
    keywords: tuple[str, ...] = ()
    doi: str | None = None
    arxiv_id: str | None = None
    year: int | None = None
    language: str | None = None  # ISO 639-1
    evidence: dict[str, Evidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageSize:
    """Width and height of a page as shown, in points."""

    number: int
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the paper could be read; page numbers count from 1."""

    pages_read: int = 0
    pages_ocred: tuple[int, ...] = ()
    pages_failed: tuple[int, ...] = ()  # could not be read at all
    pages_without_text: tuple[int, ...] = ()  # neither a text layer nor text found by OCR
    garbled_share: float = 0.0  # of the characters of the text layer
    columns: int = 1  # on most pages
    layout_done: bool = False  # somebody has looked for tables and figures
    layout_pages: tuple[int, ...] = ()  # pages that the layout model looked at


@dataclass(frozen=True, slots=True)
class Paper:
    """What was read from one PDF, in reading order."""

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
        """The sections without abstract and bibliography, which are fields of their own here.

        JATS (ANSI/NISO Z39.96), in which publishers keep papers, draws the same line.
        """
        apart = (SectionRole.ABSTRACT, SectionRole.REFERENCES)
        return tuple(section for section in self.sections if section.role not in apart)
