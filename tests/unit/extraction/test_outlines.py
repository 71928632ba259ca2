"""Text that is drawn as shapes: found, and told from figures and tables."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from extraction.options import ExtractOptions, OcrEngine
from extraction.quality import review_reasons
from extraction.steps import read_whole
from extraction.text.mupdf import pymupdf
from extraction.text.pdf import Reading, read_pages
from extraction.text.text_layer import TextLayer
from tests.pdf_builder.canvas import LOREM, ROMAN
from tests.pdf_builder.losses import insert_content, lines_of, outlined, prose_page
from tests.unit.extraction.test_ocr_pages import needs_an_engine

WITHOUT_OCR = ExtractOptions(ocr=OcrEngine.OFF)
DRAWN = "Mosses of the granite weirs were counted each summer. " + LOREM * 2


def written(document: pymupdf.Document, tmp_path: Path) -> Path:
    path = tmp_path / "paper.pdf"
    path.write_bytes(document.tobytes(garbage=1, deflate=True))
    return path


def reading_of(document: pymupdf.Document, tmp_path: Path) -> Reading:
    return read_pages(written(document, tmp_path))


def with_outlines(per_path: str, top: float, text: str) -> pymupdf.Document:
    """Returns a paper whose second page prints `text` and, from `top` on, letters as shapes."""
    document = pymupdf.open()
    prose_page(document, top=200)
    page = prose_page(document, text)
    insert_content(page, outlined(lines_of(DRAWN), top, per_path))
    return document


@pytest.mark.parametrize("per_path", ["letter", "line", "page"])
@pytest.mark.parametrize(("text", "layer"), [("7", "missing"), (LOREM * 4, "partial")])
def test_page_with_letters_drawn_as_shapes_needs_ocr(
    per_path: str, text: str, layer: str, tmp_path: Path
) -> None:
    if per_path == "page" and layer == "partial":
        pytest.skip("one path for half a page looks like any drawing")
    reading = reading_of(with_outlines(per_path, 480, text), tmp_path)
    assert reading.for_ocr == (2,)
    health = reading.health[1]
    assert health and health.layer is TextLayer(layer)


def test_shapes_and_words_without_spaces_of_one_page_need_ocr(tmp_path: Path) -> None:
    document = with_outlines("line", 600, LOREM * 4)
    for row, line in enumerate(lines_of(LOREM)[:3]):
        joined = line.replace(" ", "").lower()
        document[1].insert_text((72, 420 + 14 * row), joined, fontsize=10, fontname=ROMAN)
    health = reading_of(document, tmp_path).health[1]
    assert health and health.layer is TextLayer.PARTIAL
    tops = [box.y0 for box in health.missing]
    assert any(400 < top < 470 for top in tops) and any(top > 580 for top in tops)


def test_page_with_shapes_and_a_few_letters_is_named_without_ocr(tmp_path: Path) -> None:
    path = written(with_outlines("line", 300, "f f"), tmp_path)
    assert "page 2 could not be read completely" in review_reasons(read_whole(path, WITHOUT_OCR))


@needs_an_engine
@pytest.mark.parametrize("text", ["7", LOREM * 4])
def test_text_drawn_as_shapes_is_read_by_ocr(text: str, tmp_path: Path) -> None:
    paper = read_whole(written(with_outlines("line", 480, text), tmp_path))
    whole = " ".join(block.text for block in paper.blocks)
    assert "granite weirs were counted" in whole
    assert whole.count("Larger flasks needed") == 5 + text.count("Larger flasks needed")
    assert paper.quality.pages_ocred == (2,) and paper.quality.pages_incomplete == ()


def test_figures_and_tables_are_no_letters(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document, LOREM)
    for index in range(900):  # markers of a scatter plot
        x, y = 100 + index * 0.4, 400 + 60 * math.sin(index / 20)
        page.draw_circle((x, y), 1.5, fill=(0, 0, 1), color=None)
    for row in range(20):  # shaded rows of a table
        page.draw_rect((72, 500 + 12 * row, 500, 510 + 12 * row), fill=(0.9, 0.9, 0.9), color=None)
        page.insert_text((80, 508 + 12 * row), f"Row {row}  12.{row}", fontname=ROMAN, fontsize=9)
    reading = reading_of(document, tmp_path)
    assert reading.for_ocr == ()


def test_outline_around_text_is_no_second_text(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document, DRAWN)
    insert_content(page, outlined(lines_of(DRAWN), 90, "letter"))
    assert reading_of(document, tmp_path).for_ocr == ()
