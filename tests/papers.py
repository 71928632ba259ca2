"""Papers of known text: PDFs made in memory for the tests of reading, chunking and everything
behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from extraction.text.mupdf import pymupdf

AES_256 = 5  # MuPDF's PDF_ENCRYPT_AES_256
WIDTH, HEIGHT, MARGIN, GUTTER = 595.0, 842.0, 60.0, 24.0

LOREM = (
    "Silver nanoparticles were made with an extract of leaves and watched for one hour "
    "under light. "
    "The absorption rose for twenty minutes and then stayed the same in every flask. "
    "Larger flasks needed more time, which agrees with earlier work on related plants. "
    "We repeated each run three times and report the mean with its standard deviation. "
)


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
    """A section of a made paper: a heading (none when empty) and what stands below it."""

    heading: str
    paragraphs: Sequence[str | Grid | Picture] = ()


@dataclass
class _Writer:
    """Sets lines into columns, top to bottom, page after page."""

    document: pymupdf.Document
    columns: int
    header: str
    footer: str
    rotation: int = 0
    page: pymupdf.Page = field(init=False)
    column: int = 0
    y: float = 0.0
    top: float = MARGIN + 20

    def __post_init__(self) -> None:
        self.new_page()

    @property
    def column_width(self) -> float:
        return (WIDTH - 2 * MARGIN - (self.columns - 1) * GUTTER) / self.columns

    @property
    def left(self) -> float:
        return MARGIN + self.column * (self.column_width + GUTTER)

    def new_page(self) -> None:
        self.page = self.document.new_page(width=WIDTH, height=HEIGHT)
        number = str(self.document.page_count)
        if self.header:
            self.page.insert_text((MARGIN, 36), self.header, fontsize=8)
        if self.footer:
            self.page.insert_text((MARGIN, HEIGHT - 30), f"{self.footer} {number}", fontsize=8)
        self.page.insert_text((WIDTH / 2, HEIGHT - 18), number, fontsize=8)
        self.column, self.y, self.top = 0, MARGIN + 20, MARGIN + 20

    def line(self, text: str, size: float, font: str, indent: float = 0.0) -> None:
        if self.y + size > HEIGHT - MARGIN:
            self._next_column()
        place = (self.left + indent, self.y + size)
        self.page.insert_text(place, text, fontsize=size, fontname=font)
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
        font: str = "tiro",
        *,
        indent: float = 0.0,
        hang: float = 0.0,
        width: float = 0.0,
    ) -> None:
        room = width or self.column_width
        for number, line in enumerate(_wrapped(text, size, font, room - max(indent, hang))):
            self.line(line, size, font, indent if number == 0 else hang)

    def grid(self, grid: Grid) -> None:
        self._take_room(40 + 12 * len(grid.rows))
        self.paragraph(grid.caption, 9)
        width = self.column_width / len(grid.rows[0])
        self._rule(3)
        for number, row in enumerate(grid.rows):
            for place, text in enumerate(row):
                x = self.left + place * width
                self.page.insert_text((x, self.y + 9), text, fontsize=9, fontname="tiro")
            self.y += 12
            if number == 0:
                self._rule(3)
        self._rule(14)

    def picture(self, picture: Picture) -> None:
        self._take_room(picture.height + 40)
        grey = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 40, 20), False)
        grey.clear_with(120)
        right, bottom = self.left + self.column_width, self.y + picture.height
        place = pymupdf.Rect(self.left, self.y, right, bottom)
        self.page.insert_image(place, pixmap=grey, keep_proportion=False)
        self.y = bottom + 6
        self.paragraph(picture.caption, 9)
        self.y += 12

    def _take_room(self, height: float) -> None:
        self.y += 12
        if self.y + height > HEIGHT - MARGIN:
            self._next_column()

    def _rule(self, gap: float) -> None:
        self.y += 3
        end = (self.left + self.column_width, self.y)
        self.page.draw_line((self.left, self.y), end, width=0.7)
        self.y += gap


def _wrapped(text: str, size: float, font: str, width: float) -> list[str]:
    """Lines of at most `width` points; a word breaks where a soft hyphen allows it, printed as a
    plain hyphen."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}".strip()
        if (
            pymupdf.get_text_length(joined.replace("\u00ad", ""), fontname=font, fontsize=size)
            <= width
        ):
            line = joined
            continue
        head, hyphen, tail = word.partition("\u00ad")
        broken = f"{line} {head}-".strip()
        if hyphen and pymupdf.get_text_length(broken, fontname=font, fontsize=size) <= width:
            lines.append(broken)
            line = tail
        else:
            lines.append(line)
            line = word
    return [one.replace("\u00ad", "") for one in [*lines, line] if one]


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
    """The bytes of a PDF that prints this paper.

    Title, authors and abstract run across the page; the parts follow in `columns` columns of 10
    point Times with bold headings of 12 points; references are printed with a hanging indent. A
    soft hyphen (U+00AD) in a text is where a word may break at a line's end. `password` (user
    password) encrypts the file.
    """
    document = pymupdf.open()
    writer = _Writer(document, columns, header, footer)
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


def _set_front(writer: _Writer, title: str, authors: str, abstract: str) -> None:
    columns, writer.columns = writer.columns, 1
    writer.paragraph(title, 18, "tibo")
    writer.y += 8
    if authors:
        writer.paragraph(authors, 11)
        writer.y += 10
    if abstract:
        writer.line("Abstract", 12, "tibo")
        writer.paragraph(abstract)
        writer.y += 16
    writer.columns, writer.top = columns, writer.y


def _set_part(writer: _Writer, part: Part) -> None:
    if part.heading:
        writer.y += 8
        if writer.y > HEIGHT - MARGIN - 40:
            writer.y = HEIGHT
        writer.line(part.heading, 12, "tibo")
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
    """A paper with all that the later steps look for: a table, a figure, references, a DOI."""
    table = Grid("Table 1. Yield of each plant by its dose, in percent.", DOSES)
    picture = Picture("Figure 1. Flasks of the second run after an hour of light.")
    parts = [
        Part("1 Introduction", [LOREM * 3, LOREM * 2]),
        Part("2 Methods", [LOREM * 3, picture, LOREM * 2]),
        Part("3 Results", ["Table 1 lists the yields of all plants. " + LOREM, table, LOREM * 4]),
        Part("4 Conclusion", ["A copper spoon quenches the reaction at once. " + LOREM * 2]),
    ]
    return make_paper(title, parts, references=REFERENCES, columns=columns)


def make_pages(*texts: str) -> bytes:
    """The bytes of a PDF with one plain line of 10 points on each page (none for an empty text)."""
    document = pymupdf.open()
    for text in texts:
        page = document.new_page(width=WIDTH, height=HEIGHT)
        if text:
            page.insert_text((MARGIN, 200), text, fontsize=10)
    data = document.tobytes()
    document.close()
    return data


def damage_page(pdf: bytes, number: int) -> bytes:
    """The PDF with a page (from 1) that MuPDF gives up: its graphics states nest too deep."""
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        page = document[number - 1]
        page.clean_contents()
        document.update_stream(page.get_contents()[0], b"q " * 100_000)
        return document.tobytes(garbage=3, deflate=True)
