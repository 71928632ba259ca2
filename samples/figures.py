"""The drawings, all vectors: states of a task, a page and its profile, the weight of a rank."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import atan2, cos, sin

from samples.pages import Canvas
from samples.setting import text_width

SHADE = (0.925, 0.935, 0.95)
INK, BLUE, GREY = (0.0, 0.0, 0.0), (0.16, 0.32, 0.58), (0.55, 0.57, 0.6)
LABEL = 7.6

Point = tuple[float, float]


def task_states(canvas: Canvas, x: float, y: float, width: float) -> None:
    """Boxes for the five states, arrows for the moves between them."""
    wide, high = 62.0, 22.0
    left, middle, right = x, x + 98.0, x + width - wide
    rows = [y + 8.0, y + 54.0, y + 100.0]
    for name, bx, by in [
        ("queued", left, rows[1]),
        ("running", middle, rows[1]),
        ("completed", right, rows[0]),
        ("failed", right, rows[1]),
        ("cancelled", right, rows[2]),
    ]:
        _state(canvas, bx, by, wide, high, name, is_final=bx == right)
    mid = rows[1] + high / 2
    _arrow(canvas, [(left + wide, mid - 5), (middle, mid - 5)])
    _arrow(canvas, [(middle, mid + 5), (left + wide, mid + 5)])
    canvas.centred((left + wide + middle) / 2, mid - 9, "claim", LABEL, "i")
    canvas.centred((left + wide + middle) / 2, mid + 14, "retry", LABEL, "i")
    for row in rows:
        start = (middle + wide, mid + (row - rows[1]) * 0.12)
        _arrow(canvas, [start, (right, row + high / 2)])
    base = rows[2] + high / 2 + 3
    _arrow(canvas, [(left + wide / 2, rows[1] + high), (left + wide / 2, base), (right, base)])
    canvas.centred(left + wide + 42, base - 3.5, "cancelled before it started", LABEL, "i")
    start = middle + wide / 2
    _arrow(
        canvas,
        [
            (start + 9, rows[1]),
            (start + 9, rows[1] - 15),
            (start - 9, rows[1] - 15),
            (start - 9, rows[1]),
        ],
    )
    canvas.centred(start, rows[1] - 19, "heartbeat", LABEL, "i")


def _state(
    canvas: Canvas, x: float, y: float, wide: float, high: float, name: str, is_final: bool
) -> None:
    canvas.shape.draw_rect((x, y, x + wide, y + high), radius=0.2)
    canvas.shape.finish(width=1.1 if is_final else 0.6, color=INK, fill=SHADE)
    canvas.centred(x + wide / 2, y + high / 2 + 2.8, name, 8.8)


def _arrow(canvas: Canvas, points: list[Point]) -> None:
    (x0, y0), (x1, y1) = points[-2:]
    angle = atan2(y1 - y0, x1 - x0)
    barbs = [(x1 - 5 * cos(angle + turn), y1 - 5 * sin(angle + turn)) for turn in (-0.4, 0.4)]
    end = (x1 - 4 * cos(angle), y1 - 4 * sin(angle))
    canvas.shape.draw_polyline([*points[:-1], end])
    canvas.shape.finish(width=0.7, color=INK, closePath=False)
    canvas.shape.draw_polyline([(x1, y1), *barbs, (x1, y1)])
    canvas.shape.finish(width=0.2, color=INK, fill=INK)


def page_profile(canvas: Canvas, x: float, y: float, width: float) -> None:
    """A page with its blocks numbered, and how many lines stand above each point of its width."""
    page_wide, page_high = 150.0, 166.0
    px = x + (width - page_wide) / 2
    canvas.shape.draw_rect((px, y, px + page_wide, y + page_high))
    canvas.shape.finish(width=0.7, color=INK, fill=(1, 1, 1))
    ink = [0] * int(page_wide)
    for number, (bx0, by0, bx1, by1) in enumerate(_PAGE_BLOCKS, 1):
        _page_block(canvas, px, y, (bx0, by0, bx1, by1), number, ink)
    _profile(canvas, px, y + page_high + 8.0, ink)


_PAGE_BLOCKS = [
    (14.0, 20.0, 136.0, 33.0),
    (14.0, 42.0, 71.0, 92.0),
    (14.0, 99.0, 71.0, 152.0),
    (79.0, 42.0, 136.0, 70.0),
    (79.0, 77.0, 136.0, 110.0),
    (79.0, 117.0, 136.0, 152.0),
]


def _page_block(
    canvas: Canvas,
    px: float,
    py: float,
    box: tuple[float, float, float, float],
    number: int,
    ink: list[int],
) -> None:
    """Grey bars for lines of text, a blue outline, and the block's place in the reading order."""
    dice = random.Random(number)
    x0, y0, x1, y1 = box
    step = 5.5 if number > 1 else 7.0
    count = int((y1 - y0 + 2.0) / step)
    for n in range(count):
        end = x1 if n < count - 1 else x0 + (x1 - x0) * dice.uniform(0.4, 0.75)
        top = y0 + n * step + 0.6
        canvas.shape.draw_rect((px + x0, py + top, px + end, py + top + step - 3.0))
        canvas.shape.finish(width=0, color=None, fill=(0.83, 0.84, 0.86))
        for column in range(int(x0), int(end)):
            ink[column] += 1
    canvas.shape.draw_rect((px + x0 - 2, py + y0 - 1.5, px + x1 + 2, py + y1 + 0.5))
    canvas.shape.finish(width=0.6, color=BLUE)
    canvas.centred(px + (x0 + x1) / 2, py + (y0 + y1) / 2 + 3.4, str(number), 10.5, "b")


