"""Glyphs without a mapping to Unicode: read by their names, or counted with their page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from extraction.options import ExtractOptions, OcrEngine
from extraction.quality import review_reasons
from extraction.steps import read_text
from extraction.text.glyph_names import text_of_name
from extraction.text.mupdf import pymupdf
from extraction.text.pdf import Reading, read_pages
from extraction.text.unreadable import read_symbols, readable
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.losses import add_font, insert_content, prose_page
from tests.pdf_builder.tables import Sheet, texts

CODES = b"ABCDEFGH"
OPTIONS = ExtractOptions(ocr=OcrEngine.OFF)


def written(document: pymupdf.Document, tmp_path: Path) -> Path:
    path = tmp_path / "paper.pdf"
    path.write_bytes(document.tobytes(garbage=1))
    return path


def text_of(reading: Reading, number: int) -> str:
    return " ".join(line.text for line in reading.pages[number - 1])


def print_codes(page: pymupdf.Page, entries: str) -> None:
    """Prints a line with all CODES in a font that has these entries and no ToUnicode map."""
    add_font(page, "X9", entries)
    insert_content(page, b"BT /X9 10 Tf 72 400 Td (5 %b) Tj ET" % CODES)


def differences(*names: str) -> str:
    listed = "/space 53/five 65/" + "/".join(names)
    return f"/Encoding<</Type/Encoding/Differences[32{listed}]>>"


def type1(_: pymupdf.Document, *names: str) -> str:
    return "/Subtype/Type1/BaseFont/Odd" + differences(*names)


def type3(document: pymupdf.Document, *names: str) -> str:
    shape = document.get_new_xref()
    document.update_object(shape, "<<>>")
    document.update_stream(shape, b"600 0 0 0 500 500 d1 0 0 400 500 re f")
    every = ("space", "five", *names)
    glyphs = "".join(f"/{name} {shape} 0 R" for name in every)
    widths = " ".join(["600"] * 41)
    return (
        "/Subtype/Type3/FontBBox[0 0 600 600]/FontMatrix[0.001 0 0 0.001 0 0]/FirstChar 32"
        f"/LastChar 72/Widths[{widths}]/CharProcs<<{glyphs}>>" + differences(*names)
    )


@pytest.mark.parametrize("font", [type1, type3])
def test_glyphs_are_read_by_their_names(font: Callable[..., str], tmp_path: Path) -> None:
    names = ("mu", "degree", "plusminus", "f_f_i", "T_h", "c_t.alt", "uni03B1", "summationtext")
    document = pymupdf.open()
    page = prose_page(document)
    print_codes(page, font(document, *names))
    reading = read_pages(written(document, tmp_path))
    assert "5 µ°±ffiThctα∑" in text_of(reading, 1)
    assert reading.health[0] and reading.health[0].unread == 0


@pytest.mark.parametrize("font", [type1, type3])
def test_unknown_glyphs_are_counted_with_their_page(
    font: Callable[..., str], tmp_path: Path
) -> None:
    document = pymupdf.open()
    prose_page(document, top=200)
    page = prose_page(document)
    names = ("mu", "glyphX", "shapeY", "formZ", "alpha", "beta", "gamma", "degree")
    print_codes(page, font(document, *names))
    paper = read_text(written(document, tmp_path), OPTIONS).paper
    assert "page 2: 3 characters could not be read" in review_reasons(paper)
    assert "αβγ°" in " ".join(block.text for block in paper.blocks)


FONT_FILE = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


@pytest.mark.skipif(not Path(FONT_FILE).exists(), reason="no DejaVu: apt-get install fonts-dejavu")
def test_composite_font_without_map_is_read_by_its_program(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    page.insert_text((72, 400), "5 µm at 20 °C ± 0.1 α", fontname="F0", fontfile=FONT_FILE)
    for font in page.get_fonts():
        if font[2] == "Type0":
            document.xref_set_key(font[0], "ToUnicode", "null")
    reading = read_pages(written(document, tmp_path))
    assert "5 µm at 20 °C ± 0.1 α" in text_of(reading, 1)


@pytest.mark.skipif(not Path(FONT_FILE).exists(), reason="no DejaVu: apt-get install fonts-dejavu")
def test_map_of_a_composite_font_is_completed_by_its_program(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    sheet = Sheet()
    for canvas in (page, sheet.page):
        canvas.insert_font(fontname="F9", fontfile=FONT_FILE)
    page.insert_text((72, 400), "5 µm at 20 °C ± 0.1 α", fontname="F9")
    sheet.text(50, 90, "Table 1. Doses.", 9)
    rows = [["Drug", "Dose"], ["first", "5 µg"], ["second", "7 µg"], ["third", "9 °C"]]
    for number, row in enumerate(rows):
        sheet.row(112 + 11 * number, [60.0, 300.0], row, font="F9")
    for y in (101, 116, 155):
        sheet.rule(50, 545, y)
    document.insert_pdf(sheet.document)
    for number in range(document.page_count):
        for font in document[number].get_fonts():
            if font[2] == "Type0":
                without_row(document, font[0], b"<00a0>")
                without_row(document, font[0], b"<03a3>")
    paper = read_text(written(document, tmp_path), OPTIONS).paper
    assert any("5 µm at 20 °C ± 0.1 α" in block.text for block in paper.blocks)
    assert paper.quality.unread_characters == ()
    assert texts(paper.tables[0]) == rows


def without_row(document: pymupdf.Document, font: int, first: bytes) -> None:
    """Removes the row of the ToUnicode map that begins with this character."""
    stream = int(document.xref_get_key(font, "ToUnicode")[1].split()[0])
    content = document.xref_stream(stream) or b""
    rows = [row for row in content.split(b"\n") if not row.endswith(first)]
    assert len(rows) < len(content.split(b"\n"))
    counted = re.sub(rb"\d+ (begin\w+)", lambda found: b"99 " + found[1], b"\n".join(rows), count=1)
    document.update_stream(stream, counted)


def test_composite_font_without_map_and_program_is_counted(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document, LOREM * 4)
    info = document.get_new_xref()
    document.update_object(
        info,
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/Odd/CIDSystemInfo<</Registry(Adobe)"
        "/Ordering(Identity)/Supplement 0>>/FontDescriptor<</Type/FontDescriptor/FontName/Odd"
        "/Flags 4>>>>",
    )
    print_codes(
        page,
        f"/Subtype/Type0/BaseFont/Odd/Encoding/Identity-H/DescendantFonts[{info} 0 R]",
    )
    reading = read_pages(written(document, tmp_path))
    assert reading.health[0] and reading.health[0].unread >= 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mu", "µ"),
        ("f_f_i", "ffi"),
        ("T_h.swash", "Th"),
        ("uni00B5", "µ"),
        ("u1D6FC", "\U0001d6fc"),
        ("parenleftBigg", "("),
        ("negationslash", "/"),
        ("uniD800", ""),
        ("u110000", ""),
        ("_", ""),
        ("", ""),
        ("glyphX", ""),
        ("_".join("a" * 500), ""),
    ],
)
def test_names_follow_the_adobe_glyph_list(name: str, text: str) -> None:
    assert text_of_name(name) == text


def test_symbol_fonts_are_read_and_ornaments_are_not_counted() -> None:
    assert readable("5 \uf06dm, 20 \uf0b0C \uf0b1 0.1", "ABCDEF+SymbolMT") == "5 µm, 20 °C ± 0.1"
    assert readable("\uf06d", "Wingdings") == "\uf06d"
    assert readable("T\uf769\uf774\uf76c\uf765 \uf731", "Minion-Expert") == "Title 1"
    spans = [
        {"text": "a\ufffdb\uf06d", "font": "Times"},
        {"text": "\uf0a7", "font": "Wingdings-Regular"},
        {"text": "(cid:12)(cid:7)", "font": "Times"},
        {"text": "\uf06d", "font": "Symbol"},
    ]
    assert read_symbols(spans) == 4
    assert spans[3]["text"] == "µ"


def test_font_objects_of_wrong_types_are_tolerated(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    for index, entries in enumerate(
        (
            "/Subtype/Type0/DescendantFonts 7/Encoding/Identity-H",
            "/Subtype/Type1/BaseFont 3/Encoding<</Differences[1e99/mu -5/T_h (x) null]>>",
            "/Subtype/Type3/Encoding<</Differences 5>>",
        )
    ):
        add_font(page, f"Z{index}", entries)
    reading = read_pages(written(document, tmp_path))
    assert "Larger flasks" in text_of(reading, 1)
