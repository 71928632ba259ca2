"""Text that a page does not show is left out and counted; what only looks hidden stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from extraction.options import ExtractOptions, OcrEngine
from extraction.quality import review_reasons
from extraction.steps import read_text
from extraction.text.mupdf import pymupdf
from extraction.text.pdf import read_pages
from tests.pdf_builder.canvas import LOREM, ROMAN
from tests.pdf_builder.losses import insert_content, prose_page
from tests.pdf_builder.papers import make_paper
from tests.pdf_builder.scans import add_hidden_text, make_scan
from tests.pdf_builder.tables import Sheet, texts

HIDDEN = "Quagga numbers doubled before the fence"
PLACE, BOX = (72, 400), pymupdf.Rect(60, 380, 540, 412)
OPTIONS = ExtractOptions(ocr=OcrEngine.OFF)
Draw = Callable[[pymupdf.Page], None]


def text_and_reasons(document: pymupdf.Document, tmp_path: Path) -> tuple[str, list[str]]:
    path = tmp_path / "paper.pdf"
    path.write_bytes(document.tobytes(garbage=1, deflate=True))
    paper = read_text(path, OPTIONS).paper
    return " ".join(block.text for block in paper.blocks), review_reasons(paper)


def written(page: pymupdf.Page, text: str = HIDDEN, **style: Any) -> None:
    page.insert_text(PLACE, text, fontsize=10, fontname=ROMAN, **style)


def picture(page: pymupdf.Page, box: pymupdf.Rect, alpha: int = 0) -> None:
    pixels = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 40, 8), alpha)
    for x in range(40):
        for y in range(8):
            color = ((x * 6) % 256, (y * 30) % 256, 90)
            pixels.set_pixel(x, y, (*color, 60) if alpha else color)
    page.insert_image(box, pixmap=pixels, keep_proportion=False)


def under_white_box(page: pymupdf.Page) -> None:
    written(page)
    page.draw_rect(BOX, fill=(1, 1, 1), color=None)


def under_black_box(page: pymupdf.Page) -> None:
    written(page)
    page.draw_rect(BOX, fill=(0, 0, 0), color=(0, 0, 0))


def under_box_with_new_text(page: pymupdf.Page) -> None:
    under_white_box(page)
    page.insert_text(PLACE, "Zebra counts are reported instead", fontsize=10, fontname=ROMAN)


def under_picture(page: pymupdf.Page) -> None:
    written(page)
    picture(page, BOX)


def under_form(page: pymupdf.Page) -> None:
    written(page)
    with pymupdf.open() as other:
        sheet = other.new_page(width=480, height=32)
        sheet.draw_rect(sheet.rect, fill=(1, 1, 1), color=None)
        page.show_pdf_page(BOX, other, 0)


def white_on_paper(page: pymupdf.Page) -> None:
    written(page, color=(1, 1, 1))


def white_on_white_page(page: pymupdf.Page) -> None:
    page.draw_rect(page.rect, fill=(1, 1, 1), color=None, overlay=False)
    written(page, color=(0.99, 0.99, 0.99))


def unpainted(page: pymupdf.Page) -> None:
    written(page, render_mode=3)


def transparent(page: pymupdf.Page) -> None:
    written(page, fill_opacity=0, stroke_opacity=0)


def tiny(page: pymupdf.Page) -> None:
    page.insert_text(PLACE, HIDDEN, fontsize=1, fontname=ROMAN)


@pytest.mark.parametrize(
    "hide",
    [
        under_white_box,
        under_black_box,
        under_box_with_new_text,
        under_picture,
        under_form,
        white_on_paper,
        white_on_white_page,
        unpainted,
        transparent,
        tiny,
    ],
)
def test_hidden_text_is_left_out_and_counted(hide: Draw, tmp_path: Path) -> None:
    document = pymupdf.open()
    prose_page(document, top=200)
    hide(prose_page(document))
    text, reasons = text_and_reasons(document, tmp_path)
    assert "Quagga" not in text and "fence" not in text
    assert text.count("Larger flasks needed") == 6
    assert "page 2: 5 words left out because the page does not show them" in reasons
    if hide is under_box_with_new_text:
        assert "Zebra counts are reported instead" in text


def clipped(page: pymupdf.Page, clip: bytes = b"0 0 50 50 re W n") -> None:
    name = page.get_fonts()[0][4].encode()
    text = b"BT /%b 10 Tf 72 400 Td (%b) Tj ET" % (name, HIDDEN.encode())
    insert_content(page, clip + b" " + text)


def clipped_with_name(page: pymupdf.Page) -> None:
    clipped(page, b"Q 0 0 50 50 re W % clip\nn /Q gs")


def clipped_after_picture(page: pymupdf.Page) -> None:
    clipped(page, b"0 0 50 50 re W n BI /W 1 /H 1 /BPC 8 /CS /G ID Q EI")


def clipped_after_icon(page: pymupdf.Page) -> None:
    clipped(page, b"0 0 50 50 re\nW*\nn q 0 0 9 9 re W n 1 0 0 1 5 5 cm 0 0 9 9 re f Q")


def clipped_beside_page(page: pymupdf.Page) -> None:
    clipped(page, b"1 0 0 1 -9000 0 cm 0 0 5000 5000 re W n 1 0 0 1 9000 0 cm")


def clipped_within_page(page: pymupdf.Page) -> None:
    clipped(page, b"q 0 0 5000 5000 re W n 0 0 50 50 re W n")


def outside_of_form(page: pymupdf.Page) -> None:
    other = pymupdf.open()
    whole = other.new_page(width=page.rect.width, height=page.rect.height)
    whole.insert_text((72, 40), HIDDEN, fontsize=10, fontname=ROMAN)
    page.show_pdf_page(pymupdf.Rect(60, 700, 540, 760), other, clip=pymupdf.Rect(0, 60, 600, 120))


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize(
    "hide",
    [
        clipped,
        clipped_with_name,
        clipped_after_picture,
        clipped_after_icon,
        clipped_beside_page,
        clipped_within_page,
        outside_of_form,
    ],
)
def test_clipped_text_is_left_out_and_counted(hide: Draw, rotation: int, tmp_path: Path) -> None:
    document = pymupdf.open()
    prose_page(document, top=200)
    page = prose_page(document)
    hide(page)
    page.set_rotation(rotation)
    text, reasons = text_and_reasons(document, tmp_path)
    assert "Quagga" not in text and text.count("Larger flasks needed") == 6
    assert "page 2: 5 words left out because the page does not show them" in reasons


def test_form_hides_text_on_a_later_page(tmp_path: Path) -> None:
    """A form that hides nothing is examined once for a document; another one is examined, too."""
    document = pymupdf.open()
    shown = pymupdf.open()
    shown.new_page(width=480, height=60).insert_text((10, 30), "Shown", fontname=ROMAN)
    prose_page(document, top=200)
    prose_page(document)
    for page in document:
        page.show_pdf_page(pymupdf.Rect(60, 500, 540, 560), shown)
    outside_of_form(document[1])
    text, reasons = text_and_reasons(document, tmp_path)
    assert "Quagga" not in text and text.count("Shown") == 2
    assert "page 2: 5 words left out because the page does not show them" in reasons


def test_clipped_copy_of_shown_text_hides_nothing(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    written(page, color=(0, 0, 0))
    clipped(page)
    text, reasons = text_and_reasons(document, tmp_path)
    assert "Quagga" in text and not any("left out" in reason for reason in reasons)


def test_contents_without_end_of_text_are_read_in_time(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    insert_content(page, b"0 0 1 1 re W n " + b"BT " * 300_000)
    text, _ = text_and_reasons(document, tmp_path)  # the scan would take many minutes
    assert "Larger flasks needed" in text


def test_clipping_path_around_shown_text_hides_nothing(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    name = page.get_fonts()[0][4].encode()
    insert_content(page, b"60 380 480 40 re W n BT /%b 10 Tf 72 390 Td (Shown) Tj ET" % name)
    text, reasons = text_and_reasons(document, tmp_path)
    assert "Shown" in text and not any("left out" in reason for reason in reasons)


def with_table() -> tuple[Sheet, list[float]]:
    """Returns a page with a table, and the places of its columns; its rows are 11 points apart."""
    sheet = Sheet()
    sheet.body((50, 545), 400, 700)
    sheet.text(50, 90, "Table 1. Counts of terns on roofs.", 9)
    places, rows = [60.0, 220.0, 380.0], [["Roof", "Nests", "Eggs"], ["north", "12", "31"]]
    for number, row in enumerate([*rows, ["south", "14", ""], ["east", "9", "20"]]):
        sheet.row(112 + 11 * number, places, row)
    for y in (101, 116, 150):
        sheet.rule(50, 545, y)
    return sheet, places


def in_empty_cell(sheet: Sheet, places: list[float]) -> None:
    sheet.page.insert_text((places[2], 134), "999", fontsize=8, fontname=ROMAN, color=(1, 1, 1))


def below_new_value(sheet: Sheet, places: list[float]) -> None:
    sheet.text(places[2], 134, "888")
    sheet.page.draw_rect((places[2] - 2, 126, places[2] + 60, 136), fill=(1, 1, 1), color=None)
    sheet.text(places[2], 134, "25")


def below_and_clipped(sheet: Sheet, places: list[float]) -> None:
    name = sheet.page.get_fonts()[0][4].encode()
    text = b"BT /%b 8 Tf %d 708 Td (777) Tj ET" % (name, places[2])
    insert_content(sheet.page, b"0 0 50 50 re W n " + text)


@pytest.mark.parametrize(
    ("hide", "shown"), [(in_empty_cell, ""), (below_new_value, "25"), (below_and_clipped, "")]
)
def test_hidden_text_stays_out_of_the_cells_of_a_table(
    hide: Callable[[Sheet, list[float]], None], shown: str, tmp_path: Path
) -> None:
    sheet, places = with_table()
    hide(sheet, places)
    path = tmp_path / "paper.pdf"
    path.write_bytes(sheet.to_pdf())
    [table] = read_text(path, OPTIONS).paper.tables
    south = ["south", "14", shown]
    rows = [["Roof", "Nests", "Eggs"], ["north", "12", "31"], south, ["east", "9", "20"]]
    assert texts(table) == rows


def test_placeholder_of_a_template_keeps_its_own_line_only(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    written(page)
    page.insert_text((72, 450), "Received xx xxxx xxxx", fontsize=10, fontname=ROMAN)
    page.draw_rect((60, 380, 540, 460), fill=(1, 1, 1), color=None)
    text, reasons = text_and_reasons(document, tmp_path)
    assert "Quagga" not in text and "xxxx" in text
    assert "page 1: 5 words left out because the page does not show them" in reasons


def on_coloured_box(page: pymupdf.Page) -> None:
    page.draw_rect(BOX, fill=(0.1, 0.2, 0.5), color=None)
    written(page, color=(1, 1, 1))


def on_shaded_row(page: pymupdf.Page) -> None:
    page.draw_rect(BOX, fill=(0.9, 0.9, 0.9), color=None)
    written(page)


def in_frame(page: pymupdf.Page) -> None:
    written(page)
    page.draw_rect(BOX, color=(0, 0, 0), width=1)


def under_marker(page: pymupdf.Page) -> None:
    written(page)
    page.draw_rect(BOX, fill=(1, 1, 0), color=None, fill_opacity=0.4)


def under_clear_picture(page: pymupdf.Page) -> None:
    written(page)
    picture(page, BOX, alpha=1)


def on_picture(page: pymupdf.Page) -> None:
    picture(page, BOX)
    written(page, color=(1, 1, 1))


def beside_clipped_box(page: pymupdf.Page) -> None:
    written(page)
    insert_content(page, b"0 0 20 20 re W n 1 1 1 rg 0 0 595 842 re f")


@pytest.mark.parametrize(
    "show",
    [
        on_coloured_box,
        on_shaded_row,
        in_frame,
        under_marker,
        under_clear_picture,
        on_picture,
        beside_clipped_box,
    ],
)
@pytest.mark.parametrize("rotation", [0, 90])
def test_visible_text_stays(show: Draw, rotation: int, tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    show(page)
    page.set_rotation(rotation)
    text, reasons = text_and_reasons(document, tmp_path)
    assert HIDDEN in text and text.count("Larger flasks needed") == 3
    assert not any("left out" in reason for reason in reasons)


def test_text_under_the_picture_of_a_scan_is_read(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    picture(page, page.rect)
    text, reasons = text_and_reasons(document, tmp_path)
    assert text.count("Larger flasks needed") == 3
    assert not any("left out" in reason for reason in reasons)


def test_unpainted_text_of_a_scan_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    scan = make_scan(make_paper("Terns on Roofs"), dpi=80)
    path.write_bytes(add_hidden_text(scan, "\n".join(LOREM.split(". ")), 9.0))
    reading = read_pages(path)
    assert any("Larger flasks" in line.text for line in reading.pages[0])
    assert reading.health[0] and reading.health[0].hidden_words == 0


@pytest.mark.parametrize("off_by", ["off", "base"])
def test_text_of_disabled_layer_is_left_out_and_counted(off_by: str, tmp_path: Path) -> None:
    document = pymupdf.open()
    prose_page(document, top=200)
    page = prose_page(document)
    hidden = document.add_ocg("notes", on=False)
    shown = document.add_ocg("text", on=True)
    written(page, oc=hidden)
    page.insert_text((72, 450), "Zebra counts are reported", fontname=ROMAN, oc=shown)
    if off_by == "base":
        catalog = document.pdf_catalog()
        config = f"<</BaseState/OFF/ON[{shown} 0 R]/Order[{hidden} 0 R {shown} 0 R]>>"
        document.xref_set_key(catalog, "OCProperties/D", config)
    text, reasons = text_and_reasons(document, tmp_path)
    assert "Quagga" not in text and "Zebra counts are reported" in text
    assert "page 2: 5 words left out because the page does not show them" in reasons
