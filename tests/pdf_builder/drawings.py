"""Lines of text that look alike and are drawn in different ways: in another order, letter by
letter, with scripts apart from their line, several times."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.pdf_builder.canvas import ROMAN, text_width
from tests.pdf_builder.pages import Piece, make_pdf

SCRIPT_SIZE, RISE, DROP = 0.68, 0.36, 0.2  # of the line's type size
LEVELS = {"_": -1, "^": 1}
_MARKUP = re.compile(r"([_^])\{([^}]*)\}|([^_^]+)")


class Run(NamedTuple):
    """Characters of one level: 0 on the base line, 1 superscript, -1 subscript."""

    x: float
    y: float
    text: str
    size: float
    level: int
    font: str

    @property
    def piece(self) -> Piece:
        return Piece(self.x, self.y, self.text, self.size, self.font)

    def split(self, texts: Sequence[str]) -> list[Run]:
        """Returns the run in these parts, which follow each other; blank ones are left out."""
        runs: list[Run] = []
        x = self.x
        for text in texts:
            if text.strip():
                runs.append(self._replace(x=x, text=text))
            x += text_width(text, self.size, self.font)
        return runs


def runs_of(x: float, y: float, marked: str, size: float = 10.0, font: str = ROMAN) -> list[Run]:
    """Returns the runs of a line such as "SO_{4}^{2-}"; a script directly after one of the other
    level stands above or below it."""
    runs: list[Run] = []
    start = x
    for sign, script, plain in _MARKUP.findall(marked):
        level = LEVELS.get(sign, 0)
        is_stacked = level and runs and runs[-1].level == -level
        start = runs[-1].x if is_stacked else x
        offset = -RISE * size if level > 0 else DROP * size if level else 0.0
        run_size = SCRIPT_SIZE * size if level else size
        runs.append(Run(start, y + offset, script or plain, run_size, level, font))
        end = start + text_width(script or plain, run_size, font)
        x = max(x, end)
    return runs


Lines = Sequence[Sequence[Run]]
Drawing = Callable[[Lines], list[Run]]


def in_order(lines: Lines) -> list[Run]:
    """Draws run after run, line after line."""
    return [run for line in lines for run in line]


def scripts_after_their_line(lines: Lines) -> list[Run]:
    """Draws each line without its scripts, then these."""
    return [run for line in lines for run in sorted(line, key=lambda run: run.level != 0)]


def scripts_at_the_end(lines: Lines) -> list[Run]:
    """Draws the scripts of all lines last."""
    return sorted(in_order(lines), key=lambda run: run.level != 0)


def scripts_first(lines: Lines) -> list[Run]:
    """Draws the scripts of all lines first."""
    return sorted(in_order(lines), key=lambda run: run.level == 0)


def superscripts_before_subscripts(lines: Lines) -> list[Run]:
    """Draws each line, its superscripts, then its subscripts."""
    order = {0: 0, 1: 1, -1: 2}
    return [run for line in lines for run in sorted(line, key=lambda run: order[run.level])]


def words_apart(lines: Lines) -> list[Run]:
    """Draws each word alone, without the spaces."""
    return [part for run in in_order(lines) for part in run.split(re.findall(r"\s+|\S+", run.text))]


def words_shuffled(lines: Lines) -> list[Run]:
    """Draws the words of the page in any order, without the spaces."""
    words = words_apart(lines)
    random.Random(7).shuffle(words)
    return words


def right_half_first(lines: Lines) -> list[Run]:
    """Draws the right half of each line, then the left one."""
    drawn: list[Run] = []
    for line in lines:
        words = words_apart([line])
        drawn += [*words[len(words) // 2 :], *words[: len(words) // 2]]
    return drawn


def letters_apart(lines: Lines) -> list[Run]:
    """Draws letter after letter, without the spaces."""
    return [part for run in in_order(lines) for part in run.split(list(run.text))]


def letters_shuffled(lines: Lines) -> list[Run]:
    """Draws the letters of each line in any order, without the spaces."""
    drawn: list[Run] = []
    for line in lines:
        letters = letters_apart([line])
        random.Random(len(letters)).shuffle(letters)
        drawn += letters
    return drawn


def bottom_up(lines: Lines) -> list[Run]:
    """Draws the last line first."""
    return in_order(lines[::-1])


def row_by_row(lines: Lines) -> list[Run]:
    """Draws what stands side by side, row by row from the top."""
    return sorted(in_order(lines), key=lambda run: (round(run.y), run.x))


def repeated(parts: Drawing, *shifts: tuple[float, float]) -> Drawing:
    """Draws each part again at these distances, right after it."""

    def draw(lines: Lines) -> list[Run]:
        return [
            run._replace(x=run.x + dx, y=run.y + dy)
            for run in parts(lines)
            for dx, dy in ((0.0, 0.0), *shifts)
        ]

    return draw


def repeated_below(*shifts: tuple[float, float]) -> Drawing:
    """Draws the whole page at these distances first."""

    def draw(lines: Lines) -> list[Run]:
        runs = in_order(lines)
        shadows = [run._replace(x=run.x + dx, y=run.y + dy) for dx, dy in shifts for run in runs]
        return [*shadows, *runs]

    return draw


def drawn_pdf(lines: Lines, draw: Drawing = in_order, rotation: int = 0) -> bytes:
    """Returns a PDF with a page of these lines; each run is a text object of its own."""
    return make_pdf([[run.piece for run in draw(lines)]], rotation)


def text_operators(lines: Lines) -> bytes:
    """Returns a content stream with a text object for each line: moves by TJ, scripts by Ts."""
    objects = [b"BT " + b" ".join(_operators(line)) + b" ET" for line in lines]
    return b"\n".join(objects)


def _operators(line: Sequence[Run]) -> list[bytes]:
    base = next((run for run in line if not run.level), line[0])
    found = [b"1 0 0 1 %.3f %.3f Tm" % (line[0].x, 842 - base.y)]
    x = line[0].x
    for run in line:
        text = run.text.translate({ord("("): r"\(", ord(")"): r"\)"}).encode("cp1252")
        move = (x - run.x) / run.size * 1000
        found.append(b"/%b %.3f Tf %.3f Ts" % (run.font.encode(), run.size, base.y - run.y))
        found.append(b"[%.1f (%b)] TJ" % (move, text))
        x = run.x + text_width(run.text, run.size, run.font)
    return found
