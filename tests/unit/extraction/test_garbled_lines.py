"""Garbled text in one font of a page, and words without spaces."""

from __future__ import annotations

import pytest

from extraction.text.garbled_lines import garbled_lines
from extraction.text.lines import page_lines
from extraction.text.mupdf import pymupdf
from extraction.text.text_layer import TextLayer, page_health
from tests.pdf_builder.canvas import ITALIC, LOREM
from tests.pdf_builder.losses import LEADING, LEFT, SIZE, lines_of, prose_page
from tests.unit.extraction.test_text_layer import CODE, FINNISH, FRENCH, GENES, POLISH, shifted

GERMAN = (
    "Die Donaudampfschifffahrtsgesellschaftskapitäne und die Rechtsschutzversicherungen "
    "sind mit dem Vertrag nicht zufrieden, und das ist auch in anderen Ländern so. "
)
PROTEIN = "Sequence\n" + "mktayiakqrqisfvkshfsrqleerlglievqapilsrvgdgtqdnlsgaekavqvk\n" * 2


def rotated(text: str, by: int) -> str:
    """Returns the text with its letters moved along the alphabet."""
    moved = {ord("A") + at: ord("A") + (at + by) % 26 for at in range(26)}
    return text.upper().translate(moved)


def page_with(extra: str, font: str = ITALIC) -> pymupdf.Page:
    """Returns a page of prose with these lines in another font below it."""
    document = pymupdf.open()
    page = prose_page(document, LOREM * 4)
    for row, line in enumerate(extra.splitlines()):
        page.insert_text((LEFT, 450 + LEADING * row), line, fontsize=SIZE, fontname=font)
    return page


@pytest.mark.parametrize("garble", [lambda text: rotated(text, 3), lambda text: shifted(text, -29)])
def test_shifted_font_is_found_beside_sound_ones(garble) -> None:
    page = page_with(garble("\n".join(lines_of(LOREM)[:4])))
    lines = page_lines(page, 1)
    health = page_health(page, lines)
    assert health.layer is TextLayer.PARTIAL and health.needs_ocr
    assert {box.y0 > 400 for box in health.missing} == {True}


def test_words_without_spaces_are_found() -> None:
    page = page_with("\n".join(line.replace(" ", "").lower() for line in lines_of(LOREM)[:4]))
    assert page_health(page, page_lines(page, 1)).layer is TextLayer.PARTIAL


@pytest.mark.parametrize("text", [LOREM, FRENCH, FINNISH, POLISH, GERMAN, CODE, GENES, PROTEIN])
def test_sound_text_is_not_garbled(text: str) -> None:
    page = page_with("\n".join(row for part in text.split("\n") for row in lines_of(part)[:6]))
    assert garbled_lines(page_lines(page, 1)) == []
