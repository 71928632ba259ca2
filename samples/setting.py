"""Lines of justified text: inline markup, hyphenation, and the choice of line breaks.

Breaks are chosen for the paragraph as a whole, after D. E. Knuth and M. F. Plass, "Breaking
paragraphs into lines", Software: Practice and Experience 11 (1981), with boxes and glue only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pymupdf

FONT_NAMES = {"r": "tiro", "i": "tiit", "b": "tibo", "z": "tibi", "c": "cour"}
SPACE_EM, STRETCH_EM, SHRINK_EM = 0.25, 0.16, 0.07
SCRIPT_SCALE = 0.72
HYPHEN_COST, TWO_HYPHENS_COST = 900.0, 6000.0
_MARKS = re.compile(r"\*\*|\*|`|_\{|\^\{|\}")


@cache
def font(style: str) -> pymupdf.Font:
    """The font of a style, from the PyMuPDF wheel: r roman, i italic, b bold, z both, c code."""
    return pymupdf.Font(FONT_NAMES[style])


@cache
def _unit_width(text: str, style: str) -> float:
    return font(style).text_length(text, 1)


def text_width(text: str, size: float, style: str = "r") -> float:
    """The width of a text in points."""
    return _unit_width(text, style) * size


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one style: `rise` lifts them over the base line (points at size 1)."""

    text: str
    style: str
    scale: float = 1.0
    rise: float = 0.0

    def width(self, size: float) -> float:
        return text_width(self.text, self.size(size), self.style)

    def size(self, size: float) -> float:
        """Its type size in a line of size `size`; code is set smaller, for Courier looks large."""
        return size * self.scale * (0.88 if self.style == "c" else 1.0)


@dataclass(frozen=True, slots=True)
class Piece:
    """What no line break may part: a word or a syllable; and what follows it."""

    runs: tuple[Run, ...]
    space_after: bool
    hyphen: bool = False

    def width(self, size: float) -> float:
        return sum(run.width(size) for run in self.runs)


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces of one line, the gap between words in points, and the width it takes."""

    pieces: tuple[Piece, ...]
    gap: float
    width: float


def runs_of(text: str, style: str = "r") -> list[Run]:
    """Runs of marked-up text: `*italic*`, `**bold**`, code in backticks, `_{sub}`, `^{super}`."""
    runs: list[Run] = []
    current, scale, rise, at = style, 1.0, 0.0, 0
    for match in [*_MARKS.finditer(text), None]:
        end = match.start() if match else len(text)
        if end > at:
            letters = text[at:end].replace("~", "\u00a0")
            if current != "c":
                letters = letters.replace("'", "’")
            runs.append(Run(letters, current, scale, rise))
        if match is None:
            break
        at, mark = match.end(), match[0]
        if mark in ("_{", "^{"):
            scale, rise = SCRIPT_SCALE, -0.18 if mark == "_{" else 0.36
        elif mark == "}":
            scale, rise = 1.0, 0.0
        else:
            wanted = {"*": "i", "**": "b", "`": "c"}[mark]
            current = style if current == wanted else wanted
    return runs


@cache
def syllables() -> dict[str, tuple[str, ...]]:
    """Words of `text/hyphenation.txt` and the parts they may be broken into."""
    lines = Path(__file__).with_name("text").joinpath("hyphenation.txt").read_text("utf-8").split()
    return {line.replace("-", ""): tuple(line.split("-")) for line in lines}


def pieces_of(text: str, style: str = "r", hyphenate: bool = True) -> list[Piece]:
    """Pieces of marked-up text, in order; the last one ends without a space."""
    words: list[list[Run]] = [[]]
    for run in runs_of(text, style):
        for index, part in enumerate(run.text.split(" ")):
            if index:
                words.append([])
            if part:
                words[-1].append(Run(part.replace("\u00a0", " "), run.style, run.scale, run.rise))
    pieces = [piece for word in words if word for piece in _word_pieces(word, hyphenate)]
    return [*pieces[:-1], Piece(pieces[-1].runs, space_after=False)]


def _word_pieces(word: list[Run], hyphenate: bool) -> list[Piece]:
    if len(word) > 1 or not hyphenate or word[0].style == "c":
        return [Piece(tuple(word), space_after=True)]
    run = word[0]
    parts = re.findall(r"[^-]+-?|-", run.text)
    pieces = [piece for part in parts for piece in _syllable_pieces(part, run)]
    return [*pieces[:-1], Piece(pieces[-1].runs, space_after=True)]


def _syllable_pieces(part: str, run: Run) -> list[Piece]:
    """Syllables of a part of a word; a break after the last one adds no hyphen."""
    match = re.fullmatch(r"([^\w]*)(\w+)(.*)", part)
    broken = syllables().get(match[2].lower()) if match else None
    if not match or not broken:
        return [Piece((Run(part, run.style),), space_after=False)]
    cuts = [sum(map(len, broken[:n])) for n in range(len(broken) + 1)]
    texts = [match[2][a:b] for a, b in pairwise(cuts)]
    texts[0], texts[-1] = match[1] + texts[0], texts[-1] + match[3]
    last = len(texts) - 1
    return [Piece((Run(t, run.style),), False, hyphen=n < last) for n, t in enumerate(texts)]


def break_lines(
    pieces: list[Piece], size: float, width: float, indent: float = 0.0, justify: bool = True
) -> list[Line]:
    """The lines of a paragraph; `width` in points, the first line `indent` narrower."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(pieces) + 1):
        best.append(min(_candidates(pieces, end, best, size, width, indent, justify)))
    ends = [len(pieces)]
    while ends[-1]:
        ends.append(best[ends[-1]][1])
    ends.reverse()
    spans = list(pairwise(ends))
    return [
        _line(pieces[a:b], size, width - (0 if a else indent), justify and b < len(pieces))
        for a, b in spans
    ]


