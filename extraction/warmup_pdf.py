"""Writes the warm-up PDF: one page that exercises every part of the extraction.

Reading it loads all modules and models before the first paper arrives.
"""

from __future__ import annotations

from pathlib import Path

from extraction.text.mupdf import pymupdf

_FRONT = """<h1>A Specimen with a Bit of Everything</h1><p>Ada Lovelace and Alan M. Turing</p>
<p>Published 1 May 2020. doi:10.1000/specimen.1</p><h3>Abstract</h3>"""
_BACK = """<h3>References</h3><p>[1] A. Lovelace and C. Babbage. Notes on the engine of analysis.
Scientific Memoirs, 3:666-731, 1843. https://doi.org/10.1000/notes.2</p>"""
_PROSE = """<p>This page is read once, before the first paper comes, so that every part of reading
has been used and what it keeps in memory is there. It prints figures of no importance.</p>"""
_ROWS = (("Part", "Words", "Share"), ("front", "21", "0.19"), ("body", "78", "0.71"))


def write_warmup_pdf(path: Path) -> None:
    """Writes the warm-up PDF to this path."""
    document = pymupdf.open()
    page = document.new_page()
    sections = "".join(f"<h3>{n} Section {n}</h3>{_PROSE * 2}" for n in (1, 2))
    page.insert_htmlbox((50, 40, 545, 600), f"{_FRONT}{_PROSE}{sections}{_BACK}")
    page.insert_text((50, 630), "Table 1: What the page holds.", fontsize=9)
    for y in (640, 656, 690):
        page.draw_line((50, y), (300, y))
    for number, row in enumerate(_ROWS):
        for column, text in enumerate(row):
            page.insert_text((55 + 90 * column, 652 + 16 * number), text, fontsize=9)
    document.save(path)
    document.close()
