"""Text layers that are usable, and those that need OCR."""

from __future__ import annotations

import pytest

from extraction.text.lines import page_lines
from extraction.text.mupdf import pymupdf
from extraction.text.text_layer import PageHealth, TextLayer, page_health, text_statistics
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import make_paper
from tests.pdf_builder.scans import add_hidden_text, make_scan

FRENCH = (
    "Les résultats présentés à l'été montrent une différence significative entre les "
    "deux espèces étudiées, où la température était élevée. "
) * 6
RUSSIAN = "Наночастицы серебра были получены из экстракта листьев и исследованы под светом. " * 6
GREEK = "Τα νανοσωματίδια αργύρου παρασκευάστηκαν με εκχύλισμα φύλλων και μελετήθηκαν. " * 6
CHINESE = "銀納米顆粒由葉提取物製成，並在光下觀察一小時。吸收率上升了二十分鐘。" * 10
ARABIC = "تم تصنيع جسيمات الفضة النانوية من مستخلص الأوراق ومراقبتها لمدة ساعة. " * 6
FINNISH = "Hopeananohiukkaset valmistettiin lehtiuutteesta, jonka imeytyminen mitattiin. " * 6
POLISH = "Cząstki srebra wytworzono z wyciągu z liści i obserwowano wstrząsy przez godzinę. " * 6
CZECH = (
    "Strč prst skrz krk se říká dětem, ale částice stříbra byly vyrobeny z listů a pozorovány "
    "po dobu jedné hodiny ve světle, kde se jejich vrstva smrštila. "
) * 6
NUMBERS = "12.5 (0.4) 1,204 0.031 -7.2 98% 3e-4 n.s. 0.001** 45/60\n" * 30
MATHS = "f(x) = ∑ a_i x^i − λ‖w‖² ≤ ε, ∀ x ∈ ℝ^n ; g(t) := ∫ h(s) ds + O(n log n)\n" * 20
CODE = 'for (int i = 0; i < n; ++i) { printf("%d %s\\n", a[i], &s[i]); } // ok\n' * 20
JSON = '{"id": 17, "name": "silver", "tags": ["a", "b"], "ok": true, "x": null},\n' * 20
GENES = "BRCA1 TP53 CDKN2A PIK3CA MAPK1 FGFR2 GAPDH PTEN KRAS NRAS\n" * 20
PERCENT = "98% 12% 45% 7%\n" * 30
DOTS = "Introduction ........................................ 1\n" * 20
TABLES = (NUMBERS, MATHS, CODE, JSON, GENES, PERCENT, DOTS)


def shifted(text: str, by: int) -> str:
    """Returns the text as a font without a mapping yields it: glyph numbers as characters."""
    return "".join(
        character if character.isspace() else chr(ord(character) + by) for character in text
    )


def as_symbols(text: str) -> str:
    """Returns the text as a font yields it whose glyphs are numbered by their first use."""
    numbers: dict[str, str] = {}
    return "".join(
        character if character.isspace() else numbers.setdefault(character, chr(33 + len(numbers)))
        for character in text
    )


@pytest.mark.parametrize(
    "text",
    [LOREM * 3, FRENCH, RUSSIAN, GREEK, CHINESE, ARABIC, FINNISH, POLISH, CZECH, *TABLES, ""],
)
def test_text_layer_accepts_all_languages_and_tables(text: str) -> None:
    statistics = text_statistics(text)
    assert statistics.reason == ""
    assert statistics.garbled_share < 0.02


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(cid:35)(cid:36)(cid:3)(cid:120) " * 40, "no mapping to Unicode"),
        (FRENCH.encode().decode("cp1252", "ignore"), "mojibake"),
        (RUSSIAN.encode("cp1251").decode("latin-1"), "mojibake"),
        (GREEK.encode("cp1253", "ignore").decode("latin-1"), "mojibake"),
        (CHINESE.encode("big5", "ignore").decode("latin-1"), "mojibake"),
        (shifted(LOREM * 2, -29), "not the printed ones"),
        (shifted(LOREM * 2, 3), "not the printed ones"),
        (as_symbols(LOREM * 2), "symbols"),
    ],
)
def test_text_layer_reports_reason_for_garbled_text(text: str, reason: str) -> None:
    statistics = text_statistics(text)
    assert reason in statistics.reason
    assert statistics.garbled_share > 0.02


