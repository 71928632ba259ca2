"""Which pages the layout model is worth, from captions and from what cheaper ways found."""

from __future__ import annotations

from domain.papers import Box, Cell, Figure, PageSize, Table, TableSource
from extraction.figures.page_selection import pages_worth
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
    """Ten pages of text; a keyword like p3 adds its lines, parted by |, to page 3."""
    pages = []
    for number in range(1, 11):
        more = captions.get(f"p{number}", "")
        pages.append(_page(number, "Some words of running text.", *filter(None, more.split("|"))))
    return pages, [PageSize(number, 595, 842) for number in range(1, 11)]


def test_off_and_always() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.")
    pages[8] = []
    assert pages_worth(LayoutMode.OFF, pages, sizes, doubted={3}) == set()
    assert pages_worth(LayoutMode.ALWAYS, pages, sizes) == {1, 2, 3, 4, 5, 6, 7, 8, 10}


def test_a_page_of_more_lines_than_anybody_prints_would_take_the_model_minutes() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.", p3="Table 2. Costs.")
    pages[1] *= 2000
    for mode, worth in ((LayoutMode.AUTO, {3}), (LayoutMode.ALWAYS, {1, *range(3, 11)})):
        assert pages_worth(mode, pages, sizes) == worth


def test_a_caption_whose_table_was_not_found() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.", p4="TABLE 2: Costs.", p5="Table 3. Sizes.")
    found = [_table("Table 1", 2), _table("Table 2", 4)]
    assert pages_worth(LayoutMode.AUTO, pages, sizes, tables=found) == {5}


def test_a_table_of_the_same_label_on_another_page_does_not_count() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.")
    assert pages_worth(LayoutMode.AUTO, pages, sizes, tables=[_table("Table 1", 3)]) == {2}


def test_a_table_that_does_not_look_like_one() -> None:
    pages, sizes = _paper(p2="Table 1. Runs.", p4="Table 2. Costs.", p5="Table 3. Sizes.")
    one_column = (Cell("run"),), (Cell("time"),)
    empty = ((Cell("run"), Cell(""), Cell("")), (Cell(""), Cell(""), Cell("20")))
    found = [_table("Table 1", 2, one_column), _table("Table 2", 4), _table("Table 3", 5, empty)]
    assert pages_worth(LayoutMode.AUTO, pages, sizes, tables=found) == {2, 5}


def test_a_caption_whose_figure_was_not_found() -> None:
    pages, sizes = _paper(p3="Figure 1. Leaves.", p6="Fig. 2. Flasks.")
    found = [Figure(1, "Figure 1", None, Box(3, 60, 80, 300, 200))]
    assert pages_worth(LayoutMode.AUTO, pages, sizes, figures=found) == {6}


def test_a_list_of_legends_has_no_pictures_to_find() -> None:
    pages, sizes = _paper(p9="Figure 1. Leaves.|Figure 2. Flasks.|Figure 3. Light.")
    assert pages_worth(LayoutMode.AUTO, pages, sizes) == set()


def test_a_mention_is_no_evidence() -> None:
    pages, sizes = _paper(p3="Table 1 shows the runs.|Figure 2 and the text say the same.")
    assert pages_worth(LayoutMode.AUTO, pages, sizes) == set()


def test_doubted_pages_are_worth_it() -> None:
    pages, sizes = _paper()
    assert pages_worth(LayoutMode.AUTO, pages, sizes, doubted={4, 7}) == {4, 7}


def test_auto_never_takes_more_than_two_pages_in_five_and_tables_first() -> None:
    pages, sizes = _paper(
        **{f"p{number}": f"Figure {number}. Leaves." for number in range(1, 7)},
        p8="Table 1. Runs.",
    )
    chosen = pages_worth(LayoutMode.AUTO, pages, sizes, doubted={10})
    assert len(chosen) == 4
    assert {8, 10} < chosen


def _grid(number: int, rows: int, columns: int, width: float) -> list[Line]:
    """Pieces of text side by side in columns that fill the page from 60 to 540."""
    step = 480 / columns
    return [
        Line("piece", number, 60 + step * column, y, 60 + step * column + width, y + 10, 9, y + 9)
        for y in range(80, 80 + 14 * rows, 14)
        for column in range(columns)
    ]


def test_rows_without_a_table_may_be_one_that_goes_on() -> None:
    pages, sizes = _paper()
    pages[4] += _grid(5, 20, 5, 60)
    pages[6] += _grid(7, 20, 5, 60)
    found = [_table("Table 1", 5)]
    assert pages_worth(LayoutMode.AUTO, pages, sizes, tables=found) == {7}


def test_columns_of_prose_are_no_rows() -> None:
    pages, sizes = _paper()
    pages[4] += _grid(5, 40, 2, 225)
    pages[5] += _grid(6, 40, 3, 150)
    pages[6] += _grid(7, 5, 5, 60)
    assert pages_worth(LayoutMode.AUTO, pages, sizes) == set()


def test_labels_on_a_figure_are_no_rows() -> None:
    pages, sizes = _paper()
    pages[4] += _grid(5, 20, 5, 60)
    figure = Figure(1, None, None, Box(5, 50, 70, 560, 400))
    assert pages_worth(LayoutMode.AUTO, pages, sizes, figures=[figure]) == set()
