"""The ruling lines of a page: strokes, thin filled rectangles and thin masks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from extraction.tables.frame import Frame, Rect, Rule, turned
from extraction.text.mupdf import pymupdf

_THIN = 2.6  # points; thicker bars are grounds, not lines
_SHORT = 6.0
_TALLEST_GROUND = 200.0  # of a row or a table; taller ones are boxes of text
_JOIN = 2.5
_MANY = 40_000  # segments: a map or a plot, not a table
_MANY_RULES = 1_500  # more than those of a table of a page, cell by cell


def add_rulings(page: Any, frame: Frame) -> None:
    """Puts the page's ruling lines into the frame, and a way to find its pictures.

    Raises what MuPDF raises.
    """
    shown = page.rotation_matrix if page.rotation else None
    across: list[Rect] = []
    down: list[Rect] = []  # with x and y exchanged
    for rect in _thin_rects(page):
        if shown is not None:
            rect = tuple(pymupdf.Rect(rect) * shown)
        x0, y0, x1, y1 = turned(rect, frame.turn)
        if y1 - y0 <= _THIN and x1 - x0 >= _SHORT:
            across.append((x0, y0, x1, y1))
        elif x1 - x0 <= _THIN and y1 - y0 >= _SHORT / 2:
            down.append((y0, x0, y1, x1))
    frame.across = _without_plots(_joined(across), 40)
    frame.down = _without_plots([_transposed(rule) for rule in _joined(down)], 8)
    frame.find_pictures = lambda: _pictures(page, shown, frame.turn)


def _pictures(page: Any, shown: Any, turn: int) -> list[Rect]:
    rects: list[Rect] = []
    for kind, rect in page.get_bboxlog():
        if kind in ("fill-image", "fill-imgmask", "fill-shade"):
            place = tuple(pymupdf.Rect(rect) * shown) if shown is not None else rect
            rects.append(turned(place, turn))
    return rects


def _without_plots(rules: list[Rule], length: float) -> list[Rule]:
    """The rules; where a plot draws too many of them, only the longer ones, or none."""
    if len(rules) <= _MANY_RULES:
        return rules
    rules = [rule for rule in rules if max(rule.width, rule.y1 - rule.y0) >= length]
    return rules if len(rules) <= _MANY_RULES else []


def _thin_rects(page: Any) -> list[Rect]:
    rects: list[Rect] = []
    for drawing in page.get_cdrawings():
        if _is_white(drawing):
            continue
        for item in drawing["items"]:
            rects.extend(_of_item(item, drawing["type"]))
        if len(rects) > _MANY:
            return []
    if sum(rect[2] - rect[0] > 60 for rect in rects) < 2:
        rects.extend(_thin_images(page))
    return rects


def _is_white(drawing: dict[str, Any]) -> bool:
    color = drawing.get("color") if "s" in drawing["type"] else drawing.get("fill")
    return color is not None and min(color) > 0.99


def _of_item(item: tuple[Any, ...], kind: str) -> Iterable[Rect]:
    if item[0] == "l":
        (ax, ay), (bx, by) = item[1], item[2]
        if abs(ay - by) < 1 or abs(ax - bx) < 1:
            yield min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)
    elif item[0] in ("re", "qu"):
        x0, y0, x1, y1 = item[1] if item[0] == "re" else _hull(item[1])
        if x1 - x0 <= _THIN or y1 - y0 <= _THIN:
            yield x0, y0, x1, y1
        elif "s" in kind or y1 - y0 < _TALLEST_GROUND:
            yield from ((x0, y0, x1, y0), (x0, y1, x1, y1))
            if "s" in kind:  # a shaded row has no walls, and the rows between have no ground
                yield from ((x0, y0, x0, y1), (x1, y0, x1, y1))


def _hull(quad: Iterable[tuple[float, float]]) -> Rect:
    xs, ys = zip(*quad, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _thin_images(page: Any) -> Iterable[Rect]:
    """Lines that some publishers' files paint as stretched masks."""
    for kind, rect in page.get_bboxlog():
        if kind.startswith("fill-im") and (
            rect[3] - rect[1] <= _THIN or rect[2] - rect[0] <= _THIN
        ):
            yield rect


def _joined(rects: list[Rect]) -> list[Rule]:
    """Lines from left to right; pieces that touch are one."""
    rules: list[Rule] = []
    for x0, y0, x1, y1 in sorted(rects, key=lambda r: (round((r[1] + r[3]) / 3), r[0])):
        middle = (y0 + y1) / 2
        for rule in reversed(rules[-6:]):
            if abs(rule.y - middle) < 1.6 and x0 <= rule.x1 + _JOIN and x1 >= rule.x0 - _JOIN:
                rule.x0, rule.x1 = min(rule.x0, x0), max(rule.x1, x1)
                break
        else:
            rules.append(Rule(x0, y0, x1, y1))
    return sorted(rules, key=lambda rule: (rule.y, rule.x0))


def _transposed(rule: Rule) -> Rule:
    return Rule(rule.y0, rule.x0, rule.y1, rule.x1)