def health(pdf: bytes, number: int = 1) -> PageHealth:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        page = document[number - 1]
        return page_health(page, page_lines(page, number))


def test_text_layer_of_generated_paper_is_usable() -> None:
    found = health(make_paper())
    assert found.layer is TextLayer.USABLE
    assert not found.needs_ocr
    assert found.garbled_share == 0.0


@pytest.mark.parametrize("quarter_turns", [0, 1])
def test_text_layer_of_scan_needs_ocr(quarter_turns: int) -> None:
    found = health(make_scan(make_paper(), dpi=60, quarter_turns=quarter_turns))
    assert found.layer is TextLayer.MISSING
    assert found.needs_ocr
    assert "picture" in found.reason


def test_text_layer_of_rotated_scan_needs_ocr() -> None:
    with pymupdf.open(stream=make_scan(make_paper(), dpi=60), filetype="pdf") as document:
        document[0].set_rotation(90)
        assert health(document.tobytes()).needs_ocr


def test_text_layer_needs_ocr_only_on_scanned_pages() -> None:
    mixed = make_scan(make_paper(parts=None, columns=1), dpi=60, keep={1})
    assert not health(mixed).needs_ocr
    with pymupdf.open(stream=mixed, filetype="pdf") as document:
        document.insert_pdf(pymupdf.open(stream=make_scan(make_paper(), dpi=60), filetype="pdf"))
        both = document.tobytes()
    assert not health(both, 1).needs_ocr
    assert health(both, 2).needs_ocr or health(both, 3).needs_ocr


def test_text_layer_ignores_library_stamp_on_scan() -> None:
    with pymupdf.open(stream=make_scan(make_paper(), dpi=60), filetype="pdf") as document:
        document[0].insert_text((60, 830), "Downloaded from the library on 3 May 2020", fontsize=7)
        assert health(document.tobytes()).needs_ocr


def test_text_layer_uses_hidden_ocr_text_with_words() -> None:
    scan = make_scan(make_paper(), dpi=60)
    good = "\n".join([LOREM[:90]] * 20)
    bad = "\n".join(
        ["T1 1e s1 v|r n4 n0 p@r t1 c| es w3 r~ m^ d: w| th ^n ex tr4 c; 0f l3 a~"] * 20
    )
    assert health(add_hidden_text(scan, good)).layer is TextLayer.USABLE
    assert health(add_hidden_text(scan, bad)).layer is TextLayer.POOR


def test_text_layer_of_empty_page_is_blank() -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    page.draw_line((60, 60), (500, 60))  # a rule without text
    found = health(document.tobytes())
    assert found.layer is TextLayer.BLANK
    assert not found.needs_ocr


def test_text_layer_detects_letters_drawn_as_shapes() -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    for row in range(20):
        for column in range(20):
            place = pymupdf.Rect(60 + 20 * column, 60 + 20 * row, 70 + 20 * column, 70 + 20 * row)
            page.draw_oval(place)
    assert health(document.tobytes()).layer is TextLayer.MISSING


def test_text_layer_without_unicode_mapping_is_garbled() -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    writer = pymupdf.TextWriter(page.rect)
    for row in range(20):
        writer.append((60, 80 + 14 * row), LOREM[:80], font=pymupdf.Font("tiro"))
    writer.write_text(page)
    for font in page.get_fonts():
        document.xref_set_key(font[0], "ToUnicode", "null")
    found = health(document.tobytes())
    assert found.layer is TextLayer.GARBLED
    assert found.garbled_share > 0.5
