"""Loads the pages of a PDF as their authors made them: all steps of a reading load them here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from extraction.text.annotations import remove_annotations
from extraction.text.drawn import forget_drawings
from extraction.text.glyph_names import complete_fonts, complete_maps


def load_page(document: Any, number: int) -> Any:
    """Returns page `number` (from 1) without readers' annotations, its fonts completed.

    The document keeps the numbers of the pages that were prepared, and the object numbers of the
    fonts that were examined. Raises what MuPDF raises for a page that it cannot read.
    """
    prepared = document.__dict__.setdefault("prepared_pages", set[int]())
    if number not in prepared:
        prepared.add(number)
        _prepare(document, number)
    return document.load_page(number - 1)


def with_complete_maps(document: Any, number: int) -> Any | None:
    """Returns the page again if fonts of it have glyphs that their ToUnicode maps lack, else None.

    Each font is examined once for a document.
    """
    fonts = document.__dict__.setdefault("examined_maps", set[int]())
    with suppress(Exception):  # MuPDF's errors have no base class but Exception
        if complete_maps(document, number, fonts):
            return document.load_page(number - 1)
    return None


def removed_annotations(page: Any) -> int:
    """Returns the number of readers' annotations that this page had when it was loaded."""
    return page.parent.__dict__.get("removed_annotations", {}).get(page.number + 1, 0)


def _prepare(document: Any, number: int) -> None:
    fonts = document.__dict__.setdefault("examined_fonts", set[int]())
    removed = document.__dict__.setdefault("removed_annotations", dict[int, int]())
    with suppress(Exception):  # MuPDF's errors have no base class but Exception
        removed[number] = remove_annotations(document, number)
    with suppress(Exception):  # as above; the page is read with the fonts as they are
        complete_fonts(document, number, fonts)


def prepare_as_read(document: Any, turns: Mapping[int, int], remapped: Iterable[int]) -> None:
    """Prepares a document that was opened again as `Reading` states that it was read."""
    turn_upright(document, turns)
    for number in remapped:
        load_page(document, number)
        with_complete_maps(document, number)


def turn_upright(document: Any, turns: Mapping[int, int]) -> None:
    """Turns these pages of the open document, so that their text is upright.

    `turns` are the clockwise quarter turns of the text on the page as shown, by page number.
    """
    for number, turn in turns.items():
        page = document[number - 1]
        page.set_rotation((page.rotation - 90 * turn) % 360)
        forget_drawings(page)  # their positions were those of the page as it was
