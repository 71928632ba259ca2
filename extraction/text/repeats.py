"""Removes text that a page prints again at nearly the same place: imitated bold type, outlines,
shadows."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from extraction.geometry import Rect
from extraction.text.pieces import Piece, sliced

# Heuristics, in type sizes.
# Width that both cover, and its share of the narrower one; printed letters overlap less.
_MIN_COMMON, _MIN_COMMON_SHARE = 0.25, 0.6
_SHIFT = 0.3  # from the ends of a text to those of its repetition
_MAX_COMPARED = 300  # characters of a piece; bounds the run time
_SHIFT_OF_CHARACTER = 0.15  # narrower than any letter
_RECENT = 6  # characters before one that it may repeat
_LOOK_BACK = 4  # pieces to the left that one is compared with
# Tolerance of the place of a common text: type sizes, and share of its width.
_PLACE, _PLACE_SHARE = 0.6, 0.2


def without_repeats(row: list[Piece]) -> list[Piece]:
    """Returns the pieces of one base line, from left to right, without text that is printed a
    second time."""
    if len(row) == 1:
        return row
    kept: list[Piece] = []
    for piece in row:
        _add(kept, piece)
    return kept


def without_repeated_characters(content: dict[str, Any]) -> dict[str, Any]:
    """Returns a MuPDF page with characters (`rawdict`) as one with texts (`dict`); a character that
    a line prints again at nearly the same place is left out."""
    for line in (line for block in content["blocks"] for line in block.get("lines", ())):
        recent: deque[dict[str, Any]] = deque(maxlen=_RECENT)
        for span in line["spans"]:
            span["text"] = ""
            for character in span.pop("chars"):
                if not any(_is_same(character, other, span["size"]) for other in recent):
                    span["text"] += character["c"]
                    recent.append(character)
        line["spans"] = [span for span in line["spans"] if span["text"]] or line["spans"]
    return content


def _is_same(character: dict[str, Any], other: dict[str, Any], size: float) -> bool:
    (x, y), (other_x, other_y) = character["origin"], other["origin"]
    return (
        character["c"] == other["c"]
        and max(abs(x - other_x), abs(y - other_y)) < _SHIFT_OF_CHARACTER * size
    )


def _add(kept: list[Piece], piece: Piece) -> None:
    """Appends the piece, or what of it the pieces so far have not printed."""
    for position in range(len(kept) - 1, max(-1, len(kept) - 1 - _LOOK_BACK), -1):
        before = kept[position]
        if not _overlaps(before, piece) or not _is_alike(before, piece):
            continue
        if _holds(before, piece):
            return
        if _holds(piece, before):
            kept[position] = piece
            return
        if common := _common_length(before, piece):
            if not piece.text[common:].strip():
                return
            piece = _without_first(before, piece, common)
    kept.append(piece)


def _overlaps(before: Piece, piece: Piece) -> bool:
    narrow = _MIN_COMMON_SHARE * min(before.box.width, piece.box.width)
    wide = _MIN_COMMON * min(before.size, piece.size)
    return before.box.x1 - piece.box.x0 > min(wide, narrow)


def _is_alike(one: Piece, other: Piece) -> bool:
    return abs(one.size - other.size) < _SHIFT * min(one.size, other.size)


def _holds(whole: Piece, part: Piece) -> bool:
    """True if the whole prints the text of the part at the part's place."""
    shift = _SHIFT * part.size
    if part.box.x0 < whole.box.x0 - shift or part.box.x1 > whole.box.x1 + shift:
        return False
    text, wanted = whole.text[:_MAX_COMPARED], part.text.strip()
    offset = text.find(wanted)
    if offset < 0:
        return False
    return (
        len(wanted) > 1 or abs(part.box.width - whole.box.width) < shift or _is_there(whole, part)
    )


def _is_there(whole: Piece, part: Piece) -> bool:
    """True if the whole prints the part's single character about there."""
    middle = (part.box.center_x - whole.box.x0) / max(whole.box.width, 1.0)
    place = round(middle * len(whole.text))
    return part.text.strip() in whole.text[max(0, place - 2) : place + 2]


def _common_length(before: Piece, piece: Piece) -> int:
    """Returns how many characters at the end of the first piece the second one prints again."""
    end, start = before.text[-_MAX_COMPARED:], piece.text[:_MAX_COMPARED]
    width = piece.box.width / max(len(piece.text), 1)
    common = before.box.x1 - piece.box.x0
    tolerance = _PLACE * piece.size + _PLACE_SHARE * common
    for length in range(min(len(end), len(start)), 0, -1):
        if abs(length * width - common) < tolerance and end.endswith(start[:length]):
            return length
    return 0


def _without_first(before: Piece, piece: Piece, length: int) -> Piece:
    box = piece.box
    rest = Rect(min(before.box.x1, box.x1), box.y0, box.x1, box.y1)
    spans = sliced(piece.spans, length, len(piece.text))
    return replace(piece, spans=spans, box=rest)
