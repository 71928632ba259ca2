"""Seen words in pixels -> lines in points, as the rest of the reading wants them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.papers import Box
from extraction.ocr.recognized_words import SeenLine, pieces, tilt_of, type_size
from extraction.text.clean import clean_text
from extraction.text.lines import Line

_ABOVE, _BELOW = 0.8, 0.22  # ems that a line's box reaches from its base line
_SAME_SIZE = 0.055  # estimates that differ by less are of one size of type
_LEAST_POINTS = 2.0
_FONT = "OCR"


@dataclass(frozen=True, slots=True)
class Affine:
    """x' = a x + c y + e, y' = b x + d y + f: from one frame to another, in points."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def point(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def then(self, other: Affine) -> Affine:
        """First this one, then the other."""
        e, f = other.point(self.e, self.f)
        a, b = other.a * self.a + other.c * self.b, other.b * self.a + other.d * self.b
        c, d = other.a * self.c + other.c * self.d, other.b * self.c + other.d * self.d
        return Affine(a, b, c, d, e, f)


def turn_about(degrees: float, x: float, y: float) -> Affine:
    """The turn (clockwise as seen, since y grows downwards) about a point."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Affine(cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def quarter_turned(turns: int, width: float, height: float) -> Affine:
    """From a page turned clockwise by so many quarters back to it; its size is before turning."""
    return (
        Affine(),
        Affine(0.0, -1.0, 1.0, 0.0, 0.0, height),
        Affine(-1.0, 0.0, 0.0, -1.0, width, height),
        Affine(0.0, 1.0, -1.0, 0.0, width, 0.0),
    )[turns % 4]


@dataclass(eq=False)
class ScannedLine(Line):
    """A line on a page that was set straight for reading: x, y and `base` are those of the straight
    page, `box` is on the page as shown."""

    shown: Affine = field(default_factory=Affine)

    @property
    def box(self) -> Box:
        """Where the line stands on the page as shown."""
        flat = super().box
        corners = [self.shown.point(x, y) for x in (flat.x0, flat.x1) for y in (flat.y0, flat.y1)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return Box(
            self.page, round(min(xs), 1), round(min(ys), 1), round(max(xs), 1), round(max(ys), 1)
        )


class TypeSizes:
    """The sizes of type met so far in a document, most printed first; near ones count as one."""

    def __init__(self) -> None:
        self._known: list[float] = []

    def settle(self, lines: Sequence[Line]) -> None:
        """Sets each line's size to the one it is an estimate of.

        Sizes measured on pictures scatter; headings are told from text by what differs for sure.
        """
        left = [line for line in lines if not line.rotation]
        for known in list(self._known):
            left = _set_near(left, known)
        while left:
            size = _densest(left)
            near = [line for line in left if _is_near(line.size, size)]
            total = sum(len(line.text) for line in near)
            mean = sum(line.size * len(line.text) for line in near) / total
            self._known.append(round(mean, 1))
            left = [line for line in left if not _is_near(line.size, size)]
            for line in near:
                line.size = self._known[-1]


def _is_near(size: float, other: float) -> bool:
    return abs(size - other) <= _SAME_SIZE * other


def _set_near(lines: Sequence[Line], size: float) -> list[Line]:
    """Gives the lines of about this size this size; returns the others."""
    others: list[Line] = []
    for line in lines:
        if _is_near(line.size, size):
            line.size = size
        else:
            others.append(line)
    return others


def _densest(lines: Sequence[Line]) -> float:
    """The size that most characters are near to."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[round(line.size, 1)] += len(line.text)

    def weight(size: float) -> int:
        return sum(number for other, number in letters.items() if _is_near(other, size))

    return max(letters, key=weight)


def lines_of(
    seen: Sequence[SeenLine],
    number: int,
    points_per_pixel: float,
    page: tuple[float, float],
    shown: Affine,
) -> list[ScannedLine]:
    """The lines of page `number`, in the order seen; `page` is the width and height of the picture
    in points, `shown` leads from it to the page as shown."""
    tilt = math.degrees(math.atan(tilt_of(seen)))
    middle = page[0] / 2, page[1] / 2
    straight = turn_about(-tilt, *middle)
    shown = turn_about(tilt, *middle).then(shown)
    lines: list[ScannedLine] = []
    for whole in seen:
        if not any(character.isalnum() for character in whole.text):
            continue  # rules, specks and the edges of pictures
        size = type_size(whole)
        for piece in pieces(whole, size):
            text = clean_text(piece.text)
            if not text:
                continue
            if piece.turn:
                line = _turned_line(text, piece, number, points_per_pixel, size)
            else:
                line = _line(text, piece, number, points_per_pixel, size, straight)
            line.shown = shown
            lines.append(line)
    return lines


def _line(
    text: str, seen: SeenLine, number: int, scale: float, size: float, straight: Affine
) -> ScannedLine:
    left, right = seen.words[0].x0, seen.words[-1].x1
    x0, y0 = straight.point(left * scale, seen.base * scale)
    x1, y1 = straight.point(right * scale, seen.base_at(right) * scale)
    em, base = max(_LEAST_POINTS, size * scale), (y0 + y1) / 2
    return ScannedLine(
        text, number, x0, base - _ABOVE * em, x1, base + _BELOW * em, em, base, _FONT
    )


def _turned_line(text: str, seen: SeenLine, number: int, scale: float, size: float) -> ScannedLine:
    x0, x1 = (f(getattr(w, k) for w in seen.words) * scale for f, k in ((min, "x0"), (max, "x1")))
    y0, y1 = (f(getattr(w, k) for w in seen.words) * scale for f, k in ((min, "y0"), (max, "y1")))
    # As `Line` has it: x and y as they are for the reader of the turned text.
    upright = {1: (y0, -x1, y1, -x0), 2: (-x1, -y1, -x0, -y0), 3: (-y1, x0, -y0, x1)}[seen.turn]
    em = max(_LEAST_POINTS, size * scale)
    return ScannedLine(
        text, number, *upright, em, upright[3] - _BELOW * em, _FONT, rotation=seen.turn
    )