def _candidates(
    pieces: list[Piece],
    end: int,
    best: list[tuple[float, int]],
    size: float,
    width: float,
    indent: float,
    justify: bool,
) -> list[tuple[float, int]]:
    """Costs of a line that ends before piece `end`, and its start; one start may not fit."""
    tail = text_width("-", size) if pieces[end - 1].hyphen else 0.0
    natural, spaces, found = tail, 0, []
    for start in range(end - 1, -1, -1):
        if start < end - 1 and pieces[start].space_after:
            spaces += 1
        natural += pieces[start].width(size)
        room = (width if start else width - indent) - natural - spaces * SPACE_EM * size
        fits = room + spaces * (SHRINK_EM if justify else 0.0) * size >= -0.01
        if not fits and found:
            break
        cost = _badness(room, spaces, size, end == len(pieces), justify) if fits else 1e9
        if tail:
            after_hyphen = start and pieces[start - 1].hyphen
            cost += TWO_HYPHENS_COST if after_hyphen else HYPHEN_COST
        found.append((best[start][0] + cost, start))
    return found


def _badness(room: float, spaces: int, size: float, is_last: bool, justify: bool) -> float:
    """TeX's demerits, (10 + 100 r^3)^2 for a stretch or shrink ratio r, without its classes."""
    if is_last and room >= 0:
        return 0.0
    give = STRETCH_EM if room >= 0 else SHRINK_EM
    scope = (max(spaces, 1) * give if justify else 4.0) * size
    return (10 + 100 * min(abs(room) / scope, 6.0) ** 3) ** 2


def _line(pieces: list[Piece], size: float, width: float, justify: bool) -> Line:
    last = pieces[-1]
    if last.hyphen:
        hyphen = Run("-", last.runs[-1].style)
        pieces = [*pieces[:-1], Piece((*last.runs, hyphen), space_after=False)]
    spaces = sum(piece.space_after for piece in pieces[:-1])
    natural = sum(piece.width(size) for piece in pieces)
    room = width - natural - spaces * SPACE_EM * size
    gap = SPACE_EM * size
    if spaces and (justify or room < 0):
        gap += room / spaces
    return Line(tuple(pieces), gap, natural + spaces * gap)
