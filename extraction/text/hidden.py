"""Removes the text that a page does not show: text below an opaque box or picture, white text on
white paper, text in rendering mode 3 without a scan, transparent and tiny text.

The hidden text that an OCR program lays over or under the picture of a scan stays: it is what the
picture prints. Whether a box hides a text is decided by order of drawing and by rendering the
place; most pages have no candidate, and cost nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from extraction.geometry import Rect, contains, contains_center, intersection, union
from extraction.text.drawn import DrawnPage, clipped_drawings, text_page
from extraction.text.mupdf import pymupdf

# Heuristics. Sizes are in points; shares are 0 to 1.
_FULL_PAGE = 0.85  # of the page's area; pictures that cover it are a scan
_NEARLY_WHITE = 0xF8  # of each component, 0 to 255
_LEAST_WHITE = _NEARLY_WHITE << 16  # as a colour with three components
_OPAQUE = 0.99
_MIN_CONTRAST = 8  # levels of grey, 0 to 255, between a text that can be seen and its background
_TINY_POINTS = 1.5
_PAINTED = 16 | 32  # bits of a span's `char_flags`: filled, stroked
_IGNORED = 3  # rendering mode of a trace's span that draws nothing
_SCALE = 2.0  # pixels per point of the rendered places
_MAX_PIXELS = 4_000_000
_MIN_COVER = 4.0
_SCAN_SHARE = 0.5  # of a page's characters; when pictures cover more, they are a scan's
_SAME_POINTS = 0.1  # distance of the origins of one character in two listings of MuPDF
# An open date of a publisher's template ("xx xx xxxx"), covered in print. It stays, so that the
# lines beside the title are told from the title as a column of their own.
_PLACEHOLDER = "xxxx"
_WORD = re.compile(r"[^\W\d_]{4,}")
# Bounds of the work on a made-up page.
_MAX_FOUND, _MAX_COVERS, _MAX_PAIRS = 5_000, 200, 4_000_000


def take_hidden(page: Any, drawn: DrawnPage) -> str:
    """Removes the hidden text from the text of a page, and returns it."""
    covered = _without_covered(page, drawn) if drawn.graphics.over_text else []
    hidden = _undrawn(page, drawn)
    return " ".join([*covered, *_without_spans(drawn, hidden)] if hidden else covered)


def words_of(text: str) -> list[str]:
    """Returns the words of a hidden text: numbers and marks may be the remains of a drawing."""
    return _WORD.findall(text)


def _undrawn(page: Any, drawn: DrawnPage) -> set[int]:
    """Returns the ids of the spans that show nothing."""
    spans = drawn.spans
    suspects = [
        span
        for span in spans
        if (  # written out: a page has thousands of spans
            span["size"] < _TINY_POINTS
            or span["color"] >= _LEAST_WHITE
            or not (span["alpha"] and span["char_flags"] & _PAINTED)
        )
        and not span["text"].isspace()
    ]
    if not suspects:
        return set()
    rects = [*drawn.graphics.images, *drawn.graphics.drawings]
    hidden = set(_away_from([span for span in suspects if _is_unpainted(span)], rects))
    tiny = [span for span in suspects if span["size"] < _TINY_POINTS]
    if _characters(tiny) < _characters(spans) / 2:
        hidden.update(map(id, tiny))
    most = _FULL_PAGE * page.rect.width * page.rect.height
    small = [rect for rect in rects if rect.area < most]
    on_paper = set(_away_from([span for span in suspects if _is_white(span["color"])], small))
    white = [span for span in suspects if id(span) in on_paper]
    if white:
        blank = _are_blank(drawn, [Rect(*span["bbox"]) for span in white])
        hidden.update(id(span) for span, is_blank in zip(white, blank, strict=True) if is_blank)
    return hidden


def _is_unpainted(span: dict[str, Any]) -> bool:
    return not (span["alpha"] and span["char_flags"] & _PAINTED)


def _away_from(spans: Sequence[dict[str, Any]], rects: Sequence[Rect]) -> Iterator[int]:
    """Yields the ids of the spans that stand on none of the rectangles; none on a crowded page."""
    if not spans or len(spans) * len(rects) > _MAX_PAIRS:
        return
    left, top, right, bottom = _sides(rects)
    for span in spans:
        box = Rect(*span["bbox"])
        x, y = box.center_x, box.center_y
        if not ((left <= x) & (x <= right) & (top <= y) & (y <= bottom)).any():
            yield id(span)


def _sides(rects: Sequence[Rect]) -> Any:
    """Returns the left, top, right and bottom sides of the rectangles, as four arrays."""
    numbers = chain.from_iterable(rects)
    return np.fromiter(numbers, np.float64, 4 * len(rects)).reshape(-1, 4).T


def _is_white(color: int) -> bool:
    return (
        color >= _LEAST_WHITE and min(color >> 16, color >> 8 & 0xFF, color & 0xFF) >= _NEARLY_WHITE
    )


def _are_blank(drawn: DrawnPage, boxes: Sequence[Rect]) -> list[bool]:
    """Returns for each place of the page whether it is of one colour when rendered."""
    whole = union(boxes)
    shown = pymupdf.Rect(drawn.display_list.rect) & pymupdf.Rect(whole.expanded(1.0, 1.0))
    if shown.is_empty:
        return [True] * len(boxes)
    scale = min(_SCALE, (_MAX_PIXELS / max(1.0, shown.width * shown.height)) ** 0.5)
    pixels = drawn.display_list.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csGRAY, alpha=0, clip=shown
    )
    rows = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.stride)
    rows = rows[:, : pixels.width]
    return [_is_blank(rows, box, scale, pixels.x, pixels.y) for box in boxes]


def _is_blank(rows: Any, box: Rect, scale: float, left: int, top: int) -> bool:
    """True if the place has one level of grey; its edges, which touch other lines, are left out."""
    edge = (box.y1 - box.y0) / 5
    y0, y1 = (round(y * scale) - top for y in (box.y0 + edge, box.y1 - edge))
    x0, x1 = (round(x * scale) - left for x in (box.x0, box.x1))
    place = rows[max(0, y0) : max(1, y1), max(0, x0) : max(1, x1)]
    return not place.size or int(place.max()) - int(place.min()) < _MIN_CONTRAST


def _without_spans(drawn: DrawnPage, hidden: set[int]) -> list[str]:
    """Removes these spans, not their lines, whose numbers stay; returns their texts."""
    texts: list[str] = []
    for block in drawn.text["blocks"]:
        for line in block.get("lines", ()):
            texts.extend(span["text"] for span in line["spans"] if id(span) in hidden)
            line["spans"] = [span for span in line["spans"] if id(span) not in hidden]
    return texts


def _characters(spans: Sequence[dict[str, Any]]) -> int:
    return sum(len("".join(span["text"].split())) for span in spans)


@dataclass(frozen=True, slots=True)
class _Cover:
    """Something opaque: its place in the order of drawing, its box, and whether it is certain to
    hide what it covers; else only rendering tells."""

    order: int
    rect: Rect
    is_image: bool
    is_certain: bool


@dataclass(frozen=True, slots=True)
class _Glyph:
    """A drawn character with the order of drawing of its text."""

    order: int
    text: str
    x: float
    y: float
    rect: Rect


def _without_covered(page: Any, drawn: DrawnPage) -> list[str]:
    """Removes the characters below later opaque boxes and pictures; returns their texts."""
    covers = _covers(page, drawn)
    if not covers:
        return []
    glyphs, total = _glyphs(page, covers)
    hidden = _hidden_glyphs(drawn, _covered(covers, glyphs), glyphs, total)
    rows = {row: of_row for row, of_row in _rows(hidden).items() if not _is_placeholder(of_row)}
    return _without_glyphs(drawn, rows) if rows else []


def _rows(glyphs: Sequence[_Glyph]) -> dict[int, list[_Glyph]]:
    """Returns the glyphs by the y of their baselines, in points."""
    rows: dict[int, list[_Glyph]] = defaultdict(list)
    for glyph in glyphs:
        rows[round(glyph.y)].append(glyph)
    return rows


def _is_placeholder(row: Sequence[_Glyph]) -> bool:
    return _PLACEHOLDER in "".join(glyph.text for glyph in row)


def _covered(covers: Sequence[_Cover], glyphs: Sequence[_Glyph]) -> list[tuple[_Glyph, _Cover]]:
    """Returns the glyphs in the box of something drawn later, each with the last such cover."""
    left, top, right, bottom = _sides([glyph.rect for glyph in glyphs])
    x, y = (left + right) / 2, (top + bottom) / 2
    orders = np.array([glyph.order for glyph in glyphs])
    found: dict[int, _Cover] = {}
    for cover in sorted(covers, key=lambda cover: cover.order):
        x0, y0, x1, y1 = cover.rect
        within = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1) & (orders < cover.order)
        found.update(dict.fromkeys(np.flatnonzero(within).tolist(), cover))
    return [(glyphs[index], cover) for index, cover in sorted(found.items())]


def _covers(page: Any, drawn: DrawnPage) -> list[_Cover]:
    """Returns the opaque fills and images over the page's text, without the picture of a scan."""
    boxes = [Rect(*span["bbox"]) for span in drawn.spans if not span["text"].isspace()]
    left, top, right, bottom = _sides(boxes)
    half = (bottom - top) / 2

    def is_over_text(rect: Rect) -> bool:
        common = np.minimum(bottom, rect.y1) - np.maximum(top, rect.y0)
        return bool(((left < rect.x1) & (right > rect.x0) & (common > half)).any())

    images = drawn.graphics.images
    is_scan = sum(rect.area for rect in images) >= _FULL_PAGE * page.rect.width * page.rect.height
    visible = [] if is_scan else [rect for rect in images if is_over_text(rect)]
    found = [*_images(page, visible[:_MAX_COVERS]), *_fills(page)][:_MAX_FOUND]
    return [cover for cover in found if is_over_text(cover.rect)][:_MAX_COVERS]


