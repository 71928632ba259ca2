"""Builds pages with tables of known cells, in the styles of publishers."""

from __future__ import annotations

from collections.abc import Sequence

from domain.papers import Table
from extraction.tables.tables import TablesFound, find_tables
from extraction.text.lines import page_lines, page_size
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import LOREM, ROMAN, Canvas

LEFT, RIGHT = (50.0, 288.0), (307.0, 545.0)


class Sheet(Canvas):
    """A page that is filled from the top: body text, captions, tables."""

    def text(self, x: float, y: float, text: str, size: float = 8, font: str = ROMAN) -> None:
        super().text(x, y, text, size, font)

    def centred(self, x: float, y: float, text: str, size: float = 8, font: str = ROMAN) -> None:
        super().centred(x, y, text, size, font)

    def body(self, column: tuple[float, float], y0: float, y1: float) -> None:
        box = pymupdf.Rect(column[0], y0, column[1], y1)
        text = LOREM * 20
        size = 10
        lines = int((y1 - y0) / 13)
        words = text.split()[: lines * int((column[1] - column[0]) / 28)]
        self.page.insert_textbox(box, " ".join(words), fontsize=size, fontname=ROMAN, align=3)

    def row(
        self,
        y: float,
        places: Sequence[float],
        texts: Sequence[str],
        *,
        size: float = 8,
        font: str = ROMAN,
        centred: bool = False,
    ) -> None:
        for number, (x, text) in enumerate(zip(places, texts, strict=True)):
            if centred and number:
                self.centred(x, y, text, size, font)
            elif text:
                self.text(x, y, text, size, font)

    def found(self) -> TablesFound:
        """Returns the tables that are found on these pages."""
        again = pymupdf.open("pdf", self.to_pdf())
        pages = [again[n] for n in range(again.page_count)]
        lines = [page_lines(page, n) for n, page in enumerate(pages, 1)]
        return find_tables(again, lines, [page_size(page, n) for n, page in enumerate(pages, 1)])


def texts(table: Table) -> list[list[str]]:
    """Returns the texts of the cells, row by row."""
    return [[cell.text for cell in row] for row in table.rows]


def only(found: TablesFound) -> Table:
    """Returns the only table that was found; asserts that there is exactly one."""
    assert len(found.tables) == 1, [(t.table.label, texts(t.table)) for t in found.tables]
    return found.tables[0].table


MODELS = [
    ["Model", "BLEU", "ROUGE-1", "ROUGE-2"],
    ["Baseline", "21.37", "40.02", "17.90"],
    ["Pointer network", "22.81", "41.55", "18.26"],
    ["Ours (small)", "23.00", "41.7", "18.4"],
    ["Ours (large)", "25.64", "43.12", "20.05"],
]


def booktabs(sheet: Sheet, x0: float, x1: float, y: float, rows: Sequence[Sequence[str]]) -> float:
    """Draws rows between three rules; returns the y of the last rule."""
    step = (x1 - x0 - 80) / (len(rows[0]) - 1)
    places = [x0, *(x0 + 80 + step * (n + 0.5) for n in range(len(rows[0]) - 1))]
    sheet.rule(x0, x1, y, 0.9)
    for number, row in enumerate(rows):
        sheet.row(y + 11 + 11 * number + (2 if number else 0), places, row, centred=True)
    sheet.rule(x0, x1, y + 15)
    bottom = y + 11 * len(rows) + 7
    sheet.rule(x0, x1, bottom, 0.9)
    return bottom
