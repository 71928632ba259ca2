"""Puts the printed lines of a page together from its pieces, by their position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from operator import attrgetter
from typing import Any

from extraction.geometry import Rect, rotate
from extraction.text.bidi import Glyph, has_right_to_left, logical_spans
from extraction.text.characters import characters_of
from extraction.text.drawn import TEXT_FLAGS, DrawnPage, text_page
from extraction.text.mupdf import pymupdf
from extraction.text.pieces import (
    SPACE,
    Piece,
    Span,
    WordBoxes,
    characters_apart,
    is_script,
    main_span,
    on_one_base,
    pieces_of,
    rise_of,
    side_by_side,
    space_like,
)
from extraction.text.repeats import without_repeated_characters, without_repeats
from extraction.text.scripts import MAX_DROP, MAX_RISE, Words, with_scripts

# Heuristics, in type sizes.
_MIN_GAP = -0.12  # kerning
_MAX_GAP = 0.8  # of a space between words; MuPDF ends a line there too
_MIN_SIZE = 0.5  # of the larger type size of two pieces that touch
_SAME_BASE = 0.1  # between the base lines of the pieces of a printed line
# Evidence that a page draws its words in another order: number of words that are drawn after the
# next one of their line, and their share of the pieces.
_MIN_DISPLACED, _MIN_DISPLACED_SHARE = 3, 0.2
_MAX_CHARACTERS = 30_000  # of a page whose characters are sorted; bounds made-up pages


def assembled(drawn: DrawnPage) -> list[Piece]:
    """Returns the printed lines of a page in the order in which the file draws them.

    Words that follow each other with a space are pieces of their own only if the file draws them
    one after the other, from left to right.
    """
    pieces = pieces_of(drawn.text)
    rows = _rows(pieces)
    tilted = [piece for piece in pieces if not piece.is_straight]
    if sum(map(len, rows)) + len(tilted) < len(pieces):
        rows = _rows(pieces_of(without_repeated_characters(characters_of(drawn))))
    words = cache(lambda: _words(text_page(drawn.display_list)))
    if has_right_to_left("".join(piece.text for piece in pieces)):
        found = _put_together(rows, words, _MAX_GAP)
        _put_in_logical_order(found, drawn)
    elif _is_shuffled(rows):
        rows = _rows(pieces_of(characters_apart(characters_of(drawn))))
        found = _put_together(rows, words, _MAX_GAP)
    else:
        found = _put_together(rows, words, SPACE)
    return sorted([*found, *tilted], key=attrgetter("number"))


def _rows(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Returns the pieces of each base line, from left to right, without repeated text."""
    straight = (piece for piece in pieces if piece.is_straight)
    return [without_repeats(row) for row in on_one_base(straight)]


def _has_right_to_left(piece: Piece) -> bool:
    return any(has_right_to_left(span["text"]) for span in piece.spans)


def _put_in_logical_order(pieces: Sequence[Piece], drawn: DrawnPage) -> None:
    """Sets the spans of the lines with Hebrew or Arabic letters.

    With TEXT_PRESERVE_LIGATURES, because MuPDF spells the ligatures of such lines out in the wrong
    order.
    """
    flags = TEXT_FLAGS | pymupdf.TEXT_PRESERVE_LIGATURES
    content = text_page(drawn.display_list, flags).extractRAWDICT()
    for piece in pieces:
        if piece.places and _has_right_to_left(piece):
            piece.spans = logical_spans(_glyphs(piece, content))
            piece.main = main_span(piece.spans)


def _glyphs(piece: Piece, content: dict[str, Any]) -> list[Glyph]:
    found: list[Glyph] = []
    for block, line in dict.fromkeys(piece.places):
        for span in content["blocks"][block]["lines"][line]["spans"]:
            span["text"] = ""
            for character in span["chars"]:
                box = rotate(Rect(*character["bbox"]), piece.rotation)
                if piece.box.x0 <= box.center_x <= piece.box.x1:
                    found.append(Glyph(character["c"], box.x0, box.x1, span))
    return found