def _fills(page: Any) -> Iterator[_Cover]:
    for drawing, rect in clipped_drawings(page):
        if "f" not in drawing["type"] or drawing.get("fill_opacity", 1.0) < _OPAQUE:
            continue
        if rect.width >= _MIN_COVER and rect.height >= _MIN_COVER:
            is_box = len(drawing["items"]) == 1 and drawing["items"][0][0] in ("re", "qu")
            yield _Cover(drawing["seqno"], rect, is_image=False, is_certain=is_box)


def _images(page: Any, visible: Sequence[Rect]) -> Iterator[_Cover]:
    """Yields the images, cut to their visible parts."""
    if not visible:
        return
    has_masks = any(image[1] for image in page.get_images(full=True))
    for order, (kind, box) in enumerate(page.get_bboxlog()):
        if kind == "fill-image":
            for part in visible:
                rect = intersection(Rect(*box), part)
                if rect.width >= _MIN_COVER and rect.height >= _MIN_COVER:
                    yield _Cover(order, rect, is_image=True, is_certain=not has_masks)


def _glyphs(page: Any, covers: Sequence[_Cover]) -> tuple[list[_Glyph], int]:
    """Returns the glyphs of the texts that meet one of the boxes, and the number of all glyphs."""
    left, top, right, bottom = _sides([cover.rect for cover in covers])
    glyphs: list[_Glyph] = []
    total = 0
    for span in page.get_texttrace():
        if span["type"] == _IGNORED:
            continue
        total += len(span["chars"])
        x0, y0, x1, y1 = span["bbox"]
        if ((left < x1) & (x0 < right) & (top < y1) & (y0 < bottom)).any():
            glyphs.extend(
                _Glyph(span["seqno"], chr(code), x, y, Rect(*box))
                for code, _, (x, y), box in span["chars"]
                if code > ord(" ")
            )
    return glyphs, total


