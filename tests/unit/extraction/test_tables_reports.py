"""Tables as reports print them: over a page break, without caption or rules, shaded, in a stack."""

from __future__ import annotations

from domain.papers import Cell
from extraction.tables.continuation import joined_rows
from tests.pdf_builder.tables import LEFT, MODELS, Sheet, booktabs, only, texts

PLACES = [50.0, 260.0, 340.0, 420.0]
HEADER = ["Breed and pasture", "2001", "2002", "2003"]
EXPORTS = [
    ["Northern valleys", "60,400", "42,600", "5,000"],
    ["Lakes", "-", "5,000", "6,120"],
    ["Upper moor", "50,000", "-", "7,300"],
    ["Coast and islands", "700,000", "455,000", "1,250"],
    ["Total", "810,400", "502,600", "19,670"],
]


def _lots(first: int, count: int) -> list[list[str]]:
    return [
        [
            f"Ewes on {('clover', 'heath and rye')[n % 2]}, lot {n}",
            f"{n + 50}",
            f"{n}.5",
            f"{n * 3}",
        ]
        for n in range(first, first + count)
    ]


def _rows(sheet: Sheet, y: float, rows: list[list[str]], step: float = 13) -> float:
    for number, row in enumerate(rows):
        sheet.row(y + step * number, PLACES, row, size=9)
    return y + step * (len(rows) - 1)


def _grid(sheet: Sheet, y: float, rows: list[list[str]]) -> float:
    """Draws rows with rules around each cell; returns the y of the last rule."""
    bottom = y + 14 * len(rows)
    for number in range(len(rows) + 1):
        sheet.rule(50, 410, y + 14 * number)
    for number in range(5):
        sheet.vertical_rule(50 + 90 * number, y, bottom)
    for number, row in enumerate(rows):
        sheet.row(y + 10 + 14 * number, [55, 145, 235, 325], row)
    return bottom


def test_tables_joins_label_and_drops_header_at_page_break() -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 500)
    sheet.text(50, 520, "Table 1. Weights after one, two and three years.", 9)
    split = ["Mean of all lots that grazed on the low", "92", "71", "48"]
    above, below = _lots(1, 8), _lots(9, 8)
    sheet.rule(50, 545, 527)
    _rows(sheet, 538, [HEADER])
    sheet.rule(50, 545, 543)
    _rows(sheet, 554, [*above, split])
    sheet.new_page()
    sheet.text(50, 60, "Table 1 (continued)", 9)
    sheet.rule(50, 545, 67)
    _rows(sheet, 78, [HEADER])
    sheet.rule(50, 545, 83)
    sheet.text(50, 94, "meadows during the summer", 9)
    last = _rows(sheet, 107, below)
    sheet.rule(50, 545, last + 5)
    sheet.text(50, last + 17, "Note: lots of fewer than ten are left out.", 8)
    sheet.body((50, 545), last + 50, 780)
    table = only(sheet.found())
    whole = ["Mean of all lots that grazed on the low meadows during the summer", *split[1:]]
    assert texts(table) == [HEADER, *above, whole, *below]
    assert [box.page for box in table.boxes] == [1, 2]
    assert table.notes == "Note: lots of fewer than ten are left out."
    assert not any(cell.header for row in table.rows[1:] for cell in row)


def test_table_columns_ignores_gaps_between_last_words_of_labels() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 2. Lots.", 9)
    rows = [HEADER, *_lots(1, 9)]
    sheet.rule(50, 545, 67)
    _rows(sheet, 78, rows)
    sheet.rule(50, 545, 83)
    sheet.rule(50, 545, 200)
    assert texts(only(sheet.found())) == rows


def test_joined_rows_keeps_rows_that_begin_anew() -> None:
    def row(*texts: str) -> tuple[Cell, ...]:
        return tuple(map(Cell, texts))

    first, second = row("Oats", "1.5", "2.5"), row("Rye", "3.5", "4.5")
    assert joined_rows((first,), (second,), set()) == (first, second)
    assert joined_rows((first,), (row("Winter", "", ""),), set())[1:] == (row("Winter", "", ""),)
    assert joined_rows((first,), (row("of spring", "", ""),), set()) == (
        row("Oats of spring", "1.5", "2.5"),
    )
    assert joined_rows((row("", "1.5", ""),), (row("of spring", "", ""),), set())[1:]