def _profile(canvas: Canvas, x: float, y: float, ink: list[int]) -> None:
    """Bars that grow downwards from `y`: the ink above each point."""
    canvas.rule(x, y, x + len(ink), y, 0.5)
    for n, amount in enumerate(ink):
        if amount:
            canvas.shape.draw_rect((x + n, y, x + n + 1, y + amount * 1.25))
    canvas.shape.finish(width=0, color=None, fill=GREY)
    _arrow(canvas, [(x + 75, y + 27), (x + 75, y + 6)])
    canvas.centred(x + 75, y + 34.5, "gutter", LABEL, "i")


def rank_weight(canvas: Canvas, x: float, y: float, width: float) -> None:
    """(k + 1) / (k + rank) for three values of k over the first fifty ranks."""
    left, top, right, bottom = x + 26.0, y + 6.0, x + width - 34.0, y + 122.0
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        level = bottom - share * (bottom - top)
        canvas.rule(left, level, right, level, 0.6 if share == 0 else 0.2)
        canvas.text(left - 18.0, level + 2.5, f"{share:.2f}", LABEL)
    for rank in (1, 10, 20, 30, 40, 50):
        at = left + (rank - 1) / 49 * (right - left)
        canvas.rule(at, bottom, at, bottom + 2.5, 0.5)
        canvas.centred(at, bottom + 10.0, str(rank), LABEL)
    canvas.centred((left + right) / 2, bottom + 20.0, "rank", LABEL, "i")
    canvas.rule(left, top, left, bottom, 0.6)
    for k, shade in ((1, GREY), (10, BLUE), (60, INK)):
        points = [
            (
                left + (rank - 1) / 49 * (right - left),
                bottom - (k + 1) / (k + rank) * (bottom - top),
            )
            for rank in range(1, 51)
        ]
        canvas.shape.draw_polyline(points)
        canvas.shape.finish(width=1.2, color=shade, closePath=False)
        canvas.text(right + 4.0, points[-1][1] + 2.5, "k", LABEL, "i")
        canvas.text(
            right + 4.0 + text_width("k ", LABEL, "i"), points[-1][1] + 2.5, f"= {k}", LABEL
        )


Figure = Callable[[Canvas, float, float, float], None]
FIGURES: dict[str, tuple[float, Figure]] = {
    "task_states": (126.0, task_states),
    "page_profile": (212.0, page_profile),
    "rank_weight": (145.0, rank_weight),
}