def _put_together(rows: list[list[Piece]], words: Words, max_gap: float) -> list[Piece]:
    """Returns the printed lines; words are joined that are at most `max_gap` type sizes apart."""
    touching = [piece for row in rows for piece in _joined(row, SPACE)]
    complete = with_scripts(touching, words)
    if complete is touching and max_gap == SPACE:
        return touching
    return [piece for row in on_one_base(complete) for piece in _joined(row, max_gap)]


def _is_shuffled(rows: Sequence[Sequence[Piece]]) -> bool:
    """True if the page draws many words out of the order in which it shows them."""
    displaced = sum(_is_displaced(*pair) for row in rows if len(row) > 1 for pair in pairwise(row))
    if displaced < max(_MIN_DISPLACED, _MIN_DISPLACED_SHARE * sum(map(len, rows))):
        return False
    return sum(len(piece.text) for row in rows for piece in row) < _MAX_CHARACTERS


def _words(textpage: Any) -> WordBoxes:
    """Returns the boxes of the words of each line of MuPDF's, by the numbers of block and line."""
    found: defaultdict[tuple[int, int], list[Rect]] = defaultdict(list)
    for x0, y0, x1, y1, _, block, line, _ in textpage.extractWORDS():
        found[block, line].append(Rect(x0, y0, x1, y1))
    return found


def _is_displaced(left: Piece, right: Piece) -> bool:
    size = max(left.size, right.size)
    is_near = _MIN_GAP * size < right.box.x0 - left.box.x1 < _MAX_GAP * size
    return is_near and right.number < left.number


def _joined(row: Sequence[Piece], max_gap: float) -> list[Piece]:
    """Returns the pieces of a base line, from left to right, with those joined that are at most
    `max_gap` type sizes apart."""
    if len(row) == 1:
        return [row[0]]
    groups: list[list[Piece]] = [[row[0]]]
    for left, right in pairwise(row):
        if not _touches(left, right, max_gap):
            groups.append([])
        groups[-1].append(right)
    return [group[0] if len(group) == 1 else side_by_side(group, _spans(group)) for group in groups]


def _touches(left: Piece, right: Piece, max_gap: float) -> bool:
    size = max(left.size, right.size)
    small = min(left.size, right.size)
    if small < _MIN_SIZE * size or abs(left.base - right.base) > _SAME_BASE * small:
        return False
    gap = right.box.x0 - left.box.x1
    return _MIN_GAP * size < gap < max_gap * size or _is_stacked(left, right)


def _spans(group: Sequence[Piece]) -> list[Span]:
    spans = list(group[0].spans)
    for left, right in pairwise(group):
        if right.box.x0 - left.box.x1 >= SPACE * max(left.size, right.size):
            spans.append(space_like(right.main))
            spans += right.spans
        elif _is_stacked(left, right):
            spans = _with_stacked(spans, left, right)
        else:
            spans += right.spans
    return spans


def _is_stacked(left: Piece, right: Piece) -> bool:
    """True if the superscript at the end of one piece and the subscript at the beginning of the
    other, or the reverse, stand above each other."""
    last, first = left.spans[-1], right.spans[0]
    if not is_script(last, left.main, left.direction):
        return False
    if not is_script(first, right.main, right.direction):
        return False
    rises = (
        rise_of(last, left.main, left.direction),
        rise_of(first, right.main, right.direction),
    )
    if not -MAX_DROP < min(rises) < 0 < max(rises) < MAX_RISE:
        return False
    ends, begins = _box_of(last, left), _box_of(first, right)
    slack = -_MIN_GAP * left.size
    return begins.x0 > ends.x0 - slack and begins.x0 < ends.x1 + slack


def _with_stacked(spans: list[Span], left: Piece, right: Piece) -> list[Span]:
    """Returns the spans of both with the subscript first."""
    last, first = spans[-1], right.spans[0]
    if rise_of(last, left.main, left.direction) > 0 > rise_of(first, right.main, right.direction):
        return [*spans[:-1], first, last, *right.spans[1:]]
    return [*spans, *right.spans]


def _box_of(span: Span, piece: Piece) -> Rect:
    return rotate(Rect(*span["bbox"]), piece.rotation)
