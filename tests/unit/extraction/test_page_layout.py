"""Layout of generated papers: the rules come first, then the layout model on selected pages."""

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
ModelPages = list[int]


@pytest.fixture
def model_pages(monkeypatch: pytest.MonkeyPatch) -> ModelPages:
    """The pages that the fake model was called for; it finds nothing on any of them."""
    pages: ModelPages = []

    def regions(page: Any, _threads: int) -> list[Region]:
        pages.append(page.number + 1)
        return []

    monkeypatch.setattr(find, "layout_regions", regions)
    return pages


@pytest.fixture
def layout_of(tmp_path: Path) -> Callable[..., Layout]:
    """A function that returns the layout of a PDF."""

    def found_layout(content: bytes, reading: Reading | None = None, **more: Any) -> Layout:
        path = tmp_path / "paper.pdf"
        path.write_bytes(content)
        return find_layout(path, reading or read_pages(path), **more)

    return found_layout


def bare_caption(pages: int = 1) -> bytes:
    """Pages with the caption of a table that does not exist."""
    sheet = Sheet()
    for number in range(1, pages + 1):
        sheet.text(50, 60, f"Table {number}. Values that are not there.", 9)
        sheet.body(LEFT, 90, 780)
        sheet.body(RIGHT, 90, 780)
        if number < pages:
            sheet.new_page()
    return sheet.to_pdf()


def test_layout_off_returns_nothing(
    layout_of: Callable[..., Layout], model_pages: ModelPages
) -> None:
    assert layout_of(STUDY, mode=LayoutMode.OFF) == Layout()
    assert model_pages == []


def test_layout_found_by_rules_does_not_call_model(
    layout_of: Callable[..., Layout], model_pages: ModelPages
) -> None:
    layout = layout_of(STUDY)
    [table], [figure] = layout.tables, layout.figures
    assert (table.label, table.page, table.source) == ("Table 1", 2, TableSource.RULED)
    assert table.caption == "Yield of each plant by its dose, in percent."
    assert tuple(tuple(cell.text for cell in row) for row in table.rows) == DOSES
    assert (figure.label, figure.page, figure.number) == ("Figure 1", 1, 1)
    assert model_pages == [] and layout.model_pages == ()


def test_layout_taken_boxes_exclude_body_text(
    layout_of: Callable[..., Layout], tmp_path: Path, model_pages: ModelPages
) -> None:
    layout = layout_of(STUDY)
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


def test_layout_body_of_ignores_boxes_of_other_pages() -> None:
    layout = Layout(taken=(Box(2, 50, 50, 300, 300),))
    inside = Line("1.25", 2, 60, 100, 80, 110, 9, 109)
    outside = Line("as we said", 2, 60, 400, 200, 410, 9, 409)
    elsewhere = Line("1.25", 3, 60, 100, 80, 110, 9, 109)
    assert layout.body_of([inside, outside]) == [outside]
    assert layout.body_of([elsewhere]) == [elsewhere]
    assert layout.body_of([]) == []


def test_layout_numbers_figures_by_position(
    layout_of: Callable[..., Layout], model_pages: ModelPages
) -> None:
    part = Part("1 Pictures", [Picture(f"Figure {n}. Flask {n}.", 200) for n in (3, 1, 2)])
    figures = layout_of(make_paper(parts=[part], columns=1)).figures
    assert [figure.number for figure in figures] == [1, 2, 3]
    assert [figure.label for figure in figures] == ["Figure 3", "Figure 1", "Figure 2"]
    assert [figure.page for figure in figures] == sorted(figure.page for figure in figures)


def test_layout_turns_table_image_into_figure(
    layout_of: Callable[..., Layout], model_pages: ModelPages
) -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 300)
    sheet.text(50, 320, "Table 1. Results as a picture.", 9)
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 40, 20))
    picture.clear_with(200)
    sheet.page.insert_image(pymupdf.Rect(50, 330, 545, 480), pixmap=picture)
    sheet.body((50, 545), 500, 780)
    layout = layout_of(sheet.to_pdf())
    assert layout.tables == ()
    [figure] = layout.figures
    assert (figure.label, figure.caption) == ("Table 1", "Results as a picture.")