def test_joined_rows_merge_lines_without_label_where_each_row_has_one() -> None:
    def row(*texts: str) -> tuple[Cell, ...]:
        return tuple(map(Cell, texts))

    first = (row("Oats", "Kept dry", "5"), row("Rye", "Kept wet", "6"), row("Hay", "Cut", "7"))
    more = (row("Bran", "Milled with", "8"), row("", "a stone", ""), row("Malt", "Dried", "9"))
    whole = (row("Bran", "Milled with a stone", "8"), row("Malt", "Dried", "9"))
    assert joined_rows(first, more, set()) == (*first, *whole)
    unlabelled = (first[0], row("", "Kept wet", "6"), first[2])
    assert joined_rows(unlabelled, more, set()) == (*unlabelled, *more)


def test_aligned_finds_rows_of_values_without_rules_and_caption() -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 200)
    sheet.text(50, 220, "Exports of wool:", 9, "tibo")
    sheet.row(235, PLACES, ["", "2001", "2002", "2003"], size=9)
    for number, row in enumerate(EXPORTS):
        sheet.row(247 + 12 * number, PLACES, row, size=9)
    sheet.body((50, 545), 330, 780)
    assert texts(only(sheet.found())) == [["", "2001", "2002", "2003"], *EXPORTS]


def test_aligned_takes_rows_above_a_caption() -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 200)
    sheet.row(235, PLACES, ["", "2001", "2002", "2003"], size=9)
    for number, row in enumerate(EXPORTS):
        sheet.row(247 + 12 * number, PLACES, row, size=9)
    sheet.text(50, 315, "Table 4. Exports of wool.", 9)
    sheet.body((50, 545), 340, 780)
    table = only(sheet.found())
    assert (table.label, table.caption) == ("Table 4", "Exports of wool.")
    assert texts(table)[1:] == EXPORTS


def test_aligned_rejects_contents_equations_authors_and_ticks() -> None:
    sheet = Sheet()
    for number in range(8):
        y = 60 + 14 * number
        sheet.row(y, [50, 80, 500], [f"{number}.1", "A section of the report", f"{3 * number}"])
        sheet.row(y + 140, [50, 200, 400], ["a = b + c", "d = e", f"({number})"])
        sheet.row(y + 280, [50, 220, 390], ["Ana Moor", "Ben Hill", f"Carl Field {number}"])
        sheet.row(y + 420, [100, 220, 340, 460], [f"0.{number}"] * 4)
    assert sheet.found().tables == ()


def test_regions_separate_grids_with_text_between_them() -> None:
    sheet = Sheet()
    sheet.centred(230, 60, "Scores by model", 9, "tibo")
    bottom = _grid(sheet, 70, MODELS)
    sheet.text(50, bottom + 12, "p < 0.05 in all rows", 8)
    sheet.centred(230, bottom + 34, "Scores by year", 9, "tibo")
    other = [[f"{text}9" for text in row] for row in MODELS]
    bottom = _grid(sheet, bottom + 42, other)
    sheet.body((50, 545), bottom + 30, 780)
    assert [texts(found.table) for found in sheet.found().tables] == [MODELS, other]


def test_regions_leave_a_title_between_rules_out() -> None:
    sheet = Sheet()
    for y in (60, 76):
        sheet.rule(50, 410, y)
    sheet.centred(230, 71, "Health of the flock", 9, "tibo")
    sheet.centred(230, 94, "Scores by model", 9, "tibo")
    bottom = _grid(sheet, 104, MODELS)
    sheet.body((50, 545), bottom + 30, 780)
    assert texts(only(sheet.found())) == MODELS


def test_regions_leave_text_below_the_running_header_out() -> None:
    sheet = Sheet()
    sheet.rule(50, 545, 50)
    sheet.body((50, 545), 60, 200)
    bottom = booktabs(sheet, 50, 545, 220, MODELS)
    sheet.text(50, bottom + 30, "The scores are means of three runs on one machine.", 9)
    table = only(sheet.found())
    assert texts(table) == MODELS
    assert table.boxes[0].y0 > 215


