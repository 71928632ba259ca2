"""Puts sub- and superscripts that the file draws apart from their line back to their places."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from extraction.geometry import Rect, interval_overlap, overlap_x, rotate, union
from extraction.text.pieces import (
    SCRIPT_SIZE,
    SPACE,
    WORD,
    Piece,
    Span,
    WordBoxes,
    is_script,
    joint_places,
    rise_of,
    sliced,
    space_like,
    words_of_piece,
)

Words = Callable[[], WordBoxes]
_BASE = attrgetter("base")

# Heuristics. Distances in sizes of the line's type.
_MIN_SIZE = 0.4  # of the line's type size; the largest is SCRIPT_SIZE
_MIN_OFFSET, MAX_RISE, MAX_DROP = 0.04, 0.62, 0.33  # from the line's base line to the script's
_MAX_DENOMINATOR_DROP = 0.9
_MAX_DISTANCE = 0.15  # from the end of the line to a script beside it
_OVERLAP = 0.12  # of a script and the words beside it
_STACKED = 0.2  # between the left ends of a subscript and the superscript above it
_MAX_LENGTH = 10  # characters
_MAX_SCRIPTS = 300  # of one line; bounds made-up pages
_MAX_CHECKS = 100_000  # pairs of a script and a line on one page; bounds made-up pages


def with_scripts(pieces: list[Piece], words: Words) -> list[Piece]:
    """Returns the pieces in their order; the spans of each script are part of its line.

    `words` returns the boxes of the words of each line, on the page without its rotation. It is
    called only if a script stands inside of a line.
    """
    short = list(filter(_may_be_script, pieces))
    lines_of = _Lines(pieces, short)
    candidates = [part for piece in short for part in _parts(piece, lines_of, words)]
    scripts: defaultdict[int, list[Piece]] = defaultdict(list)
    for part in candidates:
        line = lines_of.around(part)
        if line is not None and len(scripts[line.number]) < _MAX_SCRIPTS:
            scripts[line.number].append(part)
    if not scripts:
        return pieces
    return _placed(pieces, candidates, scripts, words)


def _may_be_script(piece: Piece) -> bool:
    if len(piece.spans) > _MAX_LENGTH or len(piece.spans[0]["text"]) > _MAX_LENGTH:
        return False
    return len(piece.text.strip()) <= _MAX_LENGTH


def _parts(piece: Piece, lines: _Lines, words: Words) -> list[Piece]:
    """Returns the scripts that follow each other on one base line as a piece each."""
    if " " not in piece.text.strip() or lines.around(piece) is None:
        return [piece]
    return words_of_piece(piece, words())


class _Lines:
    """Finds the line that a script belongs to."""

    def __init__(self, pieces: Sequence[Piece], candidates: Sequence[Piece]) -> None:
        self._pieces = sorted(pieces, key=_BASE)
        self._by_size: dict[int, tuple[list[Piece], list[float]]] = {}
        self._candidates = sorted(candidates, key=_BASE)
        self._candidate_bases = [part.base for part in self._candidates]
        self._checks = _MAX_CHECKS

    def around(self, part: Piece) -> Piece | None:
        """Returns the line that the script belongs to; None if there is none."""
        lines, bases = self._larger_than(part.size)
        reach = MAX_RISE * part.size / _MIN_SIZE
        first, last = bisect_left(bases, part.base - reach), bisect_right(bases, part.base + reach)
        self._checks -= last - first
        if self._checks < 0:
            return None
        near = [line for line in lines[first:last] if _is_script_of(part, line)]
        if not near or self._is_numerator(part, near[0]):
            return None
        return min(near, key=lambda line: (_distance(part, line), line.box.x0))

    def _larger_than(self, size: float) -> tuple[list[Piece], list[float]]:
        """Returns the lines in larger type by base line, and their base lines."""
        key = int(2 * size)
        if key not in self._by_size:
            self._checks -= len(self._pieces)
            lines = [line for line in self._pieces if key < 2 * SCRIPT_SIZE * line.size]
            self._by_size[key] = lines, [line.base for line in lines]
        return self._by_size[key]

    def _is_numerator(self, part: Piece, line: Piece) -> bool:
        """True if small type stands below the part, lower than a subscript."""
        base, size, bases = line.base, line.size, self._candidate_bases
        first = bisect_left(bases, base + MAX_DROP * size)
        last = bisect_right(bases, base + _MAX_DENOMINATOR_DROP * size)
        self._checks -= last - first
        return self._checks > 0 and any(
            2 * overlap_x(part.box, other.box) > min(part.box.width, other.box.width)
            and other.size < SCRIPT_SIZE * size
            for other in self._candidates[first:last]
        )


def _is_script_of(part: Piece, line: Piece) -> bool:
    size = line.size
    return (
        -MAX_DROP * size < line.base - part.base < MAX_RISE * size
        and abs(line.base - part.base) > _MIN_OFFSET * size
        and _MIN_SIZE * size < part.size < SCRIPT_SIZE * size
        and _distance(part, line) < _MAX_DISTANCE * size
        and part.rotation == line.rotation
        and part.is_white == line.is_white
        and part.number != line.number
    )


def _distance(part: Piece, line: Piece) -> float:
    return max(0.0, -interval_overlap(part.box.x0, part.box.x1, line.box.x0, line.box.x1))


def _placed(
    pieces: list[Piece],
    candidates: Sequence[Piece],
    scripts: Mapping[int, list[Piece]],
    words: Words,
) -> list[Piece]:
    """Returns the pieces with the scripts, by number of their line, in their places.

    The smallest lines come first: they may be scripts themselves.
    """
    placed: set[int] = set()
    counts = Counter(part.number for part in candidates)
    lines = [piece for piece in pieces if piece.number in scripts and counts[piece.number] < 2]
    for line in sorted(lines, key=lambda line: line.size):
        placed.update(map(id, _insert(line, scripts[line.number], words)))
    parts_of: defaultdict[int, list[Piece]] = defaultdict(list)
    for part in candidates:
        parts_of[part.number].append(part)
    remaining: list[Piece] = []
    for piece in pieces:
        parts = parts_of.get(piece.number, ())
        left = [part for part in parts if id(part) not in placed]
        remaining += [piece] if len(left) == len(parts) else left
    return remaining


def _insert(line: Piece, scripts: Sequence[Piece], words: Words) -> list[Piece]:
    """Puts the scripts into the line and returns them, without those that overlap its words."""
    stacked = [part for part in scripts if _insert_stacked(line, part)]
    gaps: defaultdict[int, list[Piece]] = defaultdict(list)
    if len(stacked) < len(scripts):
        others = [part for part in scripts if part not in stacked]
        tokens = _tokens(line, others, words)
        for part in others:
            if (gap := _gap_of(part, tokens, _OVERLAP * line.size)) is not None:
                gaps[gap].append(part)
        line.spans = _with_parts(line, tokens, gaps)
    placed = stacked + [part for parts in gaps.values() for part in parts]
    if placed:
        line.box = union([line.box, *(part.box for part in placed)])
        line.places = joint_places([line, *placed])
    return placed


def _insert_stacked(line: Piece, part: Piece) -> bool:
    """Puts the part beside the line's script above or below it, and the subscript first; False if
    there is none."""
    for position, span in enumerate(line.spans if len(line.spans) > 1 else ()):
        if not is_script(span, line.main, line.direction):
            continue
        start = rotate(Rect(*span["bbox"]), line.rotation).x0
        is_raised = rise_of(span, line.main, line.direction) > 0
        if abs(start - part.box.x0) < _STACKED * line.size and is_raised == (part.base > line.base):
            position += not is_raised
            line.spans = [*line.spans[:position], *part.spans, *line.spans[position:]]
            return True
    return False


class _Token(NamedTuple):
    """A word of the line: its characters, and its left and right end."""

    start: int
    end: int
    x0: float
    x1: float


def _tokens(line: Piece, scripts: Sequence[Piece], words: Words) -> list[_Token]:
    """Returns the words of the line; all of it as one if the scripts stand beside it."""
    box, size = line.box, line.size
    found = list(WORD.finditer(line.text))
    is_inside = any(overlap_x(part.box, box) > _OVERLAP * size for part in scripts)
    boxes = _word_boxes(line, words()) if is_inside and line.places and len(found) > 1 else ()
    if len(boxes) != len(found):
        return [_Token(found[0].start(), found[-1].end(), box.x0, box.x1)]
    return [
        _Token(word.start(), word.end(), one.x0, one.x1)
        for word, one in zip(found, boxes, strict=True)
    ]


def _word_boxes(line: Piece, words: WordBoxes) -> list[Rect]:
    """Returns the boxes of the line's words with the text upright, from left to right."""
    boxes_of_places = (box for place in line.places for box in words.get(place, ()))
    upright = (rotate(box, line.rotation) for box in boxes_of_places)
    own = [box for box in upright if line.box.x0 < box.center_x < line.box.x1]
    if len(line.places) == 1:
        return own
    boxes: list[Rect] = []
    for box in sorted(own):
        if boxes and box.x0 - boxes[-1].x1 < SPACE * line.size:  # a word in two pieces
            box = union((boxes.pop(), box))
        boxes.append(box)
    return boxes


