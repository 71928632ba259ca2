"""The forms of generated papers, pages, faces and headings, and how long their texts are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from extraction.text.mupdf import pymupdf

SERIF = {"roman": "tiro", "bold": "tibo", "italic": "tiit", "mono": "cour"}
SANS = {"roman": "helv", "bold": "hebo", "italic": "heit", "mono": "cour"}
A4, LETTER, LNCS, OCTAVO = (595.0, 842.0), (612.0, 792.0), (439.4, 666.1), (453.0, 680.0)
SCRIPTS = re.compile(r"([\^_]\{[^}]*\})")

Token = tuple[str, str]  # a word and its face


@dataclass(frozen=True, slots=True)
class Heading:
    """The form of headings of one level. `run_in`: the text goes on in the same line."""

    size: float = 12
    face: str = "bold"
    align: str = "left"
    upper: bool = False
    run_in: str = ""  # what follows a run-in heading, such as "." or ".—"
    before: float = 12
    after: float = 4


@dataclass(frozen=True, slots=True)
class Style:
    """The form of a paper; lengths in points.

    A header or footer is a centred text, or a left, a middle and a right one with tabs between;
    {page} stands for the number of the page. Of two the second is for even pages.
    """

    page: tuple[float, float] = A4
    left: float = 64
    right: float = 64
    top: float = 72
    bottom: float = 72
    columns: int = 1
    gutter: float = 20
    faces: dict[str, str] = field(default_factory=lambda: SERIF)
    size: float = 10
    leading: float = 1.2
    justify: bool = True
    indent: float = 12
    paragraph_gap: float = 0
    hyphens: bool = False
    ligatures: bool = False
    shuffled: bool = False  # the content stream draws the lines in an order of chance
    line_numbers: bool = False
    headers: str | tuple[str, str] = ""
    footers: str | tuple[str, str] = ""
    first_header: str = ""
    first_footer: str = ""
    numbering: str = ""  # of sections: "1", "1.", "I" or nothing
    headings: tuple[Heading, ...] = (Heading(), Heading(11), Heading(10, "italic"))
    caption_size: float = 8.5


@dataclass(frozen=True, slots=True)
class Drawn:
    """A text with its base line from x, y, in points from the top left of the page."""

    x: float
    y: float
    text: str
    size: float
    font: str


@cache
def font_of(name: str) -> Any:
    """The font of that name, one of those that PyMuPDF carries."""
    return pymupdf.Font(name)


@cache
def text_width(text: str, font: str, size: float) -> float:
    """The width of a text in points."""
    return font_of(font).text_length(text, size)


def plain(text: str) -> str:
    """The text without the marks for raised and lowered parts."""
    return re.sub(r"[\^_]\{([^}]*)\}", r"\1", text)


def joined_words(tokens: Sequence[Token]) -> Iterator[Token]:
    """Neighbouring words of one face as one text."""
    words: list[str] = []
    before = ""
    for text, face in tokens:
        if words and face != before:
            yield " ".join(words), before
            words = []
        words.append(text)
        before = face
    if words:
        yield " ".join(words), before
