"""The pieces of printed lines that MuPDF finds on a page: runs of spans that follow each other on
one base line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any

from extraction.geometry import Rect, quarter_turns, rotate, rotate_back, union

Span = dict[str, Any]
WordBoxes = Mapping[tuple[int, int], Sequence[Rect]]  # by the numbers of MuPDF's block and line

_WHITE = 0xFFFFFF
_ACROSS = (1.0, 0.0)  # direction of upright text
WORD = re.compile(r"\S+")

_DIRECTION, _LEFT = attrgetter("rotation", "is_white"), attrgetter("box.x0")
_BASE_ORDER = attrgetter("rotation", "is_white", "base")

_MIN_STRAIGHT = 0.99  # horizontal or vertical part of a line's direction
# Heuristics, in type sizes.
SPACE = 0.15  # a gap of that width is a space, as for MuPDF
# A script (sub- or superscript) is smaller than this, and its base line is that far away.
SCRIPT_SIZE, SCRIPT_RISE = 0.9, 0.12
_NEAR_BASE = 0.2  # between the base lines of a text and its shadow


@dataclass(slots=True, eq=False)
class Piece:
    """Spans side by side. `box` and `base` are in points with the text upright.

    `main` is the span in the type of most characters, `size` its type size in points. `number` is
    the position in drawing order. `places` are the numbers of MuPDF's block and line for each line
    that the piece has all spans of; it is empty if there are other spans.
    """

    spans: list[Span]
    box: Rect
    base: float
    rotation: int
    direction: tuple[float, float]
    number: int
    is_white: bool
    main: Span
    size: float
    places: tuple[tuple[int, int], ...]

    @property
    def is_straight(self) -> bool:
        """True if the text is horizontal or vertical."""
        return self.direction == _ACROSS or max(map(abs, self.direction)) > _MIN_STRAIGHT

    @property
    def text(self) -> str:
        """The characters of all spans."""
        if len(self.spans) == 1:
            return self.spans[0]["text"]
        return "".join(span["text"] for span in self.spans)

    @property
    def bbox(self) -> Rect:
        """The bounding box on the page without its rotation."""
        return rotate_back(self.box, self.rotation) if self.rotation else self.box


def pieces_of(content: dict[str, Any]) -> list[Piece]:
    """Returns the pieces of a MuPDF page in the order in which the file draws them."""
    found: list[Piece] = []
    for block_number, block in enumerate(content["blocks"]):
        for line_number, raw in enumerate(block.get("lines", ())):
            spans = raw["spans"]
            if not _is_blank(spans):
                found.append(_piece(raw, len(found), (block_number, line_number)))
    return found


def characters_apart(content: dict[str, Any]) -> dict[str, Any]:
    """Returns a MuPDF page with characters (`rawdict`) as one with texts (`dict`) in which each
    printed character is a line."""
    for block in content["blocks"]:
        block["lines"] = [
            {
                "spans": [{**span, "text": character["c"], "origin": character["origin"]}],
                "bbox": character["bbox"],
                "dir": line["dir"],
            }
            for line in block.get("lines", ())
            for span in line["spans"]
            for character in span["chars"]
            if character["c"].strip()
        ]
    return content


def _is_blank(spans: Sequence[Span]) -> bool:
    """True if the spans have no printed characters."""
    return not any(span["text"].strip() for span in spans)


def _piece(raw: dict[str, Any], number: int, place: tuple[int, int]) -> Piece:
    spans, direction = raw["spans"], raw["dir"]
    if len(spans) > 1:
        _correct_origins(spans)
    main = spans[0] if len(spans) == 1 else main_span(spans)
    rotation = 0 if direction == _ACROSS else quarter_turns(*direction)
    box, base = Rect(*raw["bbox"]), main["origin"][1]
    if rotation:
        x, y = main["origin"]
        box, base = rotate(box, rotation), rotate(Rect(x, y, x, y), rotation).y0
    is_white = spans[0]["color"] == _WHITE and all(span["color"] == _WHITE for span in spans)
    return Piece(
        spans, box, base, rotation, direction, number, is_white, main, main["size"], (place,)
    )


def _correct_origins(spans: Sequence[Span]) -> None:
    """Corrects the base line of spans that begin with a space inferred from a gap after a script:
    MuPDF puts such a space on the base line of the script."""
    for before, span in pairwise(spans):
        y = span["origin"][1]
        if (
            span["text"].startswith(" ")
            and before["origin"][1] == y
            and before["size"] < span["size"]
        ):
            top = span["bbox"][1] + span["ascender"] * span["size"]
            bottom = span["bbox"][3] + span["descender"] * span["size"]
            span["origin"] = span["origin"][0], max(top, bottom, key=lambda base: abs(base - y))


def main_span(spans: Sequence[Span]) -> Span:
    """Returns the first printed span in the font and size of most characters."""
    printed = [span for span in spans if not span["text"].isspace()] or spans
    if len({(span["font"], span["size"]) for span in printed}) == 1:
        return printed[0]
    weights: defaultdict[tuple[str, float], int] = defaultdict(int)
    for span in printed:
        weights[span["font"], span["size"]] += len(span["text"])
    font, size = max(weights, key=weights.__getitem__)
    return next(span for span in printed if span["size"] == size and span["font"] == font)


def side_by_side(pieces: Sequence[Piece], spans: list[Span]) -> Piece:
    """Returns the pieces as one with these spans, at the first one's position in drawing order."""
    main = main_span(spans)
    size = main["size"]
    return replace(
        max(pieces, key=lambda piece: (piece.size == size, len(piece.text))),
        spans=spans,
        box=union(piece.box for piece in pieces),
        main=main,
        size=size,
        number=min(piece.number for piece in pieces),
        places=joint_places(pieces),
    )


