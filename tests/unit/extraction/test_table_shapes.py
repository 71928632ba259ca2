"""Tables in unusual positions and shapes, and content that only looks like a table."""

from __future__ import annotations

import pytest

from extraction.tables.tables import find_tables
from extraction.text.lines import page_lines, page_size
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import HEIGHT
from tests.pdf_builder.tables import LEFT, MODELS, RIGHT, Sheet, booktabs, only, texts


def test_tables_joins_table_over_page_break() -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 600)
    sheet.text(50, 630, "Table 7. Samples.", 9)
    booktabs(sheet, 50, 545, 640, MODELS[:3])
    sheet.new_page()
    sheet.text(50, 60, "Table 7 (continued)", 9)
    bottom = booktabs(sheet, 50, 545, 70, [MODELS[0], *MODELS[3:]])
    sheet.body((50, 545), bottom + 30, 780)
    table = only(sheet.found())
    assert texts(table) == MODELS
    assert [box.page for box in table.boxes] == [1, 2]
    assert table.caption == "Samples."


@pytest.mark.parametrize("follows", [False, True])
def test_rows_after_a_page_break_continue_a_table_that_ends_its_page(follows: bool) -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 560)
    sheet.text(50, 590, "Table 7. Samples.", 9)
    bottom = booktabs(sheet, 50, 545, 600, MODELS[:3])
    if follows:
        sheet.body((50, 545), bottom + 20, 780)
    sheet.new_page()
    places = [50, *(130 + (545 - 50 - 80) / 3 * (n + 0.5) for n in range(3))]
    for number, row in enumerate([*MODELS[3:], *MODELS[1:3]]):
        sheet.row(75 + 11 * number, places, row, centred=True)
    sheet.rule(50, 545, 125)
    sheet.body((50, 545), 160, 780)
    tables = [found.table for found in sheet.found().tables]
    assert len(tables) == 1 + follows
    assert texts(tables[0]) == MODELS[: 3 if follows else None] + ([] if follows else MODELS[1:3])


LISTINGS = {
    "python": ["def total(values):", "result = 0", "for value in values:", "result += value"],
    "assembly": ["start: mov eax, 1 ; one", "mov ebx, 20 ; n", "add eax, ebx ; sum", "ret ; done"],
    "json": ["{", '"name": "alpha", "value": 12,', '"name": "beta", "value": 13,', "}"],
    "c": ["int count = 0; /* 12 */", "float mean = 1.5; /* 13 */", "char name = 'a'; /* 14 */"],
}


@pytest.mark.parametrize("caption", ["", "Listing 1. The code of the queue.", "Algorithm 1: Queue"])
@pytest.mark.parametrize("language", LISTINGS)
def test_code_between_rules_is_no_table(language: str, caption: str) -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 300)
    sheet.text(50, 330, caption or " ", 9)
    lines = LISTINGS[language]
    for y in (340, 353, 358 + 11 * len(lines)):
        sheet.rule(50, 545, y)
    for number, line in enumerate(lines):
        words = line.split()
        places = [60.0 + 70 * place for place in range(len(words))]
        sheet.row(350 + 11 * number, places, words, font="cour")
    sheet.body((50, 545), 420, 780)
    assert sheet.found().tables == ()


def test_tables_reads_rotated_table() -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 780)
    sheet.new_page()

    def turned(x: float, y: float, text: str, size: float = 8) -> None:
        sheet.page.insert_text((y, HEIGHT - x), text, fontsize=size, rotate=90)

    turned(60, 60, "Table 8. Values in three groups.", 9)
    for y in (70, 88, 130):
        sheet.page.draw_line((y, HEIGHT - 60), (y, HEIGHT - 500), width=0.6)
    rows = [
        ["Sample", "Group A", "Group B"],
        ["first", "1.05", "2.50"],
        ["second", "10.7", "3.99"],
        ["third", "0.003", "12"],
    ]
    for number, row in enumerate(rows):
        for x, text in zip((60, 220, 380), row, strict=True):
            turned(x, 82 + 12 * number + (2 if number else 0), text)
    found = sheet.found()
    table = only(found)
    assert texts(table) == rows
    box = table.boxes[0]
    assert box.page == 2
    assert box.x0 == pytest.approx(70, abs=3) and box.x1 == pytest.approx(130, abs=3)
    assert box.y1 - box.y0 == pytest.approx(440, abs=4)


