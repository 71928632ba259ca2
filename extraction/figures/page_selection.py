"""Selects the pages for the layout model, which costs a hundred times what reading a page costs.

The evidence is cheap: a caption says that there is a table or a figure. Where the rule-based
methods found it, the model has nothing to add.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from domain.papers import Figure, PageSize, Table
from extraction.captions import Caption, page_captions
from extraction.geometry import is_center_in
from extraction.options import LayoutMode
from extraction.tables.cells import width_of
from extraction.tables.frame import rows_by_baseline
from extraction.text.lines import Line
from extraction.vocabulary.captions import caption_label

# Heuristics, chosen on the sample papers.
# Lines of a page: journals print 300 at most; the model's time grows with their square.
_MAX_LINES = 3000
_MAX_SHARE = 0.4  # of a paper's pages: what `auto` may spend of the cost of `always`
_MIN_FILLED_SHARE = 0.4  # of a table's cells; with fewer the table is in doubt
_MIN_LEGENDS = 3  # captions without a picture on one page that make a list of legends
# A page of rows: the number of baselines, and their share of all, with three pieces narrower than
# a column of two, two of them narrower than a column of three.
_MIN_ROWS, _MIN_ROWS_SHARE = 12, 0.2
_MIN_NARROW, _MIN_NARROWER = 3, 2  # pieces of a row
_NARROW, _NARROWER = 0.36, 0.25  # of the width of the page's text


def pages_for_model(
    mode: LayoutMode,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    *,
    tables: Sequence[Table] = (),
    figures: Sequence[Figure] = (),
    doubted: Collection[int] = (),
) -> set[int]:
    """Returns the numbers of the pages that the layout model should analyse.

    `tables` and `figures` are those that the rule-based methods found. With `auto` the pages are,
    by priority:
    1. pages with the caption of a table that was not found,
    2. pages in doubt: with a table that does not look like one, with rows of short pieces and no
       table (a table may continue there), and those in `doubted` (uncertain columns),
    3. pages with the caption of a figure that was not found.
    At most two pages in five are selected. Pages without text, or with more lines than any
    journal prints, are never selected.
    """
    numbered = zip(sizes, pages, strict=True)
    read = [size.number for size, lines in numbered if 0 < len(lines) <= _MAX_LINES]
    if mode is LayoutMode.OFF:
        return set()
    if mode is LayoutMode.ALWAYS:
        return set(read)
    captions = {
        number: [*itertools.chain(*page_captions(pages[number - 1]).values())] for number in read
    }
    without_table = _unresolved_tables(captions, tables)
    without_picture = _unresolved_figures(captions, figures)
    doubts = {*doubted, *_doubtful(tables), *_rows_without_table(pages, tables, figures)}
    wanted = dict.fromkeys(
        [*without_table, *(number for number in read if number in doubts), *without_picture]
    )
    limit = max(1, int(_MAX_SHARE * len(read)))
    return set(list(wanted)[:limit])


def _unresolved_tables(
    captions: Mapping[int, Iterable[Caption]], tables: Iterable[Table]
) -> list[int]:
    """The pages with the caption of a table that was not found on that page."""
    found = {(box.page, _key_of(table)) for table in tables for box in table.boxes}
    return [
        number
        for number, of_page in captions.items()
        if any(caption.is_table and (number, caption.label.key) not in found for caption in of_page)
    ]


def _doubtful(tables: Iterable[Table]) -> Iterator[int]:
    """Yields the pages of tables with a single row or column, or with mostly empty cells."""
    for table in tables:
        cells = [cell for row in table.rows for cell in row]
        filled = sum(bool(cell.text.strip()) for cell in cells)
        is_list = min(len(table.rows), width_of(table.rows)) < 2
        if is_list or filled < _MIN_FILLED_SHARE * len(cells):
            yield from (box.page for box in table.boxes)


def _rows_without_table(
    pages: Sequence[Sequence[Line]], tables: Iterable[Table], figures: Sequence[Figure]
) -> Iterator[int]:
    """Yields the pages without a table whose lines outside figures form rows of short pieces."""
    with_table = {box.page for table in tables for box in table.boxes}
    for number, lines in enumerate(pages, start=1):
        pictures = [figure.box for figure in figures if figure.page == number]
        upright = [line for line in lines if not line.rotation and not is_center_in(line, pictures)]
        if number not in with_table and upright and _has_rows(upright):
            yield number


def _has_rows(lines: Sequence[Line]) -> bool:
    """True when many baselines have three pieces or more that are too narrow for prose."""
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    rows = rows_by_baseline(lines)
    count = 0
    for row in rows:
        shares = [(line.x1 - line.x0) / width for line in row] if width > 0 else []
        narrow = sum(share < _NARROW for share in shares)
        narrower = sum(share < _NARROWER for share in shares)
        count += narrow >= _MIN_NARROW and narrower >= _MIN_NARROWER
    return count >= _MIN_ROWS and count >= _MIN_ROWS_SHARE * len(rows)


def _unresolved_figures(
    captions: Mapping[int, Iterable[Caption]], figures: Iterable[Figure]
) -> Iterator[int]:
    """Yields the pages with the caption of a figure that was not found.

    Pages with three or more such captions are lists of legends and are left out.
    """
    found = set(map(_key_of, figures))
    for number, of_page in captions.items():
        missing = sum(
            not caption.is_table and caption.label.key not in found for caption in of_page
        )
        if 0 < missing < _MIN_LEGENDS:
            yield number


def _key_of(item: Table | Figure) -> str:
    label = caption_label(item.label or "")
    return label.key if label else ""
