"""Tables of known cells, drawn on pages as publishers set them, and what is found of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from domain.papers import Table, TableSource
from pipelines.read.lines import page_lines, page_size
from pipelines.read.mupdf import pymupdf
from pipelines.tables.find import TablesFound, find_tables
from tests.papers import LOREM

WIDTH, HEIGHT = 595.0, 842.0
LEFT, RIGHT = (50.0, 288.0), (307.0, 545.0)


@dataclass
class Sheet:
    """A page that is filled from above: body text, captions, tables."""

    document: pymupdf.Document = field(default_factory=pymupdf.open)
    page: pymupdf.Page = field(init=False)

    def __post_init__(self) -> None:
        self.new_page()

    def new_page(self) -> None:
        self.page = self.document.new_page(width=WIDTH, height=HEIGHT)

    def text(self, x: float, y: float, text: str, size: float = 8, font: str = "tiro") -> None:
        self.page.insert_text((x, y), text, fontsize=size, fontname=font)

    def centred(self, x: float, y: float, text: str, size: float = 8, font: str = "tiro") -> None:
        width = pymupdf.get_text_length(text, fontname=font, fontsize=size)
        self.text(x - width / 2, y, text, size, font)

    def body(self, column: tuple[float, float], y0: float, y1: float) -> None:
        box = pymupdf.Rect(column[0], y0, column[1], y1)
        text = LOREM * 20
        size = 10
        lines = int((y1 - y0) / 13)
        words = text.split()[: lines * int((column[1] - column[0]) / 28)]
        self.page.insert_textbox(box, " ".join(words), fontsize=size, fontname="tiro", align=3)

    def rule(self, x0: float, x1: float, y: float, width: float = 0.6) -> None:
        self.page.draw_line((x0, y), (x1, y), width=width)

    def wall(self, x: float, y0: float, y1: float) -> None:
        self.page.draw_line((x, y0), (x, y1), width=0.5)

    def row(
        self,
        y: float,
        places: Sequence[float],
        texts: Sequence[str],
        *,
        size: float = 8,
        font: str = "tiro",
        centred: bool = False,
    ) -> None:
        for number, (x, text) in enumerate(zip(places, texts, strict=True)):
            if centred and number:
                self.centred(x, y, text, size, font)
            elif text:
                self.text(x, y, text, size, font)

    def found(self) -> TablesFound:
        again = pymupdf.open("pdf", self.document.tobytes())
        pages = [again[n] for n in range(again.page_count)]
        lines = [page_lines(page, n) for n, page in enumerate(pages, 1)]
        return find_tables(again, lines, [page_size(page, n) for n, page in enumerate(pages, 1)])


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def only(found: TablesFound) -> Table:
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
    """Draws rows between three rules; returns the height of the last one."""
    step = (x1 - x0 - 80) / (len(rows[0]) - 1)
    places = [x0, *(x0 + 80 + step * (n + 0.5) for n in range(len(rows[0]) - 1))]
    sheet.rule(x0, x1, y, 0.9)
    for number, row in enumerate(rows):
        sheet.row(y + 11 + 11 * number + (2 if number else 0), places, row, centred=True)
    sheet.rule(x0, x1, y + 15)
    bottom = y + 11 * len(rows) + 7
    sheet.rule(x0, x1, bottom, 0.9)
    return bottom


def test_booktabs_in_a_column_with_its_caption_below() -> None:
    sheet = Sheet()
    bottom = booktabs(sheet, 55, 280, 60, MODELS)
    sheet.text(50, bottom + 14, "Table 1: Scores of all models on the test set. Higher", 9)
    sheet.text(50, bottom + 25, "is better.", 9)
    sheet.body(LEFT, bottom + 45, 780)
    sheet.body(RIGHT, 60, 780)
    sheet.new_page()
    bottom = booktabs(sheet, 310, 540, 300, MODELS[:3])
    sheet.text(307, bottom + 14, "Table 2: The same on another set.", 9)
    sheet.body(LEFT, 60, 780)
    sheet.body(RIGHT, 60, 290)
    sheet.body(RIGHT, bottom + 40, 780)
    found = sheet.found().tables
    assert [t.table.label for t in found] == ["Table 1", "Table 2"]
    first, second = (t.table for t in found)
    assert texts(first) == MODELS
    assert first.caption == "Scores of all models on the test set. Higher is better."
    assert texts(second) == MODELS[:3]
    assert second.caption == "The same on another set."
    assert [cell.header for cell in first.rows[0]] == [True] * 4
    assert not any(cell.header for cell in first.rows[1])


def test_label_and_title_on_lines_of_their_own_above_a_two_column_table() -> None:
    sheet = Sheet()
    sheet.body(LEFT, 60, 290)
    sheet.centred(169, 310, "TABLE II", 8)
    sheet.centred(169, 320, "COMPARISON OF THE MODELS", 8)
    bottom = booktabs(sheet, 60, 280, 328, MODELS)
    sheet.body(LEFT, bottom + 15, 780)
    sheet.body(RIGHT, 60, 780)
    table = only(sheet.found())
    assert table.label == "TABLE II"
    assert table.caption == "COMPARISON OF THE MODELS"
    assert texts(table) == MODELS
    box = table.boxes[0]
    assert 55 < box.x0 < 62 and 278 < box.x1 < 285
    assert 320 < box.y0 < 330 and bottom - 2 < box.y1 < bottom + 4


def test_spanning_headings_notes_and_group_rows() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 3", 8, "tibo")
    sheet.text(50, 70, "Changes of weight and lipids in rats.", 8)
    sheet.rule(50, 545, 76)
    sheet.row(86, [50], ["Parameter"])
    sheet.centred(290, 86, "Control group")
    sheet.centred(470, 86, "Treated group")
    sheet.rule(220, 360, 90)
    sheet.rule(400, 540, 90)
    places = [50, 250, 330, 430, 510]
    sheet.row(100, places, ["", "Mean", "SD", "Mean", "SD"], centred=True)
    sheet.rule(50, 545, 104)
    sheet.row(115, [50], ["Organ weight (g/kg)"])
    sheet.row(126, places, ["Liver", "32.5", "0.61", "62.20", "1.5*"], centred=True)
    sheet.row(137, places, ["Heart", "3.33", "0.10", "3.30", "0.08"], centred=True)
    sheet.row(148, [50], ["Serum lipids (mg/dl)"])
    sheet.row(159, places, ["LDL", "13", "1", "105", "6*"], centred=True)
    sheet.rule(50, 545, 165)
    sheet.text(50, 175, "* Significantly different at p < 0.05. SD: standard deviation.", 7)
    sheet.body(LEFT, 200, 780)
    sheet.body(RIGHT, 200, 780)
    table = only(sheet.found())
    head = table.rows[0]
    assert [(cell.text, cell.rowspan, cell.colspan) for cell in head] == [
        ("Parameter", 2, 1),
        ("Control group", 1, 2),
        ("Treated group", 1, 2),
    ]
    assert texts(table)[1:4] == [
        ["Mean", "SD", "Mean", "SD"],
        ["Organ weight (g/kg)", "", "", "", ""],
        ["Liver", "32.5", "0.61", "62.20", "1.5*"],
    ]
    assert table.caption == "Changes of weight and lipids in rats."
    assert table.notes == "* Significantly different at p < 0.05. SD: standard deviation."


def test_a_ruled_grid_with_merged_cells() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 4. Doses and outcomes.", 9)
    xs, ys = [50, 130, 220, 310], [70, 90, 110, 130, 150]
    for y in ys:
        sheet.rule(130 if y == 110 else 50, 310, y)
    for x in xs:
        sheet.wall(x, 90 if x == 220 else 70, 150)
    sheet.text(55, 84, "Group", 8)
    sheet.text(135, 84, "Outcome", 8)
    sheet.text(55, 114, "Treated", 8)
    sheet.text(55, 144, "Control", 8)
    for number, pair in enumerate([("12", "3.5"), ("14", "4.25"), ("9", "1.0")]):
        sheet.text(135, 104 + 20 * number, pair[0], 8)
        sheet.text(225, 104 + 20 * number, pair[1], 8)
    sheet.body((50, 545), 180, 500)
    table = only(sheet.found())
    assert table.source is TableSource.RULED
    assert [[(c.text, c.rowspan, c.colspan) for c in row] for row in table.rows] == [
        [("Group", 1, 1), ("Outcome", 1, 2)],
        [("Treated", 2, 1), ("12", 1, 1), ("3.5", 1, 1)],
        [("14", 1, 1), ("4.25", 1, 1)],
        [("Control", 1, 1), ("9", 1, 1), ("1.0", 1, 1)],
    ]


def test_wrapped_cells_become_one_row() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 5. Trials of herbal preparations.", 9)
    sheet.rule(50, 545, 68)
    sheet.row(79, [50, 150, 430], ["Plant", "Design", "Effect"])
    sheet.rule(50, 545, 84)
    rows = [
        (
            "Aloe vera",
            ["Randomised double blind trial in ninety", "subjects with gingivitis"],
            "none",
        ),
        (
            "Ocimum sanctum",
            ["Crossover trial with a washout of two", "weeks and three doses"],
            "12.5 %",
        ),
        ("Curcuma longa", ["Open trial in forty subjects"], "8 %"),
    ]
    y = 95.0
    for plant, design, effect in rows:
        sheet.row(y, [50, 150, 430], [plant, design[0], effect])
        for more in design[1:]:
            y += 10
            sheet.text(150, y, more)
        y += 15
    sheet.rule(50, 545, y - 8)
    sheet.body((50, 545), y + 20, 780)
    assert texts(only(sheet.found())) == [
        ["Plant", "Design", "Effect"],
        *([plant, " ".join(design), effect] for plant, design, effect in rows),
    ]


def test_a_table_without_ruling_lines() -> None:
    sheet = Sheet()
    sheet.body(LEFT, 60, 290)
    sheet.text(50, 310, "Table 6. Yields of the reactions.", 8, "tibo")
    places = [50, 150, 220]
    rows = [
        ["Entry", "Time (h)", "Yield (%)"],
        *([str(n), f"{n}.5", f"{60 + n}"] for n in range(1, 6)),
    ]
    for number, row in enumerate(rows):
        sheet.row(326 + 11 * number, places, row)
    sheet.body(LEFT, 410, 780)
    sheet.body(RIGHT, 60, 780)
    table = only(sheet.found())
    assert texts(table) == rows
    assert table.source is TableSource.ALIGNED


def test_a_table_goes_on_over_pages() -> None:
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


def test_a_landscape_table_on_a_portrait_page() -> None:
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


def test_a_raised_number_does_not_grow_the_number_before_it() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 9. Counts.", 9)
    rows = [["Sample", "Count"], ["one", "10"], ["two", "1.5"], ["three", "2.25"]]
    booktabs(sheet, 50, 300, 70, rows)
    width = pymupdf.get_text_length("10", fontname="tiro", fontsize=8)
    sheet.text(50 + 80 + 85 + width / 2, 70 + 11 + 11 + 2 - 3, "6", 5)
    sheet.body((50, 545), 200, 780)
    assert texts(only(sheet.found()))[1] == ["one", "10⁶"]


def test_unlabelled_rules_hold_a_table_but_prose_between_rules_does_not() -> None:
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


def test_pages_without_tables_have_none() -> None:
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


def test_a_table_that_is_a_picture() -> None:
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


def test_the_taken_boxes_cover_caption_body_and_notes() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 1. Scores.", 9)
    bottom = booktabs(sheet, 50, 545, 70, MODELS)
    sheet.text(50, bottom + 10, "Note: means of three runs.", 7)
    sheet.body((50, 545), bottom + 40, 780)
    found = sheet.found().tables[0]
    assert found.table.notes == "Note: means of three runs."
    tops = sorted(box.y0 for box in found.taken)
    assert tops[0] < 60 < tops[1] < 72 and bottom < tops[2] < bottom + 10


def test_two_tables_side_by_side() -> None:
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


def test_lines_down_the_table_part_columns_but_not_rows() -> None:
    sheet = Sheet()
    sheet.body(LEFT, 60, 780)
    sheet.body(RIGHT, 200, 780)
    sheet.centred(426, 60, "Table 3: Results", 9)
    for y in (70, 86, 150):
        sheet.rule(320, 530, y)
    for x in (320, 400, 465, 530):
        sheet.wall(x, 70, 150)
    rows = [["Method", "Acc.", "F1"], ["SVM", "0.81", "0.79"], ["RF", "0.85", "0.84"]]
    rows += [["CNN", "0.90", "0.88"], ["BERT", "0.93", "0.92"]]
    for number, row in enumerate(rows):
        sheet.row(81 + 14.5 * number, [325, 420, 485], row)
    assert texts(only(sheet.found())) == rows


def test_panels_span_and_standard_errors_stay_rows() -> None:
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


def test_a_first_cell_centred_between_two_rows_reaches_over_both() -> None:
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


def test_only_the_wanted_pages_are_looked_at() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 1. Scores.", 9)
    booktabs(sheet, 50, 545, 70, MODELS)
    again = pymupdf.open("pdf", sheet.document.tobytes())
    lines, sizes = [page_lines(again[0], 1)], [page_size(again[0], 1)]
    assert find_tables(again, lines, sizes, wanted=()).tables == ()
    assert len(find_tables(again, lines, sizes, wanted={1}).tables) == 1