def test_glyphs_keeps_superscript_apart_from_number() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 9. Counts.", 9)
    rows = [["Sample", "Count"], ["one", "10"], ["two", "1.5"], ["three", "2.25"]]
    booktabs(sheet, 50, 300, 70, rows)
    width = pymupdf.get_text_length("10", fontname="tiro", fontsize=8)
    sheet.text(50 + 80 + 85 + width / 2, 70 + 11 + 11 + 2 - 3, "6", 5)
    sheet.body((50, 545), 200, 780)
    assert texts(only(sheet.found()))[1] == ["one", "10⁶"]


def test_evidence_accepts_ruled_rows_and_rejects_prose_between_rules() -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 200)
    booktabs(sheet, 50, 545, 220, MODELS)
    sheet.body((50, 545), 320, 500)
    sheet.rule(50, 545, 510)
    sheet.rule(50, 545, 540)
    sheet.body((50, 545), 560, 700)
    sheet.rule(50, 545, 720)
    table = only(sheet.found())
    assert table.label is None
    assert texts(table) == MODELS


def test_tables_finds_none_on_pages_without_tables() -> None:
    sheet = Sheet()
    sheet.body(LEFT, 60, 400)
    sheet.body(RIGHT, 60, 400)
    sheet.text(50, 420, "Table 1 shows that the yield rose, and", 10)
    sheet.text(50, 432, "Table 2 lists the others.", 10)
    sheet.text(80, 460, "E = mc", 10)
    sheet.text(270, 460, "(1)", 10)
    sheet.text(80, 480, "a = b + c", 10)
    sheet.text(270, 480, "(2)", 10)
    sheet.new_page()
    for number in range(12):
        sheet.text(50, 60 + 14 * number, f"{number + 1} A section of the thesis", 10)
        sheet.text(520, 60 + 14 * number, f"{3 * number + 1}", 10)
    found = sheet.found()
    assert found.tables == () and found.pictures == ()


def test_tables_reports_table_image_with_caption() -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 300)
    sheet.text(50, 320, "Table 1. Results as a picture.", 9)
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 40, 20))
    picture.clear_with(200)
    sheet.page.insert_image(pymupdf.Rect(50, 330, 545, 480), pixmap=picture)
    sheet.body((50, 545), 500, 780)
    found = sheet.found()
    assert found.tables == ()
    assert [(p.label, p.caption) for p in found.pictures] == [("Table 1", "Results as a picture.")]
    assert found.pictures[0].box.y0 == pytest.approx(330, abs=2)


def test_tables_taken_boxes_cover_caption_body_and_notes() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 1. Scores.", 9)
    bottom = booktabs(sheet, 50, 545, 70, MODELS)
    sheet.text(50, bottom + 10, "Note: means of three runs.", 7)
    sheet.body((50, 545), bottom + 40, 780)
    found = sheet.found().tables[0]
    assert found.table.notes == "Note: means of three runs."
    tops = sorted(box.y0 for box in found.taken)
    assert tops[0] < 60 < tops[1] < 72 and bottom < tops[2] < bottom + 10


def test_tables_separates_tables_side_by_side() -> None:
    sheet = Sheet()
    other = [[f"{text}7" for text in row] for row in MODELS]
    sheet.text(50, 60, "Table 1. Left one.", 9)
    sheet.text(307, 60, "Table 2. Right one.", 9)
    booktabs(sheet, 50, 288, 70, MODELS)
    booktabs(sheet, 307, 545, 70, other)
    sheet.body(LEFT, 180, 780)
    sheet.body(RIGHT, 180, 780)
    found = [found.table for found in sheet.found().tables]
    assert [table.caption for table in found] == ["Left one.", "Right one."]
    assert [texts(table) for table in found] == [MODELS, other]


