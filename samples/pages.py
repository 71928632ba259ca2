"""Pages of two columns filled from a list of strips, last page balanced.

A strip is a horizontal slice that no column break may cut: a line of text, a table, a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pymupdf

from samples.setting import Line, font, text_width

PAGE_WIDTH, PAGE_HEIGHT = 595.0, 842.0  # A4
MARGIN, GUTTER = 54.0, 19.0
TOP, BOTTOM = 66.0, 778.0
COLUMN = (PAGE_WIDTH - 2 * MARGIN - GUTTER) / 2
FULL = PAGE_WIDTH - 2 * MARGIN
FLOAT_GAP = 11.0
MAX_STRETCH = 9.0


class Canvas:
    """A page under construction: text in the order it is set, drawings below it."""

    def __init__(self, page: pymupdf.Page) -> None:
        self.page = page
        self.writer = pymupdf.TextWriter(page.rect)
        self.shape = page.new_shape()

    def text(self, x: float, y: float, text: str, size: float, style: str = "r") -> None:
        """Puts `text` with its base line at `y`."""
        self.writer.append((x, y), text, font=font(style), fontsize=size)  # pyright: ignore[reportArgumentType]

    def centred(self, x: float, y: float, text: str, size: float, style: str = "r") -> None:
        self.text(x - text_width(text, size, style) / 2, y, text, size, style)

    def line(self, x: float, y: float, line: Line, size: float) -> None:
        """Sets a line of pieces; a word's space is part of its text, so that copies keep it."""
        for piece in line.pieces:
            for index, run in enumerate(piece.runs):
                is_end = piece.space_after and index == len(piece.runs) - 1
                text = run.text + (" " if is_end else "")
                self.text(x, y - run.rise * size, text, run.size(size), run.style)
                x += run.width(size)
            x += line.gap if piece.space_after else 0.0

    def rule(self, x0: float, y0: float, x1: float, y1: float, width: float = 0.5) -> None:
        self.shape.draw_line((x0, y0), (x1, y1))
        self.shape.finish(width=width, color=(0, 0, 0), closePath=False)

    def close(self) -> None:
        self.shape.commit()
        self.writer.write_text(self.page)


Draw = Callable[[Canvas, float, float], None]


@dataclass(frozen=True, slots=True)
class Strip:
    """A slice of a column: `space` is left above it (not at the top), `keep` bars a break after it.

    `draw(canvas, x, y)` gets its top left corner. A `floating` strip goes to the top of the next
    column (of the next page if it `spans` both).
    """

    height: float
    draw: Draw
    space: float = 0.0
    keep: bool = False
    floating: bool = False
    spans: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    strip: Strip
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to be placed: strips from `index` on, and floats waiting for a column's top."""

    index: int = 0
    waiting: tuple[Strip, ...] = ()


def paginate(strips: Sequence[Strip], first_top: float) -> list[list[Placed]]:
    """The strips of each page; the text of page 1 begins at `first_top`."""
    pages, rest, top = [], Rest(), first_top
    while rest.index < len(strips) or rest.waiting:
        placed, after = _fill(strips, rest, top, BOTTOM)
        if after.index == len(strips) and not after.waiting:
            placed = _balanced(strips, rest, top)
        pages.append(placed)
        rest, top = after, TOP
    return pages


def _balanced(strips: Sequence[Strip], rest: Rest, top: float) -> list[Placed]:
    """The last page, with both columns of about equal length."""
    for bottom in range(int(top) + 60, int(BOTTOM) + 1, 2):
        placed, after = _fill(strips, rest, top, float(bottom), stretch=False)
        if after.index == len(strips) and not after.waiting:
            return placed
    return _fill(strips, rest, top, BOTTOM, stretch=False)[0]


def _fill(
    strips: Sequence[Strip], rest: Rest, top: float, bottom: float, stretch: bool = True
) -> tuple[list[Placed], Rest]:
    wide = [strip for strip in rest.waiting if strip.spans]
    rest = replace(rest, waiting=tuple(s for s in rest.waiting if not s.spans))
    placed: list[Placed] = []
    for strip in wide:
        placed.append(Placed(strip, MARGIN, top))
        top += strip.height + FLOAT_GAP
    for x in (MARGIN, MARGIN + COLUMN + GUTTER):
        column, rest = _fill_column(strips, rest, x, top, bottom)
        is_last = rest.index == len(strips)
        placed += _stretched(column, bottom) if stretch and not is_last else column
    return placed, rest


def _fill_column(
    strips: Sequence[Strip], rest: Rest, x: float, top: float, bottom: float
) -> tuple[list[Placed], Rest]:
    """As many strips as fit, cut back to the last place where a break is allowed."""
    y, column, waiting = top, list[Placed](), list(rest.waiting)
    while waiting and not waiting[0].spans and y + waiting[0].height <= bottom:
        column.append(Placed(waiting.pop(0), x, y))
        y += column[-1].strip.height + FLOAT_GAP
    floats, y_start = len(column), y
    safe = (len(column), rest.index, tuple(waiting))
    index = rest.index
    while index < len(strips):
        strip = strips[index]
        if strip.floating:
            waiting.append(strip)
        else:
            y_strip = y + (strip.space if y > y_start else 0.0)
            if y_strip + strip.height > bottom + 0.01:
                break
            column.append(Placed(strip, x, y_strip))
            y = y_strip + strip.height
        index += 1
        if not strip.keep:
            safe = (len(column), index, tuple(waiting))
    count, index, left = safe
    return column[: max(count, floats)], Rest(index, left)


def _stretched(column: list[Placed], bottom: float) -> list[Placed]:
    """The column with its last line moved to `bottom`, the slack shared by the spaces in it."""
    if not column:
        return column
    slack = bottom - column[-1].y - column[-1].strip.height
    gaps = [
        n for n, placed in enumerate(column) if n and (placed.strip.space or _is_float(column, n))
    ]
    if not gaps or slack / len(gaps) > MAX_STRETCH:
        return column
    share = slack / len(gaps)
    return [
        replace(placed, y=placed.y + share * sum(gap <= n for gap in gaps))
        for n, placed in enumerate(column)
    ]


def _is_float(column: list[Placed], index: int) -> bool:
    return column[index - 1].strip.floating
