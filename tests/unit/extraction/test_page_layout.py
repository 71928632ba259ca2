"""Tables and figures of made papers: cheap ways first, and what the layout model is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Unavailable
from domain.papers import Box, TableSource
from extraction import layout as find
from extraction.figures.model import Region, RegionKind
from extraction.layout import Layout, find_layout
from extraction.options import LayoutMode
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf
from extraction.text.pdf import Reading, read_pages
from tests.pdf_builder.papers import DOSES, Grid, Part, Picture, make_paper, make_study
from tests.pdf_builder.scans import damage_page
from tests.pdf_builder.tables import LEFT, MODELS, RIGHT, Sheet, booktabs

STUDY = make_study()
Asked = list[int]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Pages that the model was asked for; it sees nothing on any of them."""
    pages: Asked = []

    def regions(page: Any, _threads: int) -> list[Region]:
        pages.append(page.number + 1)
        return []

    monkeypatch.setattr(find, "layout_regions", regions)
    return pages


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Layout]:
    """Finds the layout of a PDF."""

    def looked(content: bytes, reading: Reading | None = None, **more: Any) -> Layout:
        path = tmp_path / "paper.pdf"
        path.write_bytes(content)
        return find_layout(path, reading or read_pages(path), **more)

    return looked


def bare_caption(pages: int = 1) -> bytes:
    """Pages with the caption of a table that cannot be found."""
    sheet = Sheet()
    for number in range(1, pages + 1):
        sheet.text(50, 60, f"Table {number}. Values that are not there.", 9)
        sheet.body(LEFT, 90, 780)
        sheet.body(RIGHT, 90, 780)
        if number < pages:
            sheet.new_page()
    return sheet.to_pdf()


def test_off_looks_at_nothing(look: Callable[..., Layout], asked: Asked) -> None:
    assert look(STUDY, mode=LayoutMode.OFF) == Layout()
    assert asked == []


def test_what_cheap_ways_find_costs_no_model(look: Callable[..., Layout], asked: Asked) -> None:
    layout = look(STUDY)
    [table], [figure] = layout.tables, layout.figures
    assert (table.label, table.page, table.source) == ("Table 1", 2, TableSource.RULED)
    assert table.caption == "Yield of each plant by its dose, in percent."
    assert tuple(tuple(cell.text for cell in row) for row in table.rows) == DOSES
    assert (figure.label, figure.page, figure.number) == ("Figure 1", 1, 1)
    assert asked == [] and layout.seen == ()


def test_taken_boxes_hold_captions_and_cells_and_leave_the_text(
    look: Callable[..., Layout], tmp_path: Path, asked: Asked
) -> None:
    layout = look(STUDY)
    pages = read_pages(tmp_path / "paper.pdf").pages
    dropped = {line.text for page in pages for line in page} - {
        line.text for page in pages for line in layout.body_of(page)
    }
    cells = {text for row in DOSES for text in row}
    captions = {
        "Table 1. Yield of each plant by its dose, in percent.",
        "Figure 1. Flasks of the second run after an hour of light.",
    }
    assert dropped == cells | captions


def test_a_box_takes_lines_of_its_own_page_only() -> None:
    layout = Layout(taken=(Box(2, 50, 50, 300, 300),))
    inside = Line("1.25", 2, 60, 100, 80, 110, 9, 109)
    outside = Line("as we said", 2, 60, 400, 200, 410, 9, 409)
    elsewhere = Line("1.25", 3, 60, 100, 80, 110, 9, 109)
    assert layout.body_of([inside, outside]) == [outside]
    assert layout.body_of([elsewhere]) == [elsewhere]
    assert layout.body_of([]) == []


def test_figures_are_numbered_by_their_place(look: Callable[..., Layout], asked: Asked) -> None:
    part = Part("1 Pictures", [Picture(f"Figure {n}. Flask {n}.", 200) for n in (3, 1, 2)])
    figures = look(make_paper(parts=[part], columns=1)).figures
    assert [one.number for one in figures] == [1, 2, 3]
    assert [one.label for one in figures] == ["Figure 3", "Figure 1", "Figure 2"]
    assert [one.page for one in figures] == sorted(one.page for one in figures)