def test_table_columns_split_at_vertical_rules() -> None:
    sheet = Sheet()
    sheet.body(LEFT, 60, 780)
    sheet.body(RIGHT, 200, 780)
    sheet.centred(426, 60, "Table 3: Results", 9)
    for y in (70, 86, 150):
        sheet.rule(320, 530, y)
    for x in (320, 400, 465, 530):
        sheet.vertical_rule(x, 70, 150)
    rows = [["Method", "Acc.", "F1"], ["SVM", "0.81", "0.79"], ["RF", "0.85", "0.84"]]
    rows += [["CNN", "0.90", "0.88"], ["BERT", "0.93", "0.92"]]
    for number, row in enumerate(rows):
        sheet.row(81 + 14.5 * number, [325, 420, 485], row)
    assert texts(only(sheet.found())) == rows


def test_rows_keeps_standard_errors_and_spans_panel_headings() -> None:
    sheet = Sheet()
    places = [50, 250, 350, 450]
    sheet.text(50, 60, "Table 4", 9, "tibo")
    sheet.text(50, 72, "Regression results.", 9)
    sheet.rule(50, 545, 78)
    sheet.row(89, places, ["", "(1)", "(2)", "(3)"], centred=True)
    sheet.row(100, places, ["", "OLS", "OLS", "IV"], centred=True)
    sheet.rule(50, 545, 105)
    sheet.centred(297, 116, "Panel A. Men")
    sheet.row(127, places, ["Education", "0.123*", "0.110*", "0.145*"], centred=True)
    sheet.row(138, places, ["", "(0.012)", "(0.013)", "(0.020)"], centred=True)
    sheet.row(149, places, ["Experience", "0.030", "0.028", "0.031"], centred=True)
    sheet.row(160, places, ["", "(0.010)", "(0.011)", "(0.014)"], centred=True)
    sheet.rule(50, 545, 166)
    sheet.body((50, 545), 200, 780)
    table = only(sheet.found())
    assert texts(table)[:2] == [["", "(1)", "(2)", "(3)"], ["", "OLS", "OLS", "IV"]]
    assert [(cell.text, cell.colspan) for cell in table.rows[2]] == [("Panel A. Men", 4)]
    assert texts(table)[3:] == [
        ["Education", "0.123*", "0.110*", "0.145*"],
        ["", "(0.012)", "(0.013)", "(0.020)"],
        ["Experience", "0.030", "0.028", "0.031"],
        ["", "(0.010)", "(0.011)", "(0.014)"],
    ]


def test_rows_centered_first_cell_gets_rowspan() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 5. Doses.", 9)
    sheet.rule(50, 545, 66)
    sheet.row(77, [50, 200, 350], ["Substance", "Test", "Dose"])
    sheet.rule(50, 545, 82)
    for number, (name, low, high) in enumerate([("EG", "19.5", "39"), ("FX", "78.1", "8.5")]):
        y = 94 + 28 * number
        sheet.row(y, [200, 350], ["minus", low])
        sheet.text(50, y + 5, name)
        sheet.row(y + 10, [200, 350], ["plus", high])
    sheet.rule(50, 545, 140)
    sheet.body((50, 545), 170, 780)
    table = only(sheet.found())
    assert [[(cell.text, cell.rowspan) for cell in row] for row in table.rows[1:]] == [
        [("EG", 2), ("minus", 1), ("19.5", 1)],
        [("plus", 1), ("39", 1)],
        [("FX", 2), ("minus", 1), ("78.1", 1)],
        [("plus", 1), ("8.5", 1)],
    ]


def test_find_tables_searches_only_wanted_pages() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 1. Scores.", 9)
    booktabs(sheet, 50, 545, 70, MODELS)
    again = pymupdf.open("pdf", sheet.to_pdf())
    lines, sizes = [page_lines(again[0], 1)], [page_size(again[0], 1)]
    assert find_tables(again, lines, sizes, wanted=()).tables == ()
    assert len(find_tables(again, lines, sizes, wanted={1}).tables) == 1
