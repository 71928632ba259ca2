"""Builds first pages in the styles of many publishers, line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from domain.papers import PageSize
from extraction.metadata.metadata import MetadataFound, find_metadata
from extraction.structure import compose as reading
from extraction.text.lines import Line, page_lines, page_size
from extraction.text.mupdf import pymupdf
from extraction.text.running_headers import without_running_lines
from tests.papers import LOREM

WIDTH, HEIGHT = 612.0, 792.0
ROMAN, BOLD, ITALIC, BOLD_ITALIC, SANS = "tiro", "tibo", "tiit", "tibi", "helv"

_CJK = re.compile(r"[\u3000-\u9fff]")

ABSTRACT = (
    "The leaves of the holy basil were boiled and the water was given to forty rats for seven "
    "weeks. The fat in their blood fell by a third, and their livers were spared the damage seen "
    "in those that drank plain water. We conclude that the extract lowers lipids without harm to "
    "the liver, and that eugenol is what works in it."
)


@dataclass
class FrontPage:
    """A page that is set line by line; `^{...}` in a text is small superscript."""

    document: pymupdf.Document = field(default_factory=pymupdf.open)
    page: pymupdf.Page = field(init=False)
    y: float = 40.0
    _writers: dict[int, pymupdf.TextWriter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.next_page()

    def next_page(self) -> None:
        self.page = self.document.new_page(width=WIDTH, height=HEIGHT)
        self.y = 40.0

    def put(self, x: float, y: float, text: str, size: float = 10, font: str = ROMAN) -> float:
        """Prints a line with its base line at y; returns the x at which it ends."""
        for piece in re.split(r"(\^\{[^}]*\})", text):
            is_superscript = piece.startswith("^{")
            shown = piece[2:-1] if is_superscript else piece
            of_piece = 0.65 * size if is_superscript else size
            if shown:
                writer = self._writer()
                up = 0.35 * size if is_superscript else 0.0
                face = _face("cjk" if _CJK.search(shown) else font)
                writer.append((x, y - up), shown, font=face, fontsize=of_piece)  # type: ignore[arg-type]
                x += _length(shown, font, of_piece)
        return x

    def _writer(self) -> pymupdf.TextWriter:
        """Returns the text writer of the page. One per page: writing line by line takes ten times
        as long."""
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
        self.line(text, size, font, middle - _length(bare, font, size) / 2)

    def text(
        self,
        text: str,
        size: float = 10,
        font: str = ROMAN,
        x: float = 60,
        width: float = 490,
        lead: str = "",
    ) -> None:
        """Prints a paragraph; `lead` runs into it in bold."""
        line, first = "", True
        begin = _length(f"{lead} ", BOLD, size) if lead else 0.0
        words = text.split()
        while words:
            room = width - (begin if first else 0)
            line = ""
            while words and _length(f"{line} {words[0]}".strip(), font, size) <= room:
                line = f"{line} {words.pop(0)}".strip()
            self.y += 1.2 * size
            start = x
            if first and lead:
                start = self.put(x, self.y, f"{lead} ", size, BOLD)
            self.put(start, self.y, line, size, font)
            first = False

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
                self.text(LOREM, size, ROMAN, 60 + 255 * column, width)
        self.next_page()
        for column in range(columns):
            self.y = 60.0
            while self.y < HEIGHT - 110:
                self.text(LOREM, size, ROMAN, 60 + 255 * column, width)

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

    def _lines(self) -> tuple[list[PageSize], list[list[Line]]]:
        for number, writer in self._writers.items():
            writer.write_text(self.document[number])
        self._writers.clear()
        document = pymupdf.open(stream=self.document.tobytes(), filetype="pdf")
        pages = [document[number] for number in range(document.page_count)]
        return (
            [page_size(page, number) for number, page in enumerate(pages, start=1)],
            [page_lines(page, number) for number, page in enumerate(pages, start=1)],
        )


def _length(text: str, font: str, size: float) -> float:
    words = text.split(" ")
    return size * (sum(_unit(word, font) for word in words) + (len(words) - 1) * _unit(" ", font))


@lru_cache(maxsize=4096)
def _unit(word: str, font: str) -> float:
    """Returns the width of a word at one point. Cached: measuring in MuPDF is slow, and words
    recur."""
    return _face("cjk" if _CJK.search(word) else font).text_length(word, fontsize=100) / 100


@lru_cache
def _face(name: str) -> pymupdf.Font:
    return pymupdf.Font(name)


def names(front: MetadataFound) -> list[str]:
    """Returns the authors' names in order."""
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
    page.text(ABSTRACT, 10)
    page.gap()
    page.body()
    return page
