"""Printed lines are put together by position: the same text, however the file draws it."""

from __future__ import annotations

import re

import pytest

from domain.papers import Paper
from extraction.text.mupdf import pymupdf
from tests.pdf_builder import drawings
from tests.pdf_builder.canvas import BOLD, LOREM, ROMAN
from tests.pdf_builder.mapped_font import MappedFont, Word
from tests.pdf_builder.pages import LEFT, RIGHT, Piece, make_pdf, prose
from tests.pdf_builder.papers import Part, make_paper
from tests.pdf_builder.raw import assemble, one_page, stream

CHEMISTRY = (
    "Mild steel was kept in 0.5 M H_{2}SO_{4} with and without an extract of ivy and held",
    "films of Fe_{3}O_{4} and TiO_{2}. The rate fell to 0.4 mg cm^{-2} h^{-1} and NO_{3}^{-} had",
    "no effect at 3.7 × 10^{-5} A. The ions SO_{4}^{2-}, NH_{4}^{+} and PO_{4}^{3-}, and the salt",
    "K_{2}Cr_{2}O_{7}, were few. Now ^{13}C was counted and Ca^{2+} was low for 10^{6} s at x_{i}.",
)
CHEMISTRY_TEXT = (
    "Mild steel was kept in 0.5 M H2SO4 with and without an extract of ivy and held films of Fe3O4 "
    "and TiO2. The rate fell to 0.4 mg cm-2 h-1 and NO3- had no effect at 3.7 × 10^-5 A. The ions "
    "SO42-, NH4+ and PO43-, and the salt K2Cr2O7, were few. Now 13C was counted and Ca2+ was low "
    "for 10^6 s at xi."
)
PLAIN = (
    "The book that that reader took had 11 tables and 2233 rows, all in one",
    "small room; too few of them fill AA batteries or follow the inner wall.",
    "A moon of iron and zinc stood in its orbit at noon, in a bubbling pool.",
)
IN_ANY_ORDER = (
    drawings.in_order,
    drawings.words_apart,
    drawings.words_shuffled,
    drawings.right_half_first,
    drawings.letters_apart,
    drawings.letters_shuffled,
    drawings.bottom_up,
)
SCRIPTS_APART = (
    drawings.scripts_after_their_line,
    drawings.scripts_at_the_end,
    drawings.scripts_first,
    drawings.superscripts_before_subscripts,
)
BOLD_SHIFT, SHADOW = (0.3, 0.0), (0.9, 0.9)
SEVERAL_TIMES = {
    "runs": drawings.repeated(drawings.in_order, BOLD_SHIFT),
    "words": drawings.repeated(drawings.words_apart, BOLD_SHIFT),
    "words three times": drawings.repeated(drawings.words_apart, BOLD_SHIFT, (0.6, 0.0)),
    "letters": drawings.repeated(drawings.letters_apart, BOLD_SHIFT),
    "words in any order": drawings.repeated(drawings.words_shuffled, BOLD_SHIFT),
    "whole page": drawings.repeated_below(BOLD_SHIFT),
    "shadow": drawings.repeated_below(SHADOW),
    "outline": drawings.repeated_below((0.0, 0.0)),
}


def lines_of(marked: tuple[str, ...], x: float = 72.0, size: float = 10.0) -> drawings.Lines:
    return [
        drawings.runs_of(x, 100 + 1.4 * size * row, line, size) for row, line in enumerate(marked)
    ]


def text_of(paper: Paper) -> str:
    return " ".join(block.text for block in paper.blocks)


