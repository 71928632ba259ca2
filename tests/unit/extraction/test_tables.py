"""Table extraction from generated pages in the layouts of publishers, with known cells."""

from __future__ import annotations

from domain.papers import TableSource
from tests.pdf_builder.tables import LEFT, MODELS, RIGHT, Sheet, booktabs, only, texts


def test_tables_finds_booktabs_with_caption_below() -> None:
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


def test_tables_reads_shaded_rows_like_others() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 1. Scores of all models.", 9)
    for number in range(0, len(MODELS), 2):
        top = 70 + 12 * number
        sheet.page.draw_rect((50, top, 288, top + 12), color=None, fill=(0.9, 0.9, 0.9))
    for number, row in enumerate(MODELS):
        sheet.row(79 + 12 * number, [55, 140, 190, 240], row)
    sheet.body(LEFT, 170, 780)
    sheet.body(RIGHT, 60, 780)
    assert texts(only(sheet.found())) == MODELS


def test_table_captions_joins_label_and_title_on_separate_lines() -> None:
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


def test_tables_reads_spanning_headings_notes_and_group_rows() -> None:
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


def test_grid_reads_merged_cells() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 4. Doses and outcomes.", 9)
    xs, ys = [50, 130, 220, 310], [70, 90, 110, 130, 150]
    for y in ys:
        sheet.rule(130 if y == 110 else 50, 310, y)
    for x in xs:
        sheet.vertical_rule(x, 90 if x == 220 else 70, 150)
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


def test_rows_merges_wrapped_cells() -> None:
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


def test_tables_finds_table_without_rules() -> None:
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