def joint_places(pieces: Sequence[Piece]) -> tuple[tuple[int, int], ...]:
    """Returns the places of all of these pieces; none if those of one are not known."""
    if not all(piece.places for piece in pieces):
        return ()
    return tuple(place for piece in pieces for place in piece.places)


def words_of_piece(piece: Piece, words: WordBoxes) -> list[Piece]:
    """Returns each word of the piece as one, from left to right; the piece if its words are not
    known."""
    found = list(WORD.finditer(piece.text))
    boxes = words.get(piece.places[0], ()) if len(piece.places) == 1 else ()
    if len(found) < 2 or len(found) != len(boxes):
        return [piece]
    return [
        _part(piece, sliced(piece.spans, *word.span()), rotate(box, piece.rotation))
        for word, box in zip(found, boxes, strict=True)
    ]


def _part(piece: Piece, spans: list[Span], box: Rect) -> Piece:
    main = main_span(spans)
    x, y = main["origin"]
    base = rotate(Rect(x, y, x, y), piece.rotation).y0
    return replace(piece, spans=spans, box=box, base=base, main=main, size=main["size"], places=())


def space_like(span: Span) -> Span:
    """Returns a space in the type of this span."""
    return {**span, "text": " "}


def sliced(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """Returns the spans of these characters of their text."""
    found: list[Span] = []
    offset = 0
    for span in spans:
        text = span["text"]
        part = text[max(0, start - offset) : max(0, end - offset)]
        if part:
            found.append(span if len(part) == len(text) else {**span, "text": part})
        offset += len(text)
    return found


def rise_of(span: Span, main: Span, direction: tuple[float, float]) -> float:
    """Returns how far the span's base line is above that of `main`, in type sizes of `main`."""
    (x, y), (main_x, main_y) = span["origin"], main["origin"]
    return ((main_y - y) * direction[0] - (main_x - x) * direction[1]) / (main["size"] or 1.0)


def is_script(span: Span, main: Span, direction: tuple[float, float]) -> bool:
    """True for a sub- or superscript in a line whose type is that of `main`."""
    if span["size"] >= SCRIPT_SIZE * main["size"]:
        return False
    return abs(rise_of(span, main, direction)) > SCRIPT_RISE


def on_one_base(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Yields the pieces of nearly one base line, of one rotation, from left to right."""
    for _, alike in groupby(sorted(pieces, key=_BASE_ORDER), key=_DIRECTION):
        group: list[Piece] = []
        for piece in alike:
            if group and piece.base - group[-1].base > _NEAR_BASE * min(piece.size, group[-1].size):
                yield sorted(group, key=_LEFT) if len(group) > 1 else group
                group = []
            group.append(piece)
        yield sorted(group, key=_LEFT)