def _hidden_glyphs(
    drawn: DrawnPage, covered: Sequence[tuple[_Glyph, _Cover]], glyphs: Sequence[_Glyph], total: int
) -> list[_Glyph]:
    """Returns the glyphs that their covers hide: the place is blank, or the cover is a picture, or
    later text stands on it."""
    if sum(cover.is_image for _, cover in covered) > _SCAN_SHARE * total:
        covered = [pair for pair in covered if not pair[1].is_image]  # the text of a scan
    if not covered:
        return []
    blank = _are_blank(drawn, [glyph.rect for glyph, _ in covered])
    sure = {
        cover.order
        for cover in {cover for _, cover in covered}
        if cover.is_certain and (cover.is_image or _is_replaced(cover, glyphs))
    }
    return [
        glyph
        for (glyph, cover), is_blank in zip(covered, blank, strict=True)
        if is_blank or cover.order in sure
    ]


def _is_replaced(cover: _Cover, glyphs: Sequence[_Glyph]) -> bool:
    """True if a text drawn after the box stands on it."""
    return any(
        other.order > cover.order and contains(cover.rect, other.rect, tolerance=_MIN_COVER)
        for other in glyphs
    )


def _without_glyphs(drawn: DrawnPage, rows: Mapping[int, Sequence[_Glyph]]) -> list[str]:
    """Removes the glyphs of these rows from the text, which is listed anew by character; returns
    the texts of the spans that lost some."""
    listed = text_page(drawn.display_list).extractRAWDICT()
    drawn.text["blocks"] = listed["blocks"]
    texts: list[str] = []
    for block in listed["blocks"]:
        for line in block.get("lines", ()):
            taken = [_take(span, rows) for span in line["spans"]]
            texts.extend(filter(None, taken))
            line["spans"] = [
                span
                for span, lost in zip(line["spans"], taken, strict=True)
                if span["text"].strip() or (span["text"] and not lost)
            ]
    return texts


def _take(span: dict[str, Any], rows: Mapping[int, Sequence[_Glyph]]) -> str:
    """Sets the text, the box and the origin of a raw span without its hidden characters; returns
    these, with spaces for the others."""
    chars = span.pop("chars")
    is_hidden = [_is_one_of(char, rows) for char in chars]
    pairs = [*zip(chars, is_hidden, strict=True)]
    kept = [char for char, hides in pairs if not hides]
    span["text"] = "".join(char["c"] for char in kept)
    if kept and len(kept) < len(chars):
        span["bbox"] = tuple(union(Rect(*char["bbox"]) for char in kept))
        span["origin"] = kept[0]["origin"]
    return "".join(char["c"] if hides else " " for char, hides in pairs).strip()


def _is_one_of(char: dict[str, Any], rows: Mapping[int, Sequence[_Glyph]]) -> bool:
    (x, y), box = char["origin"], Rect(*char["bbox"])
    return any(
        _is_same(char["c"], x, box, glyph)
        for row in {round(y - _SAME_POINTS), round(y), round(y + _SAME_POINTS)}
        for glyph in rows.get(row, ())
    )


def _is_same(character: str, x: float, box: Rect, glyph: _Glyph) -> bool:
    """True if the character is that of the glyph, or one letter of its ligature."""
    text = unicodedata.normalize("NFKC", glyph.text)
    is_there = abs(glyph.x - x) < _SAME_POINTS
    return character in text and (is_there or (len(text) > 1 and contains_center(glyph.rect, box)))
