"""Papers of known text: PDFs made in memory for the tests of reading, chunking and everything
behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.read.mupdf import pymupdf

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
class Part:
    """A section of a made paper: a heading (none when empty) and its paragraphs."""

    heading: str
    paragraphs: Sequence[str] = ()


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
        left = MARGIN + self.column * (self.column_width + GUTTER)
        self.page.insert_text((left + indent, self.y + size), text, fontsize=size, fontname=font)
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
    for paragraph in part.paragraphs:
        writer.paragraph(paragraph, indent=12)


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