def test_rulings_join_the_backgrounds_of_lines_in_a_cell() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 5. Offences.", 9)
    header = [["Wilful", "harm"], ["Theft", "of a", "cart"], ["Arson"]]
    for number, lines in enumerate(header):
        x, middle = 50 + 120 * number, 93
        sheet.page.draw_rect((x, 70, x + 120, 116), color=None, fill=(0.8, 0.8, 0.8))
        top = middle - 7 * len(lines)
        for place, text in enumerate(lines):
            y = top + 14 * place
            sheet.page.draw_rect((x + 5, y, x + 115, y + 14), color=None, fill=(0.8, 0.8, 0.8))
            sheet.text(x + 20, y + 10, text, 9)
    rows = [["2005", "28", "33"], ["2006", "25", "0"], ["2007", "66", "8"]]
    for number, row in enumerate(rows):
        sheet.row(126 + 14 * number, [70, 190, 310], ["", *row[1:]], size=9)
        sheet.text(70, 126 + 14 * number, row[0], 9)
    for number in range(4):
        sheet.rule(50, 410, 116 + 14 * number)
        sheet.vertical_rule(50 + 120 * number, 70, 158)
    sheet.rule(50, 410, 70)
    table = only(sheet.found())
    assert texts(table) == [["Wilful harm", "Theft of a cart", "Arson"], *rows]


def test_grid_splits_rows_at_blank_lines() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 6. Sources.", 9)
    for y in (66, 82, 192):
        sheet.rule(50, 500, y)
    for x in (50, 140, 330, 500):
        sheet.vertical_rule(x, 66, 192)
    places = [55, 145, 335]
    sheet.row(77, places, ["Source", "Definition", "Examples"])
    for number, line in enumerate(["Large flocks of", "a hundred head", "or of more"]):
        sheet.row(116 + 11 * number, places[1:], [line, f"farm {number} and"])
    for number, line in enumerate(["Small flocks of", "a dozen head"]):
        sheet.row(161 + 11 * number, places[1:], [line, f"yard {number} and"])
    sheet.text(55, 94, "Grazed:")
    sheet.text(70, 116, "Major")
    sheet.text(70, 161, "Minor")
    sheet.body((50, 545), 230, 780)
    assert texts(only(sheet.found())) == [
        ["Source", "Definition", "Examples"],
        ["Grazed:", "", ""],
        ["Major", "Large flocks of a hundred head or of more", "farm 0 and farm 1 and farm 2 and"],
        ["Minor", "Small flocks of a dozen head", "yard 0 and yard 1 and"],
    ]


def test_glyphs_leave_leaders_and_typed_rules_out() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 7. Sizes.", 9)
    sheet.row(76, PLACES, HEADER, size=9)
    sheet.text(50, 86, "-" * 120, 9)
    for number, row in enumerate(EXPORTS):
        label = f"{row[0]} ............"
        sheet.row(98 + 12 * number, PLACES, [label, *row[1:]], size=9)
    sheet.body((50, 545), 200, 780)
    assert texts(only(sheet.found())) == [HEADER, *EXPORTS]


def test_body_rows_span_a_heading_over_the_values() -> None:
    sheet = Sheet()
    sheet.text(50, 60, "Table 8. Enrolment by year.", 9)
    sheet.rule(50, 545, 66)
    places = [50, 250, 350, 450]
    sheet.row(77, places, ["Source", "2007", "2008", "2009"], centred=True)
    sheet.rule(50, 545, 82)
    for start, title in ((93, "Pupils"), (129, "Share of all")):
        sheet.centred(350, start, title)
        sheet.row(start + 12, places, ["Actual", "49.2", "49.3", "49.4"], centred=True)
        sheet.row(start + 24, places, ["Projected", "49.6", "49.8", "50.0"], centred=True)
    sheet.rule(50, 545, 160)
    sheet.body(LEFT, 190, 780)
    rows = only(sheet.found()).rows
    spans = [[(cell.text, cell.colspan) for cell in row] for row in (rows[1], rows[4])]
    assert spans == [[("", 1), ("Pupils", 3)], [("", 1), ("Share of all", 3)]]