def test_layout_calls_model_for_caption_without_table(
    layout_of: Callable[..., Layout], model_pages: ModelPages
) -> None:
    progress: list[tuple[int, int]] = []
    layout = layout_of(bare_caption(4), on_page=lambda done, total: progress.append((done, total)))
    assert model_pages == [1]  # at most two pages in five
    assert layout.model_pages == (1,) and layout.tables == ()
    assert progress == [(4, 4)]


def test_layout_always_calls_model_for_all_text_pages(
    layout_of: Callable[..., Layout], model_pages: ModelPages
) -> None:
    document = pymupdf.open(stream=STUDY, filetype="pdf")
    document.new_page()
    progress: list[tuple[int, int]] = []
    layout = layout_of(
        document.tobytes(),
        mode=LayoutMode.ALWAYS,
        on_page=lambda done, total: progress.append((done, total)),
    )
    assert model_pages == [1, 2] and layout.model_pages == (1, 2)
    assert progress[-1] == (3, 3) and [done for done, _ in progress] == sorted(
        done for done, _ in progress
    )
    assert len(layout.tables) == len(layout.figures) == 1


def test_layout_reads_cells_in_model_region(
    layout_of: Callable[..., Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = Sheet()
    sheet.body((50, 545), 60, 300)
    bottom = booktabs(sheet, 50, 545, 320, MODELS)
    place = Box(1, 48, 316, 547, bottom + 3)
    monkeypatch.setattr(find, "layout_regions", lambda *_: [Region(RegionKind.TABLE, place)])
    layout = layout_of(sheet.to_pdf(), mode=LayoutMode.ALWAYS)
    [table] = layout.tables
    assert [[cell.text for cell in row] for row in table.rows] == MODELS
    assert layout.model_pages == (1,)


def test_layout_falls_back_to_rules_without_model(
    layout_of: Callable[..., Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> list[Region]:
        raise Unavailable("The layout model of PyMuPDF cannot be loaded.")

    monkeypatch.setattr(find, "layout_regions", missing)
    layout = layout_of(STUDY, mode=LayoutMode.ALWAYS)
    assert layout.model_pages == ()
    assert len(layout.tables) == len(layout.figures) == 1


def test_layout_model_error_skips_page_only(
    layout_of: Callable[..., Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbling(page: Any, _threads: int) -> list[Region]:
        if page.number == 0:
            raise RuntimeError("code=7: syntax error in content stream")
        return []

    monkeypatch.setattr(find, "layout_regions", stumbling)
    layout = layout_of(STUDY, mode=LayoutMode.ALWAYS)
    assert layout.model_pages == (2,)
    assert len(layout.tables) == len(layout.figures) == 1


def test_layout_damaged_page_does_not_affect_others(
    layout_of: Callable[..., Layout], model_pages: ModelPages
) -> None:
    layout = layout_of(damage_page(STUDY, 2), mode=LayoutMode.ALWAYS)
    assert layout.tables == () and len(layout.figures) == 1
    assert model_pages == [1]


def test_layout_marks_tables_read_by_ocr(
    layout_of: Callable[..., Layout], tmp_path: Path, model_pages: ModelPages
) -> None:
    table = Grid("Table 1. Doses.", DOSES)
    part = Part("1 Doses", ["Table 1 lists the doses.", table])
    path = tmp_path / "printed.pdf"
    path.write_bytes(make_paper(parts=[part], columns=1))
    printed = read_pages(path)
    [read] = layout_of(path.read_bytes(), printed.with_ocr({1: printed.pages[0]})).tables
    assert read.source is TableSource.OCR
    [by_text] = layout_of(path.read_bytes(), printed).tables
    assert by_text.rows == read.rows and by_text.source is TableSource.RULED
