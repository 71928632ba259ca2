"""Maps a paper that was read with its sideways pages turned upright to the pages as shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from domain.papers import Block, Box, PageSize, Paper
from extraction.geometry import rotation_matrix

ToShown = Callable[[Box], Box]


def as_shown(paper: Paper, turns: Mapping[int, int]) -> Paper:
    """Returns the paper with sizes and boxes of the pages as shown.

    `turns` are the clockwise quarter turns of the text on the page as shown, by page number.
    """
    if not turns:
        return paper
    sizes = {size.number: _turned(size, turns.get(size.number, 0)) for size in paper.pages}

    def shown(box: Box) -> Box:
        turn = turns.get(box.page, 0)
        return _rotated(box, turn, sizes[box.page]) if turn else box

    return replace(
        paper,
        pages=tuple(sizes.values()),
        blocks=tuple(_block(block, shown) for block in paper.blocks),
        sections=tuple(replace(one, box=shown(one.box)) for one in paper.sections),
        tables=tuple(replace(one, boxes=tuple(map(shown, one.boxes))) for one in paper.tables),
        figures=tuple(replace(one, box=shown(one.box)) for one in paper.figures),
    )


def _turned(size: PageSize, turn: int) -> PageSize:
    return replace(size, width=size.height, height=size.width) if turn % 2 else size


def _block(block: Block, shown: ToShown) -> Block:
    lines = tuple((start, shown(box)) for start, box in block.lines)
    return replace(block, boxes=tuple(map(shown, block.boxes)), lines=lines)


def _rotated(box: Box, turn: int, size: PageSize) -> Box:
    a, b, c, d, e, f = rotation_matrix(turn, size.width, size.height)
    xs = [a * x + c * y + e for x, y in ((box.x0, box.y0), (box.x1, box.y1))]
    ys = [b * x + d * y + f for x, y in ((box.x0, box.y0), (box.x1, box.y1))]
    corners = (min(xs), min(ys), max(xs), max(ys))
    return Box(box.page, *(round(value, 1) for value in corners))
