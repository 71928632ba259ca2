"""Reads one page: its lines, its graphics, and what of its text is missing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain.papers import PageSize
from extraction.text.clipped import clipped_words
from extraction.text.drawn import DrawnPage, Graphics, drawn_page
from extraction.text.hidden import take_hidden, words_of
from extraction.text.layers import hidden_words_of_layers
from extraction.text.lines import Line, page_lines, page_size
from extraction.text.mupdf import pymupdf
from extraction.text.page_loading import (
    load_page,
    removed_annotations,
    turn_upright,
    with_complete_maps,
)
from extraction.text.text_layer import PageHealth, TextLayer, page_health
from extraction.text.unreadable import REPLACEMENT, read_symbols

# CPU seconds; a page that takes longer is treated as a decompression bomb and not checked: that
# would take as long again. Heuristic.
_SLOW_SECONDS = 2.0
_NOT_CHECKED = PageHealth(TextLayer.USABLE, "", 0, is_checked=False)
# Text of a page that is read turned upright: its length in characters, and its share in one
# direction. Heuristics.
_MIN_SIDEWAYS_LENGTH, _MIN_SIDEWAYS_SHARE = 300, 0.9
_MAX_KEPT = 300  # graphics of a page that are kept for later steps; bounds the memory


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page that was read; `health` is None if that failed, for the reason `failure`.

    `turn`: the clockwise quarter turns of its text on the page as shown. Size, lines and graphics
    are those of the page turned upright. `is_remapped`: the ToUnicode maps of its fonts were
    completed.
    """

    size: PageSize
    lines: list[Line] = field(default_factory=list)
    health: PageHealth | None = None
    graphics: Graphics | None = None
    failure: Exception | None = None
    turn: int = 0
    is_remapped: bool = False


def read_page(document: Any, number: int) -> PageRead:
    """Returns the page with this number (from 1)."""
    size = PageSize(number, 0.0, 0.0)
    try:
        _has_warned()  # clears the warnings of earlier pages
        page = load_page(document, number)
        size = page_size(page, number)
        return _read(document, page, size)
    except Exception as error:  # MuPDF's own errors share no base but Exception
        return PageRead(size, failure=error)


def _read(document: Any, page: Any, size: PageSize) -> PageRead:
    began = time.process_time()
    drawn = drawn_page(page)
    has_warned = _has_warned()
    if time.process_time() - began > _SLOW_SECONDS:
        read = PageRead(size, page_lines(page, size.number, drawn), _NOT_CHECKED)
        return _turned_upright(document, drawn, read)
    remapped = _remapped_page(document, drawn, size.number)
    if remapped is not None:
        page, drawn = remapped, drawn_page(remapped)
    losses = _take_losses(page, drawn)
    lines = page_lines(page, size.number, drawn)
    too_slow = time.process_time() - began > _SLOW_SECONDS
    health = _NOT_CHECKED if too_slow else page_health(page, lines, drawn)
    kept = len(drawn.graphics.images) + len(drawn.graphics.drawings) <= _MAX_KEPT
    graphics = drawn.graphics if kept else None
    read = PageRead(
        size, lines, replace(health, **losses), graphics, is_remapped=remapped is not None
    )
    if has_warned and health.layer is TextLayer.BLANK:
        return replace(read, health=None)  # MuPDF returns an empty page for content it cannot read
    return _turned_upright(document, drawn, read)


def _remapped_page(document: Any, drawn: DrawnPage, number: int) -> Any | None:
    """Returns the page again if its fonts map more of their glyphs to Unicode now, else None."""
    has_unmapped = REPLACEMENT in "".join([span["text"] for span in drawn.spans])
    return with_complete_maps(document, number) if has_unmapped else None


def _take_losses(page: Any, drawn: DrawnPage) -> dict[str, Any]:
    """Removes what the page does not show, reads symbols; returns fields of the page's health."""
    hidden = clipped_words(page, drawn) + hidden_words_of_layers(page)
    taken = take_hidden(page, drawn)
    return {
        "hidden_words": hidden + len(words_of(taken)),
        "hides_text": bool(hidden or taken),
        "unread": read_symbols(drawn.spans),
        "annotations": removed_annotations(page),
    }


def _turned_upright(document: Any, drawn: DrawnPage, read: PageRead) -> PageRead:
    """Returns the page turned if its text stands sideways and needs no OCR. What it draws remains:
    that is before its rotation."""
    turn = _turn_of(read.lines)
    if not turn or read.health is None or read.health.needs_ocr:
        return read
    number = read.size.number
    turn_upright(document, {number: turn})
    page = load_page(document, number)
    lines = page_lines(page, number, drawn)
    return replace(read, size=page_size(page, number), lines=lines, turn=turn)


def _turn_of(lines: Sequence[Line]) -> int:
    """Returns the clockwise quarter turns of nearly all text of a page; 0 if there are none."""
    lengths = Counter[int]()
    for line in lines:
        lengths[line.rotation] += len(line.text)
    if not any(lengths) or lengths.total() < _MIN_SIDEWAYS_LENGTH:
        return 0
    [(turn, length)] = lengths.most_common(1)
    return turn if length > _MIN_SIDEWAYS_SHARE * lengths.total() else 0


def _has_warned() -> bool:
    """True if MuPDF has warned since the last call."""
    return bool(pymupdf.TOOLS.mupdf_warnings())
