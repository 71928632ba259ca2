"""The shapes of what was read out of a paper. Rules as in `serve_app.schemas.core`."""

from __future__ import annotations

from domain.papers import BlockKind, SectionRole, TableSource
from serve_app.schemas.core import Author, Chunk, Document, Rectangle, Wire


class Section(Wire):
    """A heading and its place: `level` 1 is the top, `number` as printed, `title` without it."""

    ordinal: int
    level: int
    number: str | None = None
    title: str
    page: int
    box: Rectangle
    role: SectionRole = SectionRole.BODY


class Cell(Wire):
    """A cell that is a header, or that spans rows or columns."""

    text: str
    colspan: int = 1
    rowspan: int = 1
    header: bool = False


class Table(Wire):
    """A table. `rows` as in HTML: a cell that spans stands once, where it begins; a plain cell is
    its text. `box` is the first of `boxes`: one on each page that the table reaches.

    `markdown` is a GitHub table, or an HTML one where that cannot say it. `source` tells how the
    cells were found; in an `ocr` table the characters come from an image.
    """

    number: int
    label: str | None = None
    caption: str | None = None
    page: int
    box: Rectangle
    boxes: list[Rectangle]
    rows: list[list[str | Cell]]
    markdown: str
    source: TableSource
    notes: str | None = None


class Figure(Wire):
    """A figure; the box is the picture's, without its caption."""

    number: int
    label: str | None = None
    caption: str | None = None
    page: int
    box: Rectangle


class Reference(Wire):
    """One entry of the bibliography, as printed and in parts; what is not printed is null.

    `document_id` is the document of the same collection that it means, null when there is none.
    """

    ordinal: int
    raw: str
    page: int
    authors: list[Author]
    title: str | None = None
    venue: str | None = None
    year: int | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    document_id: str | None = None


class Block(Wire):
    """A paragraph, heading, caption …; `section` is the ordinal of its section."""

    kind: BlockKind
    text: str
    section: int | None = None
    boxes: list[Rectangle]


class PageSize(Wire):
    """Width and height of a page as shown, in points."""

    number: int
    width: float
    height: float


class Sections(Wire):
    """The headings of a document in reading order."""

    sections: list[Section]


class Tables(Wire):
    """The tables of a document; `read` is false as long as nobody has looked for them."""

    tables: list[Table]
    read: bool


class Figures(Wire):
    """The figures of a document; `read` is false as long as nobody has looked for them."""

    figures: list[Figure]
    read: bool


class References(Wire):
    """The bibliography of a document."""

    references: list[Reference]


class Documents(Wire):
    """Documents that have something to do with another one."""

    documents: list[Document]


class SimilarDocument(Document):
    """A document like another one: the cosine of `passage`, its best, to the mean of the other."""

    score: float
    passage: Chunk


class SimilarDocuments(Wire):
    """Documents like another one, best first."""

    documents: list[SimilarDocument]


class PaperExport(Wire):
    """Everything that is known of a document. Blocks are in reading order."""

    document: Document
    pages: list[PageSize]
    sections: list[Section]
    blocks: list[Block]
    tables: list[Table]
    figures: list[Figure]
    references: list[Reference]
