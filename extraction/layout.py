"""Finds the tables and figures of a paper: rules first, the layout model where rules fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domain.errors import Unavailable
from domain.papers import Box, Figure, Table, TableSource
from extraction.figures.figures import FoundFigure, find_figures
from extraction.figures.model import Region, RegionKind, layout_regions
from extraction.figures.page_selection import pages_for_model
from extraction.geometry import is_center_in
from extraction.options import LayoutMode
from extraction.tables.tables import TablesFound, find_tables
from extraction.text.lines import Line
from extraction.text.page_loading import load_page, prepare_as_read
from extraction.text.pdf import Reading, open_pdf

log = logging.getLogger(__name__)
OnPage = Callable[[int, int], None]
Regions = Mapping[int, Sequence[Region]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables and figures of a paper.

    `taken` are the boxes whose lines are not body text. `model_pages` are the pages that the layout
    model analysed, `pages_for_model` those that it should still analyse.
    """

    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    taken: tuple[Box, ...] = ()
    model_pages: tuple[int, ...] = ()
    pages_for_model: tuple[int, ...] = ()

    def body_of(self, lines: Sequence[Line]) -> list[Line]:
        """The lines of a page that are outside the taken boxes."""
        boxes = [box for box in self.taken if lines and box.page == lines[0].page]
        if not boxes:
            return list(lines)
        return [line for line in lines if not is_center_in(line.box, boxes)]


@contextmanager
def opened_as_read(path: str | Path, reading: Reading) -> Iterator[Any]:
    """Yields the document, opened again as `reading` was read. Raises what `open_pdf` raises."""
    with open_pdf(Path(path)) as document:
        prepare_as_read(document, reading.turns, reading.remapped)
        yield document


def find_layout_by_rules(
    document: Any, reading: Reading, mode: LayoutMode = LayoutMode.AUTO
) -> Layout:
    """Returns the tables and figures found without the model, in about 10 ms a page.

    `document` is the one that `reading` was read from, or that of `opened_as_read`.
    """
    tables, figures = _found(document, reading, {})
    pages = tuple(sorted(_pages_for_model(mode, reading, tables, figures)))
    return replace(_layout(tables, figures, {}, reading.ocred), pages_for_model=pages)


def find_layout(
    path: str | Path,
    reading: Reading,
    *,
    mode: LayoutMode = LayoutMode.AUTO,
    threads: int = 1,
    on_page: OnPage | None = None,
) -> Layout:
    """Returns the tables and figures of the PDF that `reading` was read from; none with `off`.

    `threads` is the number of threads for the model. `on_page(done, total)` is called after each
    page that the model analyses, scaled to the pages of the document. If the model cannot be
    loaded, the result is that of the rules. Raises what `open_pdf` raises.
    """
    if mode is LayoutMode.OFF:
        return Layout()
    with opened_as_read(path, reading) as document:
        tables, figures = _found(document, reading, {})
        pages = sorted(_pages_for_model(mode, reading, tables, figures))
        regions = _regions(document, pages, threads, on_page)
        if regions:
            tables, figures = _found(document, reading, regions)
        return _layout(tables, figures, regions, reading.ocred)


def _pages_for_model(
    mode: LayoutMode, reading: Reading, tables: TablesFound, figures: Sequence[FoundFigure]
) -> set[int]:
    return pages_for_model(
        mode,
        reading.body,
        reading.sizes,
        tables=[found.table for found in tables.tables],
        figures=[found.figure for found in figures],
    )


def _found(
    document: Any, reading: Reading, regions: Regions
) -> tuple[TablesFound, list[FoundFigure]]:
    """The tables, and the figures outside tables, with the help of the model's regions."""
    boxes = {
        number: [region.box for region in of_page if region.kind is RegionKind.TABLE]
        for number, of_page in regions.items()
    }
    tables = find_tables(
        document,
        reading.body,
        reading.sizes,
        regions=boxes or None,
        listed=reading.graphics,
        shown=reading.shown,
        known=reading.words,
    )
    taken = [box for found in tables.tables for box in found.taken]
    figures = find_figures(
        document, reading.body, reading.sizes, regions, reading.graphics, reading.words
    )
    return tables, [found for found in figures if not _is_in(found.figure.box, taken)]


def _regions(
    document: Any, numbers: Sequence[int], threads: int, on_page: OnPage | None
) -> dict[int, list[Region]]:
    """The model's regions on these pages; a page that it cannot read is left out."""
    regions: dict[int, list[Region]] = {}
    for done, number in enumerate(numbers, start=1):
        try:
            regions[number] = layout_regions(load_page(document, number), threads)
        except Unavailable as error:
            log.warning("%s", error, extra={"action": "layout_model_missing"})
            return {}
        except Exception:  # MuPDF's errors have no base class but Exception
            log.warning("The layout model could not read page %d", number, exc_info=True)
        if on_page is not None:
            total = document.page_count
            on_page(total * done // len(numbers), total)
    return regions


def _layout(
    tables: TablesFound, figures: Sequence[FoundFigure], regions: Regions, ocred: Sequence[int]
) -> Layout:
    return Layout(
        tables=tuple(_with_ocr_source(found.table, ocred) for found in tables.tables),
        figures=_numbered([*(found.figure for found in figures), *tables.pictures]),
        taken=tuple(box for found in (*tables.tables, *figures) for box in found.taken),
        model_pages=tuple(sorted(regions)),
    )


def _with_ocr_source(table: Table, ocred: Sequence[int]) -> Table:
    """The table, with OCR as its source if one of its pages was read by OCR."""
    from_image = any(box.page in ocred for box in table.boxes)
    return replace(table, source=TableSource.OCR) if from_image else table


def _numbered(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    ordered = sorted(figures, key=lambda figure: (figure.page, figure.box.y0, figure.box.x0))
    return tuple(replace(figure, number=number) for number, figure in enumerate(ordered, start=1))


def _is_in(box: Box, others: Iterable[Box]) -> bool:
    return is_center_in(box, [other for other in others if other.page == box.page])
