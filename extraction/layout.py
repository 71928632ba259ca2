"""Tables and figures of a paper: by cheap ways first, with the layout model where those fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domain.errors import Unavailable
from domain.papers import Box, Figure, Table, TableSource
from extraction.figures.figures import FoundFigure, find_figures
from extraction.figures.model import Region, RegionKind, layout_regions
from extraction.figures.page_selection import pages_worth
from extraction.options import LayoutMode
from extraction.tables.tables import TablePicture, TablesFound, find_tables
from extraction.text.lines import Line
from extraction.text.pdf import Reading, open_pdf

log = logging.getLogger(__name__)
OnPage = Callable[[int, int], None]
Regions = Mapping[int, Sequence[Region]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands beside the text. `taken` are the boxes whose lines are no body text; `seen` the
    pages that the model looked at, `worth` those that it should look at yet."""

    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    taken: tuple[Box, ...] = ()
    seen: tuple[int, ...] = ()
    worth: tuple[int, ...] = ()

    def body_of(self, lines: Sequence[Line]) -> list[Line]:
        """The lines of a page that stand in none of the taken boxes."""
        if not lines:
            return []
        boxes = [box for box in self.taken if box.page == lines[0].page]
        return [line for line in lines if not _stands_in(line.box, boxes)]


def find_layout_by_rules(
    path: str | Path, reading: Reading, mode: LayoutMode = LayoutMode.AUTO
) -> Layout:
    """The tables and figures that can be found without the model, in about 10 ms a page.

    Raises what `open_pdf` raises.
    """
    document = open_pdf(Path(path))
    try:
        tables, figures = _found(document, reading, {})
    finally:
        document.close()
    worth = tuple(sorted(_worth(mode, reading, tables, figures)))
    return replace(_layout(tables, figures, {}, reading.ocred), worth=worth)


def find_layout(
    path: str | Path,
    reading: Reading,
    *,
    mode: LayoutMode = LayoutMode.AUTO,
    threads: int = 1,
    on_page: OnPage | None = None,
) -> Layout:
    """The tables and figures of the PDF that `reading` was read from; nothing with `off`.

    `threads` is for the model. `on_page(done, total)` counts pages as the model goes through those
    that it looks at. Raises what `open_pdf` raises. Where the model cannot be loaded the cheap ways
    have to do.
    """
    if mode is LayoutMode.OFF:
        return Layout()
    document = open_pdf(Path(path))
    try:
        tables, figures = _found(document, reading, {})
        worth = sorted(_worth(mode, reading, tables, figures))
        regions = _regions(document, worth, threads, on_page)
        if regions:
            tables, figures = _found(document, reading, regions)
        return _layout(tables, figures, regions, reading.ocred)
    finally:
        document.close()


def _worth(
    mode: LayoutMode, reading: Reading, tables: TablesFound, figures: Sequence[FoundFigure]
) -> set[int]:
    return pages_worth(
        mode,
        reading.body,
        reading.sizes,
        tables=[one.table for one in tables.tables],
        figures=[one.figure for one in figures],
    )


def _found(
    document: Any, reading: Reading, regions: Regions
) -> tuple[TablesFound, list[FoundFigure]]:
    seen = {
        number: [region.box for region in some if region.kind is RegionKind.TABLE]
        for number, some in regions.items()
    }
    tables = find_tables(document, reading.body, reading.sizes, regions=seen or None)
    taken = [box for one in tables.tables for box in one.taken]
    figures = find_figures(document, reading.body, reading.sizes, regions)
    return tables, [one for one in figures if not _stands_in(one.figure.box, taken)]


def _regions(
    document: Any, numbers: Sequence[int], threads: int, on_page: OnPage | None
) -> dict[int, list[Region]]:
    """What the model sees on these pages; one that it cannot read is left out."""
    regions: dict[int, list[Region]] = {}
    for done, number in enumerate(numbers, start=1):
        try:
            regions[number] = layout_regions(document.load_page(number - 1), threads)
        except Unavailable as error:
            log.warning("%s", error, extra={"action": "layout_model_missing"})
            return {}
        except Exception:  # MuPDF's own errors share no base but Exception
            log.warning("The layout model could not read page %d", number, exc_info=True)
        if on_page is not None:
            total = document.page_count
            on_page(total * done // len(numbers), total)
    return regions


def _layout(
    tables: TablesFound, figures: Sequence[FoundFigure], regions: Regions, ocred: Sequence[int]
) -> Layout:
    boxes = [box for one in (*tables.tables, *figures) for box in one.taken]
    pictures = map(_as_figure, tables.pictures)
    return Layout(
        tuple(_marked(one.table, ocred) for one in tables.tables),
        _numbered([*(one.figure for one in figures), *pictures]),
        tuple(boxes),
        tuple(sorted(regions)),
    )


def _marked(table: Table, ocred: Sequence[int]) -> Table:
    """However its cells were found: who reads the numbers must know that they come from OCR."""
    from_image = any(box.page in ocred for box in table.boxes)
    return replace(table, source=TableSource.OCR) if from_image else table


def _as_figure(picture: TablePicture) -> Figure:
    """A table that is a picture has no cells that could be trusted: it is shown as a figure."""
    return Figure(0, picture.label, picture.caption, picture.box)


def _numbered(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    by_place = sorted(figures, key=lambda one: (one.page, one.box.y0, one.box.x0))
    return tuple(replace(one, number=number) for number, one in enumerate(by_place, start=1))


def _stands_in(box: Box, others: Iterable[Box]) -> bool:
    """True when the middle of the box lies in one of the others."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return any(
        one.page == box.page and one.x0 <= x <= one.x1 and one.y0 <= y <= one.y1 for one in others
    )
