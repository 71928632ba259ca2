"""Builds first pages in the styles of many publishers, line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from domain.papers import PageSize
from extraction.metadata.metadata import MetadataFound, find_metadata
from extraction.structure import compose as reading
from extraction.text.lines import Line, page_lines, page_size
from extraction.text.mupdf import pymupdf
from extraction.text.running_headers import without_running_lines
from tests.pdf_builder.canvas import (
    BOLD,
    ITALIC,
    LETTER,
    LOREM,
    ROMAN,
    Canvas,
    face,
    font_for,
    text_width,
    wrap,
)

WIDTH, HEIGHT = LETTER

ABSTRACT = (
    "The leaves of the holy basil were boiled and the water was given to forty rats for seven "
    "weeks. The fat in their blood fell by a third, and their livers were spared the damage seen "
    "in those that drank plain water. We conclude that the extract lowers lipids without harm to "
    "the liver, and that eugenol is what works in it."
)


class FrontPage(Canvas):
    """A page of US letter size that is printed line by line.

    `^{...}` in a line is raised and small.
    """

    def __init__(self) -> None:
        self._writers: dict[int, pymupdf.TextWriter] = {}
        super().__init__(LETTER)

    def new_page(self) -> None:
        super().new_page()
        self.y = 40.0

    def put(self, x: float, y: float, text: str, size: float = 10, font: str = ROMAN) -> float:
        """Prints a line with its base line at y; returns the x of its end."""
        for piece in re.split(r"(\^\{[^}]*\})", text):
            is_superscript = piece.startswith("^{")
            shown = piece[2:-1] if is_superscript else piece
            of_piece = 0.65 * size if is_superscript else size
            if shown:
                up = 0.35 * size if is_superscript else 0.0
                used = face(font_for(shown, font))
                self._writer().append((x, y - up), shown, font=used, fontsize=of_piece)  # type: ignore[arg-type]
                x += text_width(shown, of_piece, font)
        return x

    def _writer(self) -> pymupdf.TextWriter:
        """Returns the writer of the page; a writer for each line would take ten times as long."""
        number = self.page.number or 0
        if number not in self._writers:
            self._writers[number] = pymupdf.TextWriter(self.page.rect)
        return self._writers[number]

    def line(self, text: str, size: float = 10, font: str = ROMAN, x: float = 60) -> None:
        self.y += 1.25 * size
        self.put(x, self.y, text, size, font)

    def centre(
        self, text: str, size: float = 10, font: str = ROMAN, middle: float = WIDTH / 2
    ) -> None:
        bare = re.sub(r"\^\{([^}]*)\}", r"\1", text)
        self.line(text, size, font, middle - text_width(bare, size, font) / 2)

    def paragraph(
        self,
        text: str,
        size: float = 10,
        font: str = ROMAN,
        x: float = 60,
        width: float = 490,
        lead: str = "",
    ) -> None:
        """Prints a paragraph; `lead` runs into it in bold."""
        indent = text_width(f"{lead} ", size, BOLD) if lead else 0.0
        for number, line in enumerate(wrap(text, width, size, font, indent=indent)):
            self.y += 1.2 * size
            start = x
            if lead and number == 0:
                start = self.put(x, self.y, f"{lead} ", size, BOLD)
            self.put(start, self.y, line, size, font)

    def gap(self, points: float = 12) -> None:
        self.y += points

    def body(self, size: float = 10, columns: int = 2, heading: str = "1. Introduction") -> None:
        """Prints an introduction down to the foot of the page and one more page, in one or two
        columns."""
        width = 490.0 if columns == 1 else 235.0
        top = self.y + 10
        for column in range(columns):
            self.y = top
            if column == 0 and heading:
                self.line(heading, size + 2, BOLD)
                self.gap(3)
            while self.y < HEIGHT - 110:
                self.paragraph(LOREM, size, ROMAN, 60 + 255 * column, width)
        self.new_page()
        for column in range(columns):
            self.y = 60.0
            while self.y < HEIGHT - 110:
                self.paragraph(LOREM, size, ROMAN, 60 + 255 * column, width)

    def first(self) -> None:
        """Returns to the first page, for its header, footer and margins."""
        self.page = self.document[0]

    def stamp(self, text: str) -> None:
        """Prints a vertical line in the left margin, like the stamp of arXiv."""
        self.document[0].insert_text((30, 600), text, fontsize=20, fontname=ROMAN, rotate=90)

    def front(self, stated: Mapping[str, str] | None = None) -> MetadataFound:
        """Returns the metadata that is found on these pages."""
        sizes, pages = self._lines()
        kept = without_running_lines(pages, sizes)
        pages_in_order = reading.in_order(kept)
        paper = reading.compose(pages_in_order, sizes, (stated or {}).get("title", ""))
        ordered = [line for page in pages_in_order[:2] for line in page]
        return find_metadata(
            paper, ordered, stated or {}, [line for page in pages[:2] for line in page]
        )

    def to_pdf(self) -> bytes:
        """Returns the file; the page can be printed on further."""
        for number, writer in self._writers.items():
            writer.write_text(self.document[number])
        self._writers.clear()
        return super().to_pdf()

    def _lines(self) -> tuple[list[PageSize], list[list[Line]]]:
        document = pymupdf.open(stream=self.to_pdf(), filetype="pdf")
        pages = [document[number] for number in range(document.page_count)]
        return (
            [page_size(page, number) for number, page in enumerate(pages, start=1)],
            [page_lines(page, number) for number, page in enumerate(pages, start=1)],
        )


def names(front: MetadataFound) -> list[str]:
    """Returns the names of the authors in order."""
    return [author.name for author in front.metadata.authors]


def families(front: MetadataFound) -> list[str | None]:
    """Returns the authors' family names in order."""
    return [author.family for author in front.metadata.authors]


def simple(
    authors: Sequence[str] = (), title: str = "Lipids in Rats Fed With Holy Basil Leaves"
) -> FrontPage:
    """Returns a plain page: title, a line for each of `authors`, an address, an abstract, two
    columns."""
    page = FrontPage()
    page.gap(30)
    page.line(title, 18, BOLD)
    page.gap()
    for line in authors:
        page.line(line, 12)
    page.gap()
    page.line("Department of Botany, University of Somewhere, 12345 Sometown, Norway", 9, ITALIC)
    page.gap()
    page.line("Abstract", 12, BOLD)
    page.paragraph(ABSTRACT, 10)
    page.gap()
    page.body()
    return page
