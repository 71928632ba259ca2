"""Sets generated papers line by line and records what was set: that record is the true content.

In all texts `^{...}` is raised and `_{...}` is lowered; both are small.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from extraction.text.mupdf import pymupdf
from tests.quality.prose import Name, Prose
from tests.quality.style import (
    SCRIPTS,
    Drawn,
    Style,
    Token,
    font_of,
    joined_words,
    plain,
    text_width,
)
from tests.quality.truth import TrueReference, TrueTable, Truth

_BREAK = re.compile(r"(?<=[aeiou][bcdfglmnprst])(?=[bcdfglmnprst][aeiou])")
_LIGATURES = (("ffi", "ﬃ"), ("ffl", "ﬄ"), ("ff", "ﬀ"), ("fi", "ﬁ"), ("fl", "ﬂ"))
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII")
_MOST_STRETCH = 0.35  # of the size of type: what justification adds to a space
_LEAST_LETTERS = 3  # on each side of a hyphen


class Typesetter:
    """Fills columns from top to bottom, page after page."""

    def __init__(self, style: Style, prose: Prose) -> None:
        self.style, self.prose = style, prose
        self.document: Any = pymupdf.open()
        self.pages: list[list[Drawn]] = []
        self.pending: list[Callable[[], None]] = []  # drawn across the top of the next page
        self.is_wide, self.lead, self.counters = False, "", [0, 0, 0]
        self.lines_set = 0
        self.notes: list[tuple[list[Token], float]] = []
        self.title_text, self.abstract_text = "", ""
        self.doi: str | None = None
        self.year: int | None = None
        self.families: list[str] = []
        self.sections: list[str] = []
        self.paragraphs: list[str] = []
        self.tables: list[TrueTable] = []
        self.figures: list[str] = []
        self.cited: list[TrueReference] = []
        self.new_page()

    # Pages and columns

    def new_page(self) -> None:
        self._set_notes()
        style = self.style
        width, height = style.page
        self.canvas = self.document.new_page(width=width, height=height)
        self.pages.append([])
        self.column, self.y, self.top = 0, style.top, style.top
        self.floor = height - style.bottom
        self._running_lines(len(self.pages))
        floats, self.pending = self.pending, []
        if floats:
            with self.wide():
                for draw in floats:
                    draw()

    def _running_lines(self, number: int) -> None:
        style, even = self.style, number % 2 == 0
        header, footer = (
            lines if isinstance(lines, str) else lines[even]
            for lines in (style.headers, style.footers)
        )
        if number == 1:
            header, footer = style.first_header or header, style.first_footer or footer
        for text, y in ((header, style.top - 30), (footer, style.page[1] - style.bottom + 32)):
            shown = text.format(page=number)
            parts = shown.split("\t") if "\t" in shown else ["", shown, ""]
            for share, part in zip((0.0, 0.5, 1.0), parts, strict=True):
                room = style.page[0] - style.left - style.right - self.length(part, 8, "roman")
                self.put(style.left + share * room, y, part, 8)

    @contextmanager
    def wide(self) -> Iterator[None]:
        """Lines run over all columns; the columns begin below them."""
        before, self.is_wide = self.is_wide, True
        yield
        self.is_wide = before
        self.top, self.column = self.y, 0

    @property
    def x(self) -> float:
        if self.is_wide:
            return self.style.left
        return self.style.left + self.column * (self.measure + self.style.gutter)

    @property
    def measure(self) -> float:
        """The width of a line."""
        style = self.style
        whole = style.page[0] - style.left - style.right
        if self.is_wide:
            return whole
        return (whole - (style.columns - 1) * style.gutter) / style.columns

    def next_column(self) -> None:
        if self.is_wide or self.column + 1 == self.style.columns:
            self.new_page()
            return
        self._set_notes()
        self.column, self.y = self.column + 1, self.top
        self.floor = self.style.page[1] - self.style.bottom

    def need(self, height: float) -> None:
        """Goes on to the next column where so much does not fit any more."""
        if self.y + height > self.floor:
            self.next_column()

    def gap(self, points: float) -> None:
        self.y += points

    # Lines

    def face(self, name: str) -> str:
        return self.style.faces[name]

    def length(self, text: str, size: float, face: str) -> float:
        pieces = [piece for piece in SCRIPTS.split(text) if piece]
        return sum(
            text_width(piece[2:-1], self.face(face), 0.68 * size)
            if SCRIPTS.fullmatch(piece)
            else text_width(piece, self.face(face), size)
            for piece in pieces
        )

    def put(self, x: float, y: float, text: str, size: float, face: str = "roman") -> float:
        """Draws a text with its base line at y; returns where it ends."""
        font = self.face(face)
        for piece in filter(None, SCRIPTS.split(text)):
            shown, of_piece, up = piece, size, 0.0
            if SCRIPTS.fullmatch(piece):
                shown, of_piece = piece[2:-1], 0.68 * size
                up = 0.35 * size if piece[0] == "^" else -0.15 * size
            if self.style.ligatures:
                for letters, glyph in _LIGATURES:
                    shown = shown.replace(letters, glyph)
            self.pages[-1].append(Drawn(x, y - up, shown, of_piece, font))
            x += text_width(shown, font, of_piece)
        return x

    def centred(self, middle: float, y: float, text: str, size: float, face: str = "roman") -> None:
        self.put(middle - self.length(text, size, face) / 2, y, text, size, face)

    def line(self, tokens: Sequence[Token], size: float, align: str, inset: float = 0) -> None:
        """Sets one line of words in the current column."""
        height = self.style.leading * size
        self.need(height)
        self.y += height
        self._number_line()
        room = self.measure - inset
        words = [self.length(text, size, face) for text, face in tokens]
        space = text_width(" ", self.face("roman"), size)
        natural = sum(words) + space * (len(tokens) - 1)
        x = self.x + inset
        if align == "centre":
            x += (room - natural) / 2
        if align == "right":
            x += room - natural
        if align == "justify" and len(tokens) > 1:
            stretch = (room - natural) / (len(tokens) - 1)
            for (text, face), width in zip(tokens, words, strict=True):
                self.put(x, self.y, text, size, face)
                x += width + space + min(stretch, _MOST_STRETCH * size)
            return
        for piece, face in joined_words(tokens):
            x = self.put(x, self.y, piece, size, face) + space

    def _number_line(self) -> None:
        self.lines_set += 1
        if self.style.line_numbers:
            text = str(self.lines_set)
            at = self.style.left - 18 - text_width(text, "helv", 7)
            self.pages[-1].append(Drawn(at, self.y, text, 7, "helv"))

    def block(
        self,
        text: str,
        size: float = 0,
        face: str = "roman",
        align: str = "",
        *,
        lead: str = "",
        lead_face: str = "bold",
        indent: float = 0,
        hang: float = 0,
        after: float = 0,
    ) -> None:
        """Sets a text in lines, without a record. `lead` is run into its first line; the first line
        is indented by `indent`, the others by `hang`."""
        size = size or self.style.size
        align = align or ("justify" if self.style.justify else "left")
        tokens = [(word, lead_face) for word in lead.split()]
        tokens += [(word, face) for word in text.split()]
        lines = self._wrapped(tokens, size, self.measure, indent, hang)
        for place, words in enumerate(lines, 1):
            last = place == len(lines)
            of_line = "left" if last and align == "justify" else align
            self.line(words, size, of_line, indent if place == 1 else hang)
        self.y += after

    def _wrapped(
        self, tokens: Sequence[Token], size: float, measure: float, indent: float, hang: float
    ) -> list[list[Token]]:
        space = text_width(" ", self.face("roman"), size)
        lines: list[list[Token]] = [[]]
        left = measure - indent
        for text, face in tokens:
            wide = self.length(text, size, face)
            if wide > left and lines[-1]:
                head, text = self._broken(text, size, face, left)
                if head:
                    lines[-1].append((head, face))
                lines.append([])
                left, wide = measure - hang, self.length(text, size, face)
            lines[-1].append((text, face))
            left -= wide + space
        return lines

    def _broken(self, word: str, size: float, face: str, room: float) -> tuple[str, str]:
        """The part of a word that fits with a hyphen, and the rest; ("", word) when none does."""
        if self.style.hyphens and word.isalpha():
            for match in reversed([*_BREAK.finditer(word)]):
                place = match.start()
                fits = self.length(word[:place] + "-", size, face) <= room
                if fits and min(place, len(word) - place) >= _LEAST_LETTERS:
                    return word[:place] + "-", word[place:]
        return "", word

    # Parts of a paper, recorded

    def title(self, text: str, size: float = 17, align: str = "centre", face: str = "bold") -> None:
        self.title_text = plain(text)
        self.block(text, size, face, align, after=8)

    def authors(self, names: Sequence[Name], shown: Sequence[str], **form: Any) -> None:
        """Records the names and sets each text of `shown` as lines of their own."""
        self.families = [family for _, family in names]
        for text in shown:
            self.block(text, **{"align": "centre", "size": 11} | form)

    def abstract(self, text: str, size: float = 9, lead: str = "", **form: Any) -> None:
        self.abstract_text = plain(text)
        self.block(text, size, lead=lead, after=8, **form)

    def section(self, text: str, level: int = 1, number: str | None = None) -> None:
        """A heading with its number by the style, or with the one given."""
        form = self.style.headings[level - 1]
        self.sections.append(plain(text))
        printed = number if number is not None else self._next_number(level)
        shown = " ".join(filter(None, (printed, text.upper() if form.upper else text)))
        if form.run_in:
            self.lead = shown + form.run_in
            return
        self.y += form.before if self.y > self.top else 0
        lines = len(self._wrapped([(shown, form.face)], form.size, self.measure, 0, 0))
        self.need((lines + 2) * 1.2 * form.size + form.after)
        self.block(shown, form.size, form.face, form.align, after=form.after)

    def _next_number(self, level: int) -> str:
        self.counters[level - 1] += 1
        self.counters[level:] = [0] * (3 - level)
        if self.style.numbering == "I":
            place = self.counters[level - 1] - 1
            return (_ROMAN[place] if level == 1 else "ABCDEFGH"[place]) + "."
        if not self.style.numbering:
            return ""
        dotted = ".".join(map(str, self.counters[:level]))
        return dotted + ("." if self.style.numbering == "1." else "")

    def paragraph(self, text: str = "", sentences: int = 5, face: str = "roman") -> None:
        """A paragraph of the body; of invented sentences unless a text is given."""
        text = text or self.prose.paragraph(sentences)
        lead, self.lead = self.lead, ""
        form = self.style.headings[1 if len(self.style.headings) > 1 else 0]
        self.paragraphs.append(plain(text))
        self.block(
            text,
            face=face,
            lead=lead,
            lead_face=form.face,
            indent=0 if lead else self.style.indent,
            after=self.style.paragraph_gap,
        )

    def paragraphs_of(self, number: int, sentences: int = 5) -> None:
        for _ in range(number):
            self.paragraph(sentences=sentences)

    def equation(self, text: str, number: str = "") -> None:
        """A displayed formula; it is not part of the record."""
        self.need(30)
        self.y += 20
        self.centred(self.x + self.measure / 2, self.y, text, self.style.size, "italic")
        if number:
            wide = self.length(number, self.style.size, "roman")
            self.put(self.x + self.measure - wide, self.y, number, self.style.size)
        self.y += 10

    def footnote(self, text: str, size: float = 7.5) -> None:
        """A note at the foot of the current column, below those that are there already."""
        tokens = [(word, "roman") for word in text.split()]
        lines = self._wrapped(tokens, size, self.measure, 0, 0)
        height = 1.2 * size * len(lines)
        self.need(height + 70)
        self.floor -= height + (0 if self.notes else 8)
        self.notes += [(words, size) for words in lines]

    def _set_notes(self) -> None:
        """Draws the notes of a column that is full; they begin with a short rule."""
        notes, self.notes = self.notes, []
        if notes:
            self.rule(self.x, self.x + 60, self.floor + 5, 0.4)
            self.y = self.floor + 6
            self.floor = self.style.page[1]
        for words, size in notes:
            self.line(words, size, "left")

    def bibliography(
        self, heading: str, entries: Sequence[tuple[str, TrueReference]], *, hang: float = 14
    ) -> None:
        """Entries with their labels ("[1]", or empty), below their heading."""
        form = self.style.headings[0]
        self.y += form.before
        self.need(60)
        if heading:
            shown = heading.upper() if form.upper else heading
            self.block(shown, form.size, form.face, form.align, after=form.after)
        size = self.style.size - 1.2
        for label, reference in entries:
            self.cited.append(reference)
            self.block(f"{label} {reference.raw}".strip(), size, hang=hang, after=1.5)

    # Shapes

    def rule(self, x0: float, x1: float, y: float, width: float = 0.6) -> None:
        self.canvas.draw_line((x0, y), (x1, y), width=width)

    def wall(self, x: float, y0: float, y1: float, width: float = 0.5) -> None:
        self.canvas.draw_line((x, y0), (x, y1), width=width)

    def panel(self, y0: float, y1: float, shade: float = 0.92, border: bool = False) -> None:
        """A grey box as wide as the current line."""
        box = pymupdf.Rect(self.x - 6, y0, self.x + self.measure + 6, y1)
        colour = (0.3, 0.3, 0.3) if border else None
        self.canvas.draw_rect(box, color=colour, fill=(shade,) * 3, width=0.6)

    # The result

    def truth(self) -> Truth:
        return Truth(
            title=self.title_text,
            authors=tuple(self.families),
            abstract=self.abstract_text or None,
            doi=self.doi,
            year=self.year,
            sections=tuple(self.sections),
            tables=tuple(self.tables),
            figures=tuple(self.figures),
            references=tuple(self.cited),
            paragraphs=tuple(self.paragraphs),
        )

    def pdf(self) -> bytes:
        """The bytes of the PDF; call it once."""
        self._set_notes()
        chance = random.Random(0)
        for page, drawn in zip(self.document, self.pages, strict=True):
            writer: Any = pymupdf.TextWriter(page.rect)
            if self.style.shuffled:
                rows = sorted({text.y for text in drawn}, key=lambda _: chance.random())
                drawn = sorted(drawn, key=lambda text, order=rows: order.index(text.y))
            for text in drawn:
                font = font_of(text.font)
                writer.append((text.x, text.y), text.text, font=font, fontsize=text.size)
            writer.write_text(page)
        data = self.document.tobytes(garbage=3, deflate=True)
        self.document.close()
        return data
