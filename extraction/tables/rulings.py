"""The ruling lines of a page: strokes, thin filled rectangles and thin masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from extraction.geometry import Rect, overlap_x, rotate, transformed
from extraction.tables.frame import Frame
from extraction.text.drawn import Graphics, display_list, drawings_of, graphics_of, rotation_of
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


def add_rulings(page: Any, frame: Frame, listed: Graphics | None = None) -> None:
    """Adds the page's ruling lines to the frame, and the function that finds its images.

    `listed` are the graphics of the page if they are known: without any, the page is not
    interpreted again. Raises what MuPDF raises.
    """

    rotation = rotation_of(page)
    graphics = cache(lambda: listed or graphics_of(display_list(page)))

    def shown(rect: Sequence[float]) -> Rect:
        """A rectangle of the file, in the frame."""
        return rotate(transformed(rect, rotation), frame.turn)

    def find_images() -> list[Rect]:
        """The bounding boxes of images and shadings, cut to their clipping paths.

        Pictures of less than half opacity are not listed.
        """
        return [shown(rect) for rect in graphics().images]

    horizontal: list[Rect] = []
    vertical: list[Rect] = []
    drawings = drawings_of(page) if listed is None or listed.drawings else []
    for rect in map(shown, _thin_rects(drawings, lambda: graphics().images)):
        if rect.height <= _MAX_THICKNESS and rect.width >= _MIN_LENGTH:
            horizontal.append(rect)
        elif rect.width <= _MAX_THICKNESS and rect.height >= _MIN_LENGTH / 2:
            vertical.append(rect.transposed)
    frame.horizontal_rules = _without_plots(_joined(horizontal), _LONG_HORIZONTAL)
    transposed = _without_plots(_joined(vertical), _LONG_VERTICAL)
    frame.vertical_rules = [rule.transposed for rule in transposed]
    frame.find_images = find_images


def _without_plots(rules: list[Rect], length: float) -> list[Rect]:
    """The rules; where a plot draws too many of them, only those of this length, or none."""
    if len(rules) <= _MAX_RULES:
        return rules
    rules = [rule for rule in rules if max(rule.width, rule.height) >= length]
    return rules if len(rules) <= _MAX_RULES else []


def _thin_rects(
    drawings: Iterable[dict[str, Any]], images: Callable[[], Sequence[Rect]]
) -> list[Rect]:
    rects: list[Rect] = []
    for drawing in _with_whole_backgrounds(drawings):
        color = drawing.get("color" if "s" in drawing["type"] else "fill")
        if color is not None and min(color) > _WHITE:
            continue
        for item in drawing["items"]:
            rects.extend(_segments(item, drawing["type"]))
        if len(rects) > _MAX_SEGMENTS:
            return []
    if sum(rect.width > _LONG_SEGMENT for rect in rects) < _MIN_LONG_SEGMENTS:
        # Some publishers' files paint rules as stretched pictures.
        rects += [rect for rect in images() if min(rect.width, rect.height) <= _MAX_THICKNESS]
    return rects


def _with_whole_backgrounds(drawings: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yields the drawings, the backgrounds of a cell and of its text lines as one.

    Word processors fill each line of a shaded cell on its own.
    """
    held: dict[str, Any] | None = None
    for drawing in drawings:
        joined = _joined_background(held, drawing) if held else None
        if joined is not None:
            held = joined
            continue
        if held is not None:
            yield held
        held = drawing if _is_background(drawing) else None
        if held is None:
            yield drawing
    if held is not None:
        yield held


def _is_background(drawing: dict[str, Any]) -> bool:
    x0, y0, x1, y1 = drawing["rect"]
    is_box = drawing["type"] == "f" and [item[0] for item in drawing["items"]] == ["re"]
    return is_box and min(x1 - x0, y1 - y0) > _MAX_THICKNESS


def _joined_background(held: dict[str, Any], drawing: dict[str, Any]) -> dict[str, Any] | None:
    """Both as one, when the second lies inside the first or right below it in its color."""
    if not _is_background(drawing) or held["fill"] != drawing["fill"]:
        return None
    outer, inner = Rect(*held["rect"]), Rect(*drawing["rect"])
    reach = outer.expanded(_AXIS_TOLERANCE, _AXIS_TOLERANCE)
    if inner.x0 < reach.x0 or inner.x1 > reach.x1:
        return None
    if reach.y0 <= inner.y0 and inner.y1 <= reach.y1:
        return held
    is_stacked = (
        abs(inner.y0 - outer.y1) < _AXIS_TOLERANCE
        and inner.width > outer.width - 2 * _AXIS_TOLERANCE
    )
    if not is_stacked:
        return None
    rect = (outer.x0, outer.y0, outer.x1, inner.y1)
    return held | {"rect": rect, "items": [("re", pymupdf.Rect(rect), 1)]}


def _segments(item: tuple[Any, ...], kind: str) -> Iterable[Rect]:
    """The segments that a drawing's item contributes; `kind` has "s" for stroked paths.

    A filled rectangle has no vertical segments: a shaded row has no cell borders, and the rows
    between shaded ones have no background.
    """
    if item[0] not in ("l", "re", "qu"):
        return
    x0, y0, x1, y1 = rect = Rect(*item[1]) if item[0] == "re" else _hull(item)
    if item[0] == "l":
        if min(rect.width, rect.height) < _AXIS_TOLERANCE:
            yield rect
    elif min(rect.width, rect.height) <= _MAX_THICKNESS:
        yield rect
    elif "s" in kind or rect.height < _MAX_BACKGROUND_HEIGHT:
        yield from (Rect(x0, y0, x1, y0), Rect(x0, y1, x1, y1))
        if "s" in kind:
            yield from (Rect(x0, y0, x0, y1), Rect(x1, y0, x1, y1))


def _hull(item: tuple[Any, ...]) -> Rect:
    """The bounding box of a stroke's ends or of the corners of a quadrilateral."""
    xs, ys = zip(*(item[1:3] if item[0] == "l" else item[1]), strict=True)
    return Rect(min(xs), min(ys), max(xs), max(ys))


def _joined(rects: list[Rect]) -> list[Rect]:
    """The horizontal rules, sorted by y; pieces that touch are one rule."""
    rules: list[Rect] = []
    for rect in sorted(rects, key=lambda rect: (round((rect.y0 + rect.y1) / 3), rect.x0)):
        recent = range(len(rules) - 1, max(-1, len(rules) - 1 - _JOIN_WINDOW), -1)
        number = next((number for number in recent if _touch(rules[number], rect)), None)
        if number is None:
            rules.append(rect)
        else:
            rule = rules[number]
            x0, x1 = min(rule.x0, rect.x0), max(rule.x1, rect.x1)
            rules[number] = rule._replace(x0=x0, x1=x1)
    return sorted(rules, key=lambda rule: (rule.center_y, rule.x0))


def _touch(rule: Rect, piece: Rect) -> bool:
    return (
        abs(rule.center_y - piece.center_y) < _MAX_JOIN_OFFSET
        and overlap_x(rule, piece) >= -_MAX_JOIN_GAP
    )
