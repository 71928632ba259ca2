"""Schemas of the extracted content of a paper; conventions as in `serve_app.schemas.core`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.papers import Author, BlockKind, Cell, PageSize, SectionRole, TableSource
from domain.table_grid import grid_of, head_rows
from serve_app.schemas.core import Chunk, Document, Rectangle, Wire

if TYPE_CHECKING:
    import pandas


class Section(Wire):
    """A heading and its position. Level 1 is the top; `title` excludes the printed `number`."""

    ordinal: int
    level: int
    number: str | None = None
    title: str
    page: int
    box: Rectangle
    role: SectionRole = SectionRole.BODY


class Table(Wire):
    """A table. `boxes` has one bounding box per page of the table; `box` is the first.

    `rows` follows HTML: a spanning cell is listed once, at its first position. A plain cell is a
    string; a header cell or a spanning cell is an object. `markdown` is a GitHub table, or an HTML
    table if a GitHub table cannot represent it. `source` is the detection method; the text of an
    `ocr` table comes from an image.
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

    def grid(self) -> tuple[list[list[str]], list[list[str]]]:
        """Returns the header rows and the other rows, as texts.

        All rows have the same length. The text of a spanning cell is at its upper left position.
        """
        cells = [
            [cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in self.rows
        ]
        texts, heads = grid_of(cells), head_rows(cells)
        return texts[:heads], texts[heads:]

    def frame(self) -> pandas.DataFrame:
        """Returns the cells as a pandas frame of texts; the header rows name its columns.

        Names of several header rows are joined with a space. Raises ImportError without pandas.
        """
        import pandas

        header, rows = self.grid()
        names = [" ".join(filter(None, column)) for column in zip(*header, strict=True)]
        return pandas.DataFrame(rows, columns=names or None)


class Figure(Wire):
    """A figure. `box` covers the image without its caption."""

    number: int
    label: str | None = None
    caption: str | None = None
    page: int
    box: Rectangle


class Reference(Wire):
    """A bibliography entry: as printed, and its parsed fields, null if not printed.

    `document_id` is the document of the same collection that it refers to, or null.
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
    """A block of text, such as a paragraph. `section` is the ordinal of its section."""

    kind: BlockKind
    text: str
    section: int | None = None
    boxes: list[Rectangle]


class Sections(Wire):
    """The headings of a document in reading order."""

    sections: list[Section]


class Tables(Wire):
    """The tables of a document. `read` is false until the layout step has run."""

    tables: list[Table]
    read: bool


class Figures(Wire):
    """The figures of a document. `read` is false until the layout step has run."""

    figures: list[Figure]
    read: bool


class References(Wire):
    """The bibliography of a document."""

    references: list[Reference]


class Documents(Wire):
    """Documents related to a given document."""

    documents: list[Document]


class SimilarDocument(Document):
    """A similar document and its best passage.

    `score` is the cosine similarity of `passage` to the mean vector of the given document.
    """

    score: float
    passage: Chunk


class SimilarDocuments(Wire):
    """Similar documents, best first."""

    documents: list[SimilarDocument]


class PaperExport(Wire):
    """A document with all its extracted content. Blocks are in reading order."""

    document: Document
    pages: list[PageSize]
    sections: list[Section]
    blocks: list[Block]
    tables: list[Table]
    figures: list[Figure]
    references: list[Reference]