@pytest.mark.parametrize("draw", [*IN_ANY_ORDER, *SCRIPTS_APART], ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("size", [9.0, 12.0])
def test_scripts_are_part_of_their_words(read, draw: drawings.Drawing, size: float) -> None:
    paper = read(drawings.drawn_pdf(lines_of(CHEMISTRY, 60.0, size), draw))
    assert text_of(paper) == CHEMISTRY_TEXT


def test_scripts_drawn_with_text_rise_are_part_of_their_words(read) -> None:
    content = drawings.text_operators(lines_of(CHEMISTRY)).replace(f"/{ROMAN} ".encode(), b"/F ")
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman/Encoding/WinAnsiEncoding>>"
    paper = read(assemble(one_page(contents=stream(content), font=font)))
    assert text_of(paper) == CHEMISTRY_TEXT


def test_scripts_in_another_font_are_part_of_their_words(read) -> None:
    runs = drawings.scripts_at_the_end(lines_of(CHEMISTRY))
    pieces = [run.piece._replace(font=BOLD if run.level else ROMAN) for run in runs]
    assert text_of(read(make_pdf([pieces]))) == CHEMISTRY_TEXT


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_scripts_of_sideways_lines_are_part_of_their_words(read, rotation: int) -> None:
    data = drawings.drawn_pdf(lines_of(CHEMISTRY), drawings.scripts_at_the_end, rotation)
    assert text_of(read(data)) == CHEMISTRY_TEXT


def test_box_of_a_line_encloses_its_scripts(read) -> None:
    marked = ("The acid was H_{2}SO_{4}", "that is all of it.")
    [block] = read(drawings.drawn_pdf(lines_of(marked), drawings.scripts_at_the_end)).blocks
    (_, box), _ = block.lines
    assert box.x1 == pytest.approx(lines_of(marked)[0][-1].x + 3.4, abs=0.3)
    assert box.y1 > 102


def test_fraction_in_small_type_is_not_taken_for_scripts(read) -> None:
    pieces = [
        Piece(72, 100, "The share is"),
        Piece(124, 96, "a", 6.8),
        Piece(124, 105.5, "b", 6.8),
        Piece(130, 100, "of the whole and no more than that."),
    ]
    text = text_of(read(make_pdf([pieces])))
    assert "isa" not in text and "ab" not in text and "ba" not in text


def test_small_type_beside_the_base_line_stays_apart(read) -> None:
    pieces = [
        Piece(72, 100, "A line of text in one column"),
        Piece(230, 98, "7", 6.8),
        Piece(72, 130, "Another line of text"),
        Piece(160, 121, "note", 6.8),
    ]
    text = text_of(read(make_pdf([pieces])))
    assert "column7" not in text and "textnote" not in text


@pytest.mark.parametrize("draw", IN_ANY_ORDER, ids=lambda draw: draw.__name__)
def test_text_does_not_depend_on_the_order_of_drawing(read, draw: drawings.Drawing) -> None:
    assert text_of(read(drawings.drawn_pdf(lines_of(PLAIN), draw))) == " ".join(PLAIN)


def test_columns_drawn_row_by_row_are_read_one_after_the_other(read) -> None:
    left, right = (
        prose(x, 90, 30, text=text) for x, text in ((LEFT, LEFT_TEXT), (RIGHT, RIGHT_TEXT))
    )
    by_row = [piece for row in zip(left, right, strict=True) for piece in row]
    text = text_of(read(make_pdf([by_row])))
    assert text == text_of(read(make_pdf([[*left, *right]])))
    assert text.rindex("herring") < text.index("lichen")


LEFT_TEXT = "The herring of the northern bay were counted from a boat in spring. "
RIGHT_TEXT = "The lichen on the walls of the church was measured from a ladder. "


@pytest.mark.parametrize("draw", SEVERAL_TIMES.values(), ids=SEVERAL_TIMES)
def test_text_that_is_drawn_several_times_is_read_once(read, draw: drawings.Drawing) -> None:
    assert text_of(read(drawings.drawn_pdf(lines_of(PLAIN), draw))) == " ".join(PLAIN)


def test_formulas_in_imitated_bold_type_are_read_once(read) -> None:
    draw = drawings.repeated(drawings.scripts_at_the_end, BOLD_SHIFT)
    assert text_of(read(drawings.drawn_pdf(lines_of(CHEMISTRY), draw))) == CHEMISTRY_TEXT


def test_equal_values_side_by_side_are_all_read(read) -> None:
    rows = [
        Piece(x, 300 + 14 * row, value)
        for row in range(6)
        for x, value in ((72, "Sites of a kind"), (160, "11"), (190, "11"), (220, "0"), (227, "0"))
    ]
    assert text_of(read(make_pdf([rows]))).count("11 11 0 0") == 6


def test_letters_that_overlap_by_kerning_are_all_read(read) -> None:
    pieces = [
        Piece(72, 100, "A"),
        Piece(78.2, 100, "V"),
        Piece(84.4, 100, "A"),
        Piece(91, 100, "llee"),
    ]
    assert text_of(read(make_pdf([pieces]))) == "AVAllee"


HEBREW = (
    "הניסוי נערך בשנת 2015 (בשלב השני) עם צמחים",
    "שגדלו בחממה. רק 12.5% מהם שרדו [3, 4] את",
    "החורף; שמות המינים הם Quercus robur ו-Acer.",
)
ARABIC = ("تم قياس النمو خلال 12.5 يوما (سنة 2015) في", "الحقل باستخدام جهاز Delta T وسلام.")
_MIRRORED = str.maketrans("()[]", ")(][")
_FROM_LEFT = re.compile(r"[A-Za-z][A-Za-z ]*[A-Za-z]|\d+(?:[.,]\d+)*%?|.")
RIGHT_BORDER = 500.0


def as_printed(line: str) -> str:
    """Returns the characters from left to right of a line that is read from the right."""
    parts = _FROM_LEFT.findall(line)
    return "".join(part.translate(_MIRRORED) for part in reversed(parts))


def printed_from_right(lines: tuple[str, ...], parts_of: re.Pattern[str]) -> bytes:
    """Returns a PDF that prints the parts of these lines from the right border on."""
    font = MappedFont("".join(lines) + "()[]")
    words: list[Word] = []
    for row, line in enumerate(lines):
        x = RIGHT_BORDER
        for part in reversed(parts_of.findall(as_printed(line))):
            x -= font.width(part)
            words += [Word(x, 100 + 14 * row, part)] * bool(part.strip())
    return font.to_pdf(words)


@pytest.mark.parametrize("parts_of", [r".+", r"\s+|\S+", r"."], ids=["line", "words", "letters"])
@pytest.mark.parametrize("lines", [HEBREW, ARABIC], ids=["hebrew", "arabic"])
def test_text_from_right_to_left_is_in_logical_order(
    read, lines: tuple[str, ...], parts_of: str
) -> None:
    paper = read(printed_from_right(lines, re.compile(parts_of)))
    assert text_of(paper) == " ".join(lines)


def test_latin_line_with_hebrew_words_is_read_from_the_left(read) -> None:
    printed = "The words םיחמצ 12 לש mean a dozen plants (12)."
    font = MappedFont(printed)
    text = text_of(read(font.to_pdf([Word(72, 100, printed)])))
    assert text == "The words של 12 צמחים mean a dozen plants (12)."


def test_arabic_presentation_forms_and_ligatures_are_spelled_out(read) -> None:
    printed = "\ufee2\ufefc\ufeb3 \ufe8e\ufee7"  # meem, lam-alef, seen; alef, noon
    font = MappedFont(printed)
    assert text_of(read(font.to_pdf([Word(72, 100, printed)]))) == "نا سلام"


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize("page_rotation", [0, 90, 270])
def test_sideways_pages_are_read_like_upright_ones(read, turn: int, page_rotation: int) -> None:
    upright = make_paper(parts=[Part("1 Introduction", [LOREM * 9])], references=[ENTRY])
    paper, expected = read(turned(upright, turn, page_rotation)), read(upright)
    assert [(b.kind, b.text) for b in paper.blocks] == [(b.kind, b.text) for b in expected.blocks]
    assert (paper.title, paper.metadata.authors) == (expected.title, expected.metadata.authors)


@pytest.mark.parametrize("page_rotation", [0, 90])
def test_boxes_of_sideways_pages_refer_to_the_page_as_shown(read, page_rotation: int) -> None:
    data = turned(make_paper(), 90, page_rotation)
    paper = read(data)
    page = pymupdf.open(stream=data)[0]
    assert (paper.pages[0].width, paper.pages[0].height) == (page.rect.width, page.rect.height)
    [block] = [block for block in paper.blocks if block.text == paper.title]
    for box in (block.boxes[0], block.lines[0][1]):
        clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) * page.derotation_matrix
        shown = "".join(page.get_textbox(clip).split())
        assert shown == "GreenSynthesisofSilverNanoparticles"


ENTRY = "Smith, J. (2010). A paper about plants and their leaves. Nature 1, 2."


def turned(pdf: bytes, turn: int, page_rotation: int) -> bytes:
    """Returns the PDF with the contents of each page turned, and with this /Rotate."""
    source, document = pymupdf.open(stream=pdf), pymupdf.open()
    for number in range(source.page_count):
        page = source[number]
        width, height = page.rect.width, page.rect.height
        width, height = (height, width) if turn % 180 else (width, height)
        sideways = document.new_page(width=width, height=height)
        sideways.show_pdf_page(sideways.rect, source, number, rotate=turn)
        sideways.set_rotation(page_rotation)
    return document.tobytes()
