"""Selection of pages for the layout model, from captions and the results of the rules."""

from __future__ import annotations

from domain.papers import Box, Cell, Figure, PageSize, Table, TableSource
from extraction.figures.page_selection import pages_for_model
from extraction.options import LayoutMode
from extraction.text.lines import Line


def _page(number: int, *texts: str) -> list[Line]:
    return [
        Line(text, number, 60, 60 + 40 * row, 500, 70 + 40 * row, 9, 69 + 40 * row)
        for row, text in enumerate(texts)
    ]


ROWS = ((Cell("run"), Cell("time")), (Cell("1"), Cell("20")))


def _table(label: str, page: int, rows: tuple[tuple[Cell, ...], ...] = ROWS) -> Table:
    return Table(1, label, None, (Box(page, 60, 80, 300, 200),), rows, TableSource.RULED)


def _paper(**captions: str) -> tuple[list[list[Line]], list[PageSize]]:
    """Ten pages of text; a keyword such as p3 adds its lines, separated by |, to page 3."""
    pages = []
    for number in range(1, 11):
        more = captions.get(f"p{number}", "")
        pages.append(_page(number, "Some words of running text.", *filter(None, more.split("|"))))
    return pages, [PageSize(number, 595, 842) for number in range(1, 11)]


def test_page_selection_off_takes_none_and_always_takes_text_pages() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.")
    pages[8] = []
    assert pages_for_model(LayoutMode.OFF, pages, sizes, doubted={3}) == set()
    assert pages_for_model(LayoutMode.ALWAYS, pages, sizes) == {1, 2, 3, 4, 5, 6, 7, 8, 10}


def test_page_selection_skips_pages_with_too_many_lines() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.", p3="Table 2. Costs.")
    pages[1] *= 2000
    for mode, expected in ((LayoutMode.AUTO, {3}), (LayoutMode.ALWAYS, {1, *range(3, 11)})):
        assert pages_for_model(mode, pages, sizes) == expected


def test_page_selection_takes_caption_without_table() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.", p4="TABLE 2: Costs.", p5="Table 3. Sizes.")
    found = [_table("Table 1", 2), _table("Table 2", 4)]
    assert pages_for_model(LayoutMode.AUTO, pages, sizes, tables=found) == {5}


def test_page_selection_ignores_table_with_same_label_on_other_page() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.")
    assert pages_for_model(LayoutMode.AUTO, pages, sizes, tables=[_table("Table 1", 3)]) == {2}


def test_page_selection_takes_implausible_table() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.", p4="Table 2. Costs.", p5="Table 3. Sizes.")
    one_column = (Cell("run"),), (Cell("time"),)
    empty = ((Cell("run"), Cell(""), Cell("")), (Cell(""), Cell(""), Cell("20")))
    found = [_table("Table 1", 2, one_column), _table("Table 2", 4), _table("Table 3", 5, empty)]
    assert pages_for_model(LayoutMode.AUTO, pages, sizes, tables=found) == {2, 5}


def test_page_selection_takes_caption_without_figure() -> None:
    pages, sizes = _paper(p3="Figure 1. Leaves.", p6="Fig. 2. Flasks.")
    found = [Figure(1, "Figure 1", None, Box(3, 60, 80, 300, 200))]
    assert pages_for_model(LayoutMode.AUTO, pages, sizes, figures=found) == {6}


def test_page_selection_skips_list_of_legends() -> None:
    pages, sizes = _paper(p9="Figure 1. Leaves.|Figure 2. Flasks.|Figure 3. Light.")
    assert pages_for_model(LayoutMode.AUTO, pages, sizes) == set()


def test_page_selection_ignores_mentions() -> None:
    pages, sizes = _paper(p3="Table 1 shows the runs.|Figure 2 and the text say the same.")
    assert pages_for_model(LayoutMode.AUTO, pages, sizes) == set()


def test_page_selection_takes_doubted_pages() -> None:
    pages, sizes = _paper()
    assert pages_for_model(LayoutMode.AUTO, pages, sizes, doubted={4, 7}) == {4, 7}


def test_page_selection_auto_limits_pages_and_prefers_tables() -> None:
    pages, sizes = _paper(
        **{f"p{number}": f"Figure {number}. Leaves." for number in range(1, 7)},
        p8="Table 1. Runs.",
    )
    chosen = pages_for_model(LayoutMode.AUTO, pages, sizes, doubted={10})
    assert len(chosen) == 4
    assert {8, 10} < chosen


def _grid(number: int, rows: int, columns: int, width: float) -> list[Line]:
    """Pieces of text side by side in columns between x = 60 and x = 540."""
    step = 480 / columns
    return [
        Line("piece", number, 60 + step * column, y, 60 + step * column + width, y + 10, 9, y + 9)
        for y in range(80, 80 + 14 * rows, 14)
        for column in range(columns)
    ]


def test_page_selection_takes_rows_without_table() -> None:
    pages, sizes = _paper()
    pages[4] += _grid(5, 20, 5, 60)
    pages[6] += _grid(7, 20, 5, 60)
    found = [_table("Table 1", 5)]
    assert pages_for_model(LayoutMode.AUTO, pages, sizes, tables=found) == {7}


def test_page_selection_ignores_columns_of_prose() -> None:
    pages, sizes = _paper()
    pages[4] += _grid(5, 40, 2, 225)
    pages[5] += _grid(6, 40, 3, 150)
    pages[6] += _grid(7, 5, 5, 60)
    assert pages_for_model(LayoutMode.AUTO, pages, sizes) == set()


def test_page_selection_ignores_labels_on_figure() -> None:
    pages, sizes = _paper()
    pages[4] += _grid(5, 20, 5, 60)
    figure = Figure(1, None, None, Box(5, 50, 70, 560, 400))
    assert pages_for_model(LayoutMode.AUTO, pages, sizes, figures=[figure]) == set()
