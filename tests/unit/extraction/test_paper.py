"""Composition of lines, OCR and layout to a paper, and its quality report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from domain.papers import BlockKind, Box, Cell, Figure, PageLoss, Paper, Table, TableSource
from extraction.layout import Layout
from extraction.paper import compose
from extraction.text.pdf import Reading, read_pages
from extraction.text.text_layer import PageHealth, TextLayer
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import DOSES, STUDY, make_paper, make_study


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    path = tmp_path / "study.pdf"
    path.write_bytes(make_study())
    return read_pages(path)


def texts(paper: Paper, kind: BlockKind | None = None) -> str:
    return "\n".join(block.text for block in paper.blocks if kind in (None, block.kind))


def box_of_lines(reading: Reading, first: str, last: str) -> Box:
    """Returns the bounding box around the lines from the first to the last of a column."""
    lines = [line for page in reading.pages for line in page]
    start = next(n for n, line in enumerate(lines) if line.text.startswith(first))
    end = next(n for n, line in enumerate(lines) if n >= start and line.text.startswith(last))
    column = lines[start : end + 1]
    ends = max(line.x1 for line in column), max(line.y1 for line in column)
    return Box(column[0].page, min(line.x0 for line in column), column[0].y0, *ends)


def healths(*pages: PageHealth | None) -> Sequence[PageHealth | None]:
    return pages


def test_compose_without_layout_returns_text_and_metadata(reading: Reading) -> None:
    paper = compose(reading)
    assert paper.title == paper.metadata.title == STUDY
    assert [author.family for author in paper.metadata.authors] == ["Lovelace", "Hopper"]
    assert paper.metadata.abstract == LOREM.strip()
    assert texts(paper, BlockKind.ABSTRACT) == LOREM.strip()
    assert [section.title for section in paper.own_sections] == [
        "Introduction",
        "Methods",
        "Results",
        "Conclusion",
    ]
    assert [reference.doi for reference in paper.references] == [
        "10.1234/made.2019.12",
        "10.1234/light.2021.7",
        None,
    ]
    assert paper.metadata.doi is None  # those of the references are not its own
    assert "Journal of Made Papers" not in texts(paper)
    quality = paper.quality
    assert (quality.pages_read, quality.columns, quality.garbled_share) == (2, 2, 0.0)
    assert not (quality.pages_failed or quality.pages_ocred or quality.pages_without_text)
    assert not quality.layout_done and quality.layout_pages == ()


def test_compose_excludes_tables_and_figures_from_text(reading: Reading) -> None:
    box = box_of_lines(reading, "Plant", "0.07")
    rows = tuple(tuple(Cell(text) for text in row) for row in DOSES)
    table = Table(1, "Table 1", None, (box,), rows, TableSource.RULED)
    caption = box_of_lines(reading, "Figure 1.", "Figure 1.")
    figure = Figure(1, "Figure 1", None, Box(1, 309, 389, 535, 479))
    layout = Layout((table,), (figure,), (box, caption), (2,))
    before, after = compose(reading), compose(reading, layout)
    assert after.tables == (table,) and after.figures == (figure,)
    assert after.quality.layout_done and after.quality.layout_pages == (2,)
    for row in DOSES[1:]:
        assert row[2] in texts(before) and row[2] not in texts(after)
    assert "Flasks of the second run" not in texts(after)
    assert texts(after).count("Table 1 lists the yields of all plants.") == 1
    assert texts(after).count("mean with its standard deviation") == texts(before).count(
        "mean with its standard deviation"
    )


def test_compose_with_empty_layout_changes_layout_done_only(
    reading: Reading,
) -> None:
    paper = compose(reading)
    looked = compose(reading, Layout())
    assert looked == replace(paper, quality=replace(paper.quality, layout_done=True))


def test_compose_uses_ocr_lines_on_scanned_pages_only(reading: Reading) -> None:
    scanned = PageHealth(TextLayer.GARBLED, "odd", 100, 0.5)
    fine = PageHealth(TextLayer.USABLE, "", 300)
    first, second = reading.pages
    reading = replace(reading, health=tuple(healths(fine, scanned)))
    assert reading.for_ocr == (2,)
    empty = compose(reading.without([2]))
    assert empty.quality.pages_without_text == (2,) and empty.quality.pages_read == 1
    assert empty.quality.garbled_share == pytest.approx(50 / 400)
    read = reading.without([2]).with_ocr({2: second[-3:]})
    assert read.pages == (first, second[-3:]) and read.ocred == (2,)
    paper = compose(read)
    assert paper.quality.pages_ocred == (2,) and paper.quality.pages_without_text == ()
    assert "Introduction" in texts(paper) and "Conclusion" not in texts(paper)


def test_compose_lists_failed_pages(reading: Reading) -> None:
    paper = compose(
        replace(
            reading, pages=(reading.pages[0], []), health=tuple(healths(reading.health[0], None))
        )
    )
    assert paper.quality.pages_failed == (2,)
    assert paper.quality.pages_read == 1
    assert paper.quality.pages_without_text == ()
    assert paper.title == STUDY


def test_compose_of_empty_pages_returns_empty_paper(tmp_path: Path) -> None:
    path = tmp_path / "bare.pdf"
    path.write_bytes(make_paper("", [], authors="", abstract="", header="", footer=""))
    paper = compose(read_pages(path), Layout())
    assert paper.metadata.authors == () and paper.metadata.abstract is None
    assert (paper.sections, paper.references, paper.tables, paper.figures) == ((), (), (), ())


def test_compose_replaces_the_missing_part_of_a_page(reading: Reading) -> None:
    first, second = reading.pages
    place = (second[-1].box,)
    partial = PageHealth(TextLayer.PARTIAL, "odd", 300, missing=place, unread=2, hidden_words=4)
    fine = PageHealth(TextLayer.USABLE, "", 300)
    reading = replace(reading, health=tuple(healths(fine, partial)))
    left = compose(reading).quality
    assert left.pages_incomplete == (2,) and left.unread_characters == (PageLoss(2, 2),)
    assert left.hidden_words == (PageLoss(2, 4),)
    found = replace(second[-1], text="what OCR found")
    read = reading.without([2]).with_ocr({2: [replace(second[0], text="twice"), found]})
    assert read.pages == (first, [*second[:-1], found]) and read.ocred == (2,)
    assert compose(read).quality.pages_incomplete == ()
    nothing = reading.without([2]).with_ocr({2: []})
    assert nothing.pages == (first, second[:-1])
    assert compose(nothing).quality.pages_incomplete == (2,)
