"""The ruling lines of a page: strokes, thin filled rectangles and thin masks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from extraction.geometry import Rect, rotate
from extraction.tables.frame import Frame, Rule
from extraction.text.mupdf import pymupdf

# Heuristics, chosen on the sample papers. Lengths are in points.
_MAX_THICKNESS = 2.6  # thicker bars are backgrounds, not rules
_MIN_LENGTH = 6.0  # of a horizontal rule; a vertical one may be half as long
_MAX_BACKGROUND_HEIGHT = 200.0  # of a row or a table; taller ones are boxes of text
_MAX_JOIN_GAP = 2.5  # horizontal gap between pieces of one rule
_MAX_JOIN_OFFSET = 1.6  # vertical offset between pieces of one rule
_JOIN_WINDOW = 6  # the last rules that a new piece is compared with
_MAX_SEGMENTS = 40_000  # more belong to a map or a plot, not to a table
_MAX_RULES = 1_500  # more than those of a table that fills a page, cell by cell
_LONG_HORIZONTAL, _LONG_VERTICAL = 40.0, 8.0  # rules to keep where a plot draws too many
_LONG_SEGMENT, _MIN_LONG_SEGMENTS = 60.0, 2  # with fewer, thin images are looked at too
_AXIS_TOLERANCE = 1.0  # by which a horizontal or vertical stroke may be slanted
_WHITE = 0.99  # every colour component above this is white


def add_rulings(page: Any, frame: Frame) -> None:
    """Adds the page's ruling lines to the frame, and the function that finds its images.

    Raises what MuPDF raises.
    """
    rotation = page.rotation_matrix if page.rotation else None
    horizontal: list[Rect] = []
    vertical: list[Rect] = []  # with x and y exchanged
    for rect in _thin_rects(page):
        shown = Rect(*(pymupdf.Rect(rect) * rotation)) if rotation is not None else Rect(*rect)
        x0, y0, x1, y1 = rotate(shown, frame.turn)
        if y1 - y0 <= _MAX_THICKNESS and x1 - x0 >= _MIN_LENGTH:
            horizontal.append(Rect(x0, y0, x1, y1))
        elif x1 - x0 <= _MAX_THICKNESS and y1 - y0 >= _MIN_LENGTH / 2:
            vertical.append(Rect(y0, x0, y1, x1))
    frame.horizontal_rules = _without_plots(_joined(horizontal), _LONG_HORIZONTAL)
    transposed = [_transposed(rule) for rule in _joined(vertical)]
    frame.vertical_rules = _without_plots(transposed, _LONG_VERTICAL)
    frame.find_images = lambda: _images(page, rotation, frame.turn)


def _images(page: Any, rotation: Any, turn: int) -> list[Rect]:
    """The bounding boxes of images and shadings in the frame of `turn`."""
    rects: list[Rect] = []
    for kind, rect in page.get_bboxlog():
        if kind in ("fill-image", "fill-imgmask", "fill-shade"):
            shown = pymupdf.Rect(rect) * rotation if rotation is not None else rect
            rects.append(rotate(Rect(*shown), turn))
    return rects


def _without_plots(rules: list[Rule], length: float) -> list[Rule]:
    """The rules; where a plot draws too many of them, only those of this length, or none."""
    if len(rules) <= _MAX_RULES:
        return rules
    rules = [rule for rule in rules if max(rule.width, rule.y1 - rule.y0) >= length]
    return rules if len(rules) <= _MAX_RULES else []


def _thin_rects(page: Any) -> list[Rect]:
    rects: list[Rect] = []
    for drawing in page.get_cdrawings():
        if _is_white(drawing):
            continue
        for item in drawing["items"]:
            rects.extend(_segments(item, drawing["type"]))
        if len(rects) > _MAX_SEGMENTS:
            return []
    if sum(rect.width > _LONG_SEGMENT for rect in rects) < _MIN_LONG_SEGMENTS:
        rects.extend(_thin_images(page))
    return rects


def _is_white(drawing: dict[str, Any]) -> bool:
    color = drawing.get("color") if "s" in drawing["type"] else drawing.get("fill")
    return color is not None and min(color) > _WHITE


def _segments(item: tuple[Any, ...], kind: str) -> Iterable[Rect]:
    """The segments that a drawing's item contributes; `kind` has "s" for stroked paths.

    A filled rectangle has no vertical segments: a shaded row has no cell borders, and the rows
    between shaded ones have no background.
    """
    if item[0] == "l":
        (ax, ay), (bx, by) = item[1], item[2]
        if abs(ay - by) < _AXIS_TOLERANCE or abs(ax - bx) < _AXIS_TOLERANCE:
            yield Rect(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
    elif item[0] in ("re", "qu"):
        x0, y0, x1, y1 = item[1] if item[0] == "re" else _hull(item[1])
        if x1 - x0 <= _MAX_THICKNESS or y1 - y0 <= _MAX_THICKNESS:
            yield Rect(x0, y0, x1, y1)
        elif "s" in kind or y1 - y0 < _MAX_BACKGROUND_HEIGHT:
            yield from (Rect(x0, y0, x1, y0), Rect(x0, y1, x1, y1))
            if "s" in kind:
                yield from (Rect(x0, y0, x0, y1), Rect(x1, y0, x1, y1))


def _hull(quad: Iterable[tuple[float, float]]) -> Rect:
    xs, ys = zip(*quad, strict=True)
    return Rect(min(xs), min(ys), max(xs), max(ys))


def _thin_images(page: Any) -> Iterable[Rect]:
    """The rules that some publishers' files paint as stretched masks."""
    for kind, rect in page.get_bboxlog():
        box = Rect(*rect)
        is_thin = box.height <= _MAX_THICKNESS or box.width <= _MAX_THICKNESS
        if kind.startswith("fill-im") and is_thin:
            yield box


def _joined(rects: list[Rect]) -> list[Rule]:
    """The horizontal rules, sorted by y; pieces that touch are one rule."""
    rules: list[Rule] = []
    for x0, y0, x1, y1 in sorted(rects, key=lambda r: (round((r.y0 + r.y1) / 3), r.x0)):
        middle = (y0 + y1) / 2
        for rule in reversed(rules[-_JOIN_WINDOW:]):
            if (
                abs(rule.y - middle) < _MAX_JOIN_OFFSET
                and x0 <= rule.x1 + _MAX_JOIN_GAP
                and x1 >= rule.x0 - _MAX_JOIN_GAP
            ):
                rule.x0, rule.x1 = min(rule.x0, x0), max(rule.x1, x1)
                break
        else:
            rules.append(Rule(x0, y0, x1, y1))
    return sorted(rules, key=lambda rule: (rule.y, rule.x0))


def _transposed(rule: Rule) -> Rule:
    return Rule(rule.y0, rule.x0, rule.y1, rule.x1)
