"""Complete papers with known text, in one or two columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import BOLD, HEIGHT, LOREM, ROMAN, SANS, WIDTH, Canvas, wrap

AES_256 = 5  # MuPDF's PDF_ENCRYPT_AES_256
MARGIN, GUTTER = 60.0, 24.0


@dataclass(frozen=True)
class Grid:
    """A table between three rules, as wide as its column, with its caption above it."""

    caption: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """An image as wide as its column, with its caption below it."""

    caption: str
    height: float = 90.0


@dataclass(frozen=True)
class Part:
    """A section: a heading (none if empty), paragraphs, tables and images."""

    heading: str
    paragraphs: Sequence[str | Grid | Picture] = ()


class _ColumnWriter(Canvas):
    """Flows lines into columns, top to bottom, page after page."""

    def __init__(self, columns: int, header: str, footer: str) -> None:
        self.columns, self.header, self.footer = columns, header, footer
        super().__init__()

    @property
    def column_width(self) -> float:
        return (WIDTH - 2 * MARGIN - (self.columns - 1) * GUTTER) / self.columns

    @property
    def left(self) -> float:
        return MARGIN + self.column * (self.column_width + GUTTER)

    def new_page(self) -> None:
        super().new_page()
        number = str(self.document.page_count)
        if self.header:
            self.text(MARGIN, 36, self.header, 8, SANS)
        if self.footer:
            self.text(MARGIN, HEIGHT - 30, f"{self.footer} {number}", 8, SANS)
        self.text(WIDTH / 2, HEIGHT - 18, number, 8, SANS)
        self.column, self.y, self.top = 0, MARGIN + 20, MARGIN + 20

    def line(self, text: str, size: float, font: str, indent: float = 0.0) -> None:
        if self.y + size > HEIGHT - MARGIN:
            self._next_column()
        self.text(self.left + indent, self.y + size, text, size, font)
        self.y += 1.25 * size

    def _next_column(self) -> None:
        if self.column + 1 < self.columns:
            self.column, self.y = self.column + 1, self.top
        else:
            self.new_page()

    def paragraph(
        self,
        text: str,
        size: float = 10,
        font: str = ROMAN,
        *,
        indent: float = 0.0,
        hang: float = 0.0,
    ) -> None:
        lines = wrap(text, self.column_width - max(indent, hang), size, font)
        for number, line in enumerate(lines):
            self.line(line, size, font, indent if number == 0 else hang)

    def grid(self, grid: Grid) -> None:
        self._reserve(40 + 12 * len(grid.rows))
        self.paragraph(grid.caption, 9)
        width = self.column_width / len(grid.rows[0])
        self._rule_below(3)
        for number, row in enumerate(grid.rows):
            for column, text in enumerate(row):
                self.text(self.left + column * width, self.y + 9, text, 9)
            self.y += 12
            if number == 0:
                self._rule_below(3)
        self._rule_below(14)

    def picture(self, picture: Picture) -> None:
        self._reserve(picture.height + 40)
        grey = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 40, 20), False)
        grey.clear_with(120)
        right, bottom = self.left + self.column_width, self.y + picture.height
        place = pymupdf.Rect(self.left, self.y, right, bottom)
        self.page.insert_image(place, pixmap=grey, keep_proportion=False)
        self.y = bottom + 6
        self.paragraph(picture.caption, 9)
        self.y += 12

    def _reserve(self, height: float) -> None:
        """Moves to the next column if less than `height` is left in this one."""
        self.y += 12
        if self.y + height > HEIGHT - MARGIN:
            self._next_column()

    def _rule_below(self, gap: float) -> None:
        self.y += 3
        self.rule(self.left, self.left + self.column_width, self.y, 0.7)
        self.y += gap


def make_paper(
    title: str = "Green Synthesis of Silver Nanoparticles",
    parts: Sequence[Part] | None = None,
    *,
    authors: str = "Ada Lovelace, Grace Hopper",
    abstract: str = LOREM,
    references: Sequence[str] = (),
    columns: int = 2,
    header: str = "Journal of Made Papers",
    footer: str = "Lovelace and Hopper, page",
    rotation: int = 0,
    metadata_title: str = "",
    password: str = "",
) -> bytes:
    """Returns a PDF that prints this paper.

    Title, authors and abstract run across the page; the parts follow in `columns` columns of 10
    point Times with bold headings of 12 points; references are printed with a hanging indent. A
    soft hyphen (U+00AD) in a text is where a word may break at a line's end. `password` (user
    password) encrypts the file.
    """
    writer = _ColumnWriter(columns, header, footer)
    _set_front(writer, title, authors, abstract)
    for part in (
        parts
        if parts is not None
        else (Part("1 Introduction", [LOREM * 2, LOREM]), Part("2 Methods", [LOREM * 3]))
    ):
        _set_part(writer, part)
    if references:
        _set_part(writer, Part("References"))
        for reference in references:
            writer.paragraph(reference, 9, hang=14)
    document = writer.document
    for page in document:
        page.set_rotation(rotation)
    if metadata_title:
        document.set_metadata({"title": metadata_title})
    locked = {
        "encryption": AES_256,
        "user_pw": password,
        "owner_pw": password + "!",
    }
    data = document.tobytes(garbage=3, deflate=True, **(locked if password else {}))
    document.close()
    return data


def _set_front(writer: _ColumnWriter, title: str, authors: str, abstract: str) -> None:
    columns, writer.columns = writer.columns, 1
    writer.paragraph(title, 18, BOLD)
    writer.y += 8
    if authors:
        writer.paragraph(authors, 11)
        writer.y += 10
    if abstract:
        writer.line("Abstract", 12, BOLD)
        writer.paragraph(abstract)
        writer.y += 16
    writer.columns, writer.top = columns, writer.y


def _set_part(writer: _ColumnWriter, part: Part) -> None:
    if part.heading:
        writer.y += 8
        if writer.y > HEIGHT - MARGIN - 40:
            writer.y = HEIGHT
        writer.line(part.heading, 12, BOLD)
        writer.y += 3
    for one in part.paragraphs:
        if isinstance(one, Grid):
            writer.grid(one)
        elif isinstance(one, Picture):
            writer.picture(one)
        else:
            writer.paragraph(one, indent=12)


DOSES = (
    ("Plant", "Dose", "Yield", "Error"),
    ("Mint", "1.25", "81.07", "0.31"),
    ("Sage", "2.50", "77.93", "1.02"),
    ("Thyme", "10.05", "64.20", "0.88"),
    ("Basil", "0.125", "9.41", "0.07"),
)
STUDY = "Yields of Silver from the Leaves of Four Herbs"
REFERENCES = (
    "[1] A. Turing and J. Neumann. Leaves that count. Journal of Made Results, 12(3):34-56, 2019. "
    "doi:10.1234/made.2019.12",
    "[2] M. Curie. A flask in the dark. Letters on Light, 7:101-109, 2021. "
    "doi:10.1234/light.2021.7",
    "[3] R. Franklin, P. Ehrenfest, and E. Noether. Symmetry of stirred fluids. Made Physics, "
    "88:1-20, 2008.",
)


def make_study(title: str = STUDY, columns: int = 2) -> bytes:
    """Returns a paper with a table, a figure, references and a DOI, for the later steps."""
    table = Grid("Table 1. Yield of each plant by its dose, in percent.", DOSES)
    picture = Picture("Figure 1. Flasks of the second run after an hour of light.")
    parts = [
        Part("1 Introduction", [LOREM * 3, LOREM * 2]),
        Part("2 Methods", [LOREM * 3, picture, LOREM * 2]),
        Part("3 Results", ["Table 1 lists the yields of all plants. " + LOREM, table, LOREM * 4]),
        Part("4 Conclusion", ["A copper spoon quenches the reaction at once. " + LOREM * 2]),
    ]
    return make_paper(title, parts, references=REFERENCES, columns=columns)
