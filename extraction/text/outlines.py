"""Finds text that is drawn as shapes: letters converted to outlines, or painted as small pictures.

Letters of one line stand side by side, share a base line and differ in size; bars, markers and map
regions do not. A path may hold one letter, a line or a page: paths are split into their closed
parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from extraction.geometry import Rect, overlap_x, overlap_y, transformed, union
from extraction.text.drawn import DrawnPage, Graphics, clipped_drawings, rotation_of

# Heuristics. Lengths are in points, heights of a letter where it says so.
_MIN_LETTER, _MAX_LETTER = 1.0, 24.0  # height
_MAX_LETTER_WIDTH = 2.5  # heights
_MIN_ROW, _MIN_ROW_WIDTH = 6.0, 8.0  # height of a line drawn as one path; its width in heights
_MAX_GAP, _MAX_OVERLAP = 1.6, 0.6  # heights between letters of a line, and by which they overlap
_MIN_COMMON_HEIGHT = 0.3  # share of the lower one's height
# A line of text, and the lines that make a text: others are the labels of a figure.
_MIN_LETTERS_OF_ROW, _MIN_SIZES_OF_ROW, _MIN_TEXT_WIDTH = 20, 6, 90.0
_MIN_ROWS, _MIN_LETTERS = 3, 100
_MAX_STAMP_LENGTH = 299  # characters of a page that prints little besides a drawing
_MAX_READ_SHARE = 0.5  # of a row's width that the text layer holds as well
_MIN_LETTERS_OF_PIECE = 2  # of a heading or the last line of a paragraph
_SIZE_STEP = 0.5  # sizes in one step are the same
_BASE_STEP = 2.0  # base lines in one step are the same
_BUCKET = 24.0
# Bounds of the work on a made-up page.
_MAX_DRAWINGS, _MAX_ITEMS, _MAX_SHAPES = 20_000, 400_000, 30_000


@dataclass(slots=True)
class _Row:
    """Shapes side by side."""

    rect: Rect
    last: Rect
    count: int = 1
    sizes: set[tuple[int, int]] = field(default_factory=set)

    def continues_with(self, shape: Rect) -> bool:
        height = max(self.rect.height, shape.height)
        gap = shape.x0 - self.rect.x1
        common = _MIN_COMMON_HEIGHT * min(self.rect.height, shape.height)
        return (
            -_MAX_OVERLAP * height - self.last.width < gap < _MAX_GAP * height
            and overlap_y(self.rect, shape) > common
            and max(self.rect.y1, shape.y1) - min(self.rect.y0, shape.y0) < _MAX_LETTER
        )

    def add(self, shape: Rect) -> None:
        self.rect = union((self.rect, shape))
        self.last = shape
        self.count += 1
        self.sizes.add(_size(shape))

    @property
    def is_text(self) -> bool:
        is_varied = len(self.sizes) >= _MIN_SIZES_OF_ROW
        return is_varied and self.count >= _MIN_LETTERS_OF_ROW and self.rect.width > _MIN_TEXT_WIDTH


def outlined_rows(page: Any, drawn: DrawnPage) -> list[Rect]:
    """Returns the boxes, on the page as shown, of the lines of text that are drawn as shapes; none
    for a page without such a text."""
    texts = cache(lambda: _boxes_of_text(drawn))
    if not _may_hold_letters(drawn.graphics, texts) and not _is_one_path(drawn):
        return []
    rows = _rows(_letters(page, drawn.graphics))
    unread = [row for row in rows if row.is_text and not _is_read(row.rect, texts())]
    letters = sum(row.count for row in unread)
    if len(unread) < _MIN_ROWS or letters < _MIN_LETTERS:
        return []
    found = [row.rect for row in rows if row.count >= _MIN_LETTERS_OF_PIECE]
    rotation = rotation_of(page)
    return [transformed(rect, rotation) for rect in found]


def _boxes_of_text(drawn: DrawnPage) -> list[Rect]:
    return [Rect(*span["bbox"]) for span in drawn.spans if not span["text"].isspace()]


def _may_hold_letters(graphics: Graphics, texts: Callable[[], Sequence[Rect]]) -> bool:
    """True if boxes of the size of letters form lines of text, or several boxes have the size of a
    line and stand on no text."""
    boxes = (*graphics.drawings, *graphics.images)
    if not boxes or len(graphics.drawings) > _MAX_DRAWINGS:
        return False
    lines = [rect for rect in graphics.drawings if _is_line(rect)]
    unread = (rect for rect in lines if not _is_read(rect, texts()))
    if len(lines) >= _MIN_ROWS and sum(1 for _ in unread) >= _MIN_ROWS:
        return True
    letters = [rect for rect in boxes if _is_letter(rect)][:_MAX_SHAPES]
    if not _share_base_lines(letters):
        return False
    return sum(row.is_text for row in _rows(letters)) >= _MIN_ROWS


def _share_base_lines(letters: Sequence[Rect]) -> bool:
    """True if several base lines have as many boxes of as many sizes as a line of text."""
    if len(letters) < _MIN_LETTERS:
        return False
    lines: dict[int, list[Rect]] = defaultdict(list)
    for rect in letters:
        lines[int(rect.y1 / _BASE_STEP)].append(rect)
    many = (line for line in lines.values() if len(line) >= _MIN_LETTERS_OF_ROW / 2)
    return (
        sum(len({_size(rect) for rect in line}) >= _MIN_SIZES_OF_ROW for line in many) >= _MIN_ROWS
    )


def _is_one_path(drawn: DrawnPage) -> bool:
    """True if the page has little text and a large drawing, which may hold all of its letters."""
    if sum(len(span["text"]) for span in drawn.spans) > _MAX_STAMP_LENGTH:
        return False
    large = (_MIN_TEXT_WIDTH, _MIN_ROWS * _MIN_ROW)
    boxes = drawn.graphics.drawings
    return any(rect.width >= large[0] and rect.height >= large[1] for rect in boxes)


def _is_line(rect: Rect) -> bool:
    height = rect.y1 - rect.y0
    is_low = _MIN_ROW <= height <= _MAX_LETTER
    return is_low and rect.x1 - rect.x0 >= max(_MIN_TEXT_WIDTH, _MIN_ROW_WIDTH * height)


def _is_letter(rect: Rect) -> bool:
    height = rect.y1 - rect.y0
    return _MIN_LETTER <= height <= _MAX_LETTER and rect.x1 - rect.x0 <= _MAX_LETTER_WIDTH * height


def _size(rect: Rect) -> tuple[int, int]:
    return int((rect.x1 - rect.x0) / _SIZE_STEP), int((rect.y1 - rect.y0) / _SIZE_STEP)


def _letters(page: Any, graphics: Graphics) -> list[Rect]:
    """Returns the filled shapes and the images that have the size of a letter."""
    found = [rect for rect in graphics.images if _is_letter(rect)]
    items = 0
    for drawing, rect in clipped_drawings(page):
        items += len(drawing.get("items", ()))
        if items > _MAX_ITEMS or len(found) > _MAX_SHAPES:
            break
        if "f" in drawing["type"] and rect.width > 0 and rect.height > 0:
            found.extend(part for part in _parts(drawing["items"]) if _is_letter(part))
    return found[:_MAX_SHAPES]


def _parts(items: Sequence[tuple[Any, ...]]) -> Iterator[Rect]:
    """Yields the boxes of the closed parts of a path; rectangles are bars and rules."""
    points: list[tuple[float, float]] = []
    for item in items:
        if item[0] not in ("l", "c"):
            continue
        if points and points[-1] != tuple(item[1]):
            yield _box(points)
            points = []
        points.extend(tuple(point) for point in item[1:])
    if points:
        yield _box(points)


def _box(points: Iterable[tuple[float, float]]) -> Rect:
    across, down = zip(*points, strict=True)
    return Rect(min(across), min(down), max(across), max(down))


def _rows(shapes: Iterable[Rect]) -> list[_Row]:
    """Returns the rows that shapes form from left to right."""
    rows: list[_Row] = []
    open_rows: dict[int, list[_Row]] = defaultdict(list)
    for shape in sorted(shapes):
        bucket = int(shape.center_y // _BUCKET)
        near = [row for step in (-1, 0, 1) for row in open_rows.get(bucket + step, ())]
        row = max(
            (row for row in near if row.continues_with(shape)),
            key=lambda row: overlap_y(row.rect, shape),
            default=None,
        )
        if row is not None:
            row.add(shape)
            continue
        row = _Row(shape, shape)
        rows.append(row)
        reach = shape.x0 - _MAX_GAP * _MAX_LETTER
        open_rows[bucket] = [other for other in open_rows[bucket] if other.rect.x1 > reach]
        open_rows[bucket].append(row)
    return rows


def _is_read(row: Rect, texts: Sequence[Rect]) -> bool:
    """True if the text layer holds the row: an outline may be drawn around it."""
    common = sum(
        overlap_x(row, text)
        for text in texts
        if overlap_x(row, text) > 0 and overlap_y(row, text) > row.height / 2
    )
    return common > _MAX_READ_SHARE * row.width