def _gap_of(part: Piece, tokens: Sequence[_Token], tolerance: float) -> int | None:
    """Returns the number of words left of the part; None if the part overlaps one."""
    box = part.box
    before = sum(token.x0 + token.x1 < box.x0 + box.x1 for token in tokens)
    is_free = (before == 0 or tokens[before - 1].x1 < box.x0 + tolerance) and (
        before == len(tokens) or tokens[before].x0 > box.x1 - tolerance
    )
    return before if is_free else None


def _with_parts(
    line: Piece, tokens: Sequence[_Token], gaps: Mapping[int, list[Piece]]
) -> list[Span]:
    spans: list[Span] = []
    start = 0
    for gap in sorted(gaps):
        before = tokens[gap - 1] if gap else None
        after = tokens[gap] if gap < len(tokens) else None
        end = before.end if before else 0
        spans += sliced(line.spans, start, end)
        start = after.start if after else len(line.text)
        spans += _between(line, before, _ordered(gaps[gap], line), after)
    return spans + sliced(line.spans, start, len(line.text))


def _between(
    line: Piece, before: _Token | None, parts: Sequence[Piece], after: _Token | None
) -> list[Span]:
    """Returns the spans from one word to the next, with the spaces that stand between them."""
    ends = [before.x1 if before else None, *(part.box.x1 for part in parts)]
    starts = [*(part.box.x0 for part in parts), after.x0 if after else None]
    widths = [
        0.0 if end is None or start is None else start - end
        for end, start in zip(ends, starts, strict=True)
    ]
    first, last = 0, len(parts)
    sizes = [line.size, *(part.size for part in parts[1:]), line.size]
    spaces = {gap for gap, width in enumerate(widths) if width >= SPACE * sizes[gap]}
    if after is None and before is not None and before.end < len(line.text):
        spaces.add(first)
    if before is None and after is not None and after.start:
        spaces.add(last)
    spans: list[Span] = []
    for gap, part in enumerate(parts):
        spans += [space_like(line.main)] * (gap in spaces) + part.spans
    return spans + [space_like(line.main)] * (last in spaces)


def _ordered(parts: list[Piece], line: Piece) -> list[Piece]:
    """Returns the parts from left to right; a subscript comes before the superscript above it."""
    ordered = sorted(parts, key=lambda part: part.box.x0)
    for position, (part, other) in enumerate(pairwise(ordered)):
        is_stacked = 2 * overlap_x(part.box, other.box) > min(part.box.width, other.box.width)
        if is_stacked and part.base < line.base < other.base:
            ordered[position : position + 2] = other, part
    return ordered