def test_a_table_that_is_a_picture_is_a_figure(look: Callable[..., Layout], asked: Asked) -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 300)
    sheet.text(50, 320, "Table 1. Results as a picture.", 9)
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 40, 20))
    picture.clear_with(200)
    sheet.page.insert_image(pymupdf.Rect(50, 330, 545, 480), pixmap=picture)
    sheet.body((50, 545), 500, 780)
    layout = look(sheet.to_pdf())
    assert layout.tables == ()
    [figure] = layout.figures
    assert (figure.label, figure.caption) == ("Table 1", "Results as a picture.")


def test_a_caption_without_its_table_is_a_page_for_the_model(
    look: Callable[..., Layout], asked: Asked
) -> None:
    told: list[tuple[int, int]] = []
    layout = look(bare_caption(4), on_page=lambda done, total: told.append((done, total)))
    assert asked == [1]  # no more than two in five
    assert layout.seen == (1,) and layout.tables == ()
    assert told == [(4, 4)]


def test_always_asks_for_every_page_that_has_text(
    look: Callable[..., Layout], asked: Asked
) -> None:
    document = pymupdf.open(stream=STUDY, filetype="pdf")
    document.new_page()
    told: list[tuple[int, int]] = []
    layout = look(
        document.tobytes(),
        mode=LayoutMode.ALWAYS,
        on_page=lambda done, total: told.append((done, total)),
    )
    assert asked == [1, 2] and layout.seen == (1, 2)
    assert told[-1] == (3, 3) and [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(layout.tables) == len(layout.figures) == 1


def test_what_the_model_sees_is_looked_into(
    look: Callable[..., Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 300)
    bottom = booktabs(sheet, 50, 545, 320, MODELS)
    place = Box(1, 48, 316, 547, bottom + 3)
    monkeypatch.setattr(find, "layout_regions", lambda *_: [Region(RegionKind.TABLE, place)])
    layout = look(sheet.to_pdf(), mode=LayoutMode.ALWAYS)
    [table] = layout.tables
    assert [[cell.text for cell in row] for row in table.rows] == MODELS
    assert layout.seen == (1,)


def test_without_the_model_the_cheap_ways_do(
    look: Callable[..., Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> list[Region]:
        raise Unavailable("The layout model of PyMuPDF cannot be loaded.")

    monkeypatch.setattr(find, "layout_regions", missing)
    layout = look(STUDY, mode=LayoutMode.ALWAYS)
    assert layout.seen == ()
    assert len(layout.tables) == len(layout.figures) == 1


def test_a_page_that_the_model_cannot_read_does_not_stop_the_others(
    look: Callable[..., Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbling(page: Any, _threads: int) -> list[Region]:
        if page.number == 0:
            raise RuntimeError("code=7: syntax error in content stream")
        return []

    monkeypatch.setattr(find, "layout_regions", stumbling)
    layout = look(STUDY, mode=LayoutMode.ALWAYS)
    assert layout.seen == (2,)
    assert len(layout.tables) == len(layout.figures) == 1


def test_a_damaged_page_costs_only_itself(look: Callable[..., Layout], asked: Asked) -> None:
    layout = look(damage_page(STUDY, 2), mode=LayoutMode.ALWAYS)
    assert layout.tables == () and len(layout.figures) == 1
    assert asked == [1]


def test_cells_that_ocr_read_are_marked(
    look: Callable[..., Layout], tmp_path: Path, asked: Asked
) -> None:
    table = Grid("Table 1. Doses.", DOSES)
    part = Part("1 Doses", ["Table 1 lists the doses.", table])
    path = tmp_path / "printed.pdf"
    path.write_bytes(make_paper(parts=[part], columns=1))
    printed = read_pages(path)
    [read] = look(path.read_bytes(), printed.with_ocr({1: printed.pages[0]})).tables
    assert read.source is TableSource.OCR
    [by_text] = look(path.read_bytes(), printed).tables
    assert by_text.rows == read.rows and by_text.source is TableSource.RULED
