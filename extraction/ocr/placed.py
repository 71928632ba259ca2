"""Converts OCR lines in pixels to text lines in points."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.papers import Box
from extraction.geometry import Rect, rotate, rotation_matrix, union
from extraction.ocr.recognized_words import OcrLine, pieces, slope_of, type_size
from extraction.text.clean import clean_text
from extraction.text.lines import Line

_ABOVE, _BELOW = 0.8, 0.22  # ems that a line's box extends above and below its baseline
# Share by which estimates of one type size differ; `type_size` is within 5 % for short lines.
_SAME_SIZE = 0.055
_MIN_SIZE = 2.0  # points; lower bound of the estimates
_FONT = "OCR"


@dataclass(frozen=True, slots=True)
class Affine:
    """An affine map between two frames in points: x' = a x + c y + e, y' = b x + d y + f."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def point(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def then(self, other: Affine) -> Affine:
        """The composition: first this map, then the other one."""
        e, f = other.point(self.e, self.f)
        a, b = other.a * self.a + other.c * self.b, other.b * self.a + other.d * self.b
        c, d = other.a * self.c + other.c * self.d, other.b * self.c + other.d * self.d
        return Affine(a, b, c, d, e, f)


def rotation_about(degrees: float, x: float, y: float) -> Affine:
    """The rotation about a point; clockwise on the page, since y grows downwards."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Affine(cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def quarter_turned(turns: int, width: float, height: float) -> Affine:
    """The map from a page rotated clockwise by `turns` quarters back to the original.

    `width` and `height` are those of the original page.
    """
    return Affine(*rotation_matrix(-turns, width, height))


@dataclass(eq=False)
class ScannedLine(Line):
    """A line on a page that was straightened for OCR.

    x, y and `base` are in the frame of the straightened page; `shown` maps it to the page as shown,
    which is the frame of `box`.
    """

    shown: Affine = field(default_factory=Affine)

    @property
    def box(self) -> Box:
        """The bounding box of the line on the page as shown."""
        flat = super().box
        corners = [self.shown.point(x, y) for x in (flat.x0, flat.x1) for y in (flat.y0, flat.y1)]
        x0, y0, x1, y1 = union(Rect(x, y, x, y) for x, y in corners)
        return Box(self.page, round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1))


class FontSizes:
    """The type sizes found so far in a document, the most frequent first."""

    def __init__(self) -> None:
        self._known: list[float] = []

    def normalize(self, lines: Sequence[Line]) -> None:
        """Replaces each line's estimated size by the size of the cluster that it belongs to.

        Sizes measured on images scatter. Headings are told from text by their size, so only
        certain differences may remain.
        """
        left = [line for line in lines if not line.rotation]
        for known in self._known:
            left = _with_size_set(left, known, known)
        while left:
            size = _densest(left)
            near = [line for line in left if _is_near(line.size, size)]
            total = sum(len(line.text) for line in near)
            mean = sum(line.size * len(line.text) for line in near) / total
            self._known.append(round(mean, 1))
            left = _with_size_set(left, size, self._known[-1])


def _is_near(size: float, other: float) -> bool:
    return abs(size - other) <= _SAME_SIZE * other


def _with_size_set(lines: Sequence[Line], about: float, size: float) -> list[Line]:
    """Sets the size of the lines that are about that large; returns the other lines."""
    near, others = [], []
    for line in lines:
        (near if _is_near(line.size, about) else others).append(line)
    for line in near:
        line.size = size
    return others


def _densest(lines: Sequence[Line]) -> float:
    """The size with the most characters of about this size."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[round(line.size, 1)] += len(line.text)

    def weight(size: float) -> int:
        return sum(number for other, number in letters.items() if _is_near(other, size))

    return max(letters, key=weight)


def lines_of(
    recognised: Sequence[OcrLine],
    number: int,
    points_per_pixel: float,
    page: tuple[float, float],
    shown: Affine,
) -> list[ScannedLine]:
    """Returns the lines of page `number` in the order of the engine.

    `page` is the width and height of the image in points; `shown` maps it to the page as shown.
    """
    tilt = math.degrees(math.atan(slope_of(recognised)))
    center = page[0] / 2, page[1] / 2
    straighten = rotation_about(-tilt, *center)
    shown = rotation_about(tilt, *center).then(shown)
    lines: list[ScannedLine] = []
    for whole in recognised:
        if not any(character.isalnum() for character in whole.text):
            continue  # rules, specks and the edges of images
        size = type_size(whole)
        for piece in pieces(whole, size):
            text = clean_text(piece.text)
            if not text:
                continue
            if piece.turn:
                line = _rotated_line(text, piece, number, points_per_pixel, size)
            else:
                line = _line(text, piece, number, points_per_pixel, size, straighten)
            line.shown = shown
            lines.append(line)
    return lines


def _line(
    text: str, line: OcrLine, number: int, scale: float, size: float, straighten: Affine
) -> ScannedLine:
    left, right = line.words[0].x0, line.words[-1].x1
    x0, y0 = straighten.point(left * scale, line.base * scale)
    x1, y1 = straighten.point(right * scale, line.base_at(right) * scale)
    em, base = max(_MIN_SIZE, size * scale), (y0 + y1) / 2
    return ScannedLine(
        text, number, x0, base - _ABOVE * em, x1, base + _BELOW * em, em, base, _FONT
    )


def _rotated_line(text: str, line: OcrLine, number: int, scale: float, size: float) -> ScannedLine:
    """The line in the frame in which its text is upright, as `Line` has it."""
    x0, y0, x1, y1 = union(line.words)
    upright = rotate(Rect(x0 * scale, y0 * scale, x1 * scale, y1 * scale), line.turn)
    em = max(_MIN_SIZE, size * scale)
    return ScannedLine(
        text, number, *upright, em, upright.y1 - _BELOW * em, _FONT, rotation=line.turn
    )
