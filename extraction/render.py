"""Renders pages and figures of a PDF as PNG, on request."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import DamagedPdf, NotFound
from domain.papers import Box
from extraction.text.mupdf import pymupdf
from extraction.text.pdf import open_pdf, page_count

_MAX_PIXELS = 16_000_000  # 48 MB while rendering
_MIN_POINTS = 1.0  # width and height of a figure
_POINTS_PER_INCH = 72

Colour = tuple[float, float, float]
_YELLOW: Colour = (1.0, 0.85, 0.0)
_LABEL_POINTS, _LABEL_FONT = 7.0, "hebo"
_LABEL_GAP_ABOVE, _LABEL_GAP_LEFT = 0.25, 0.2  # type sizes between a label and its rectangle


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle to draw on a page: a fill, a frame (none for width 0) and a label.

    The label is left of the rectangle, or above its right end.
    """

    box: Box
    colour: Colour = _YELLOW
    opacity: float = 0.35
    frame_points: float = 0.0
    label: str = ""
    is_label_above: bool = False


def page_png(
    path: str | Path, number: int, *, dpi: int = 144, highlights: Sequence[Box] = ()
) -> bytes:
    """Returns a page as PNG, with translucent rectangles over its highlights.

    The image has at most 16 million pixels: a larger page is rendered at a lower resolution.
    Raises NotFound for a page that the document does not have, DamagedPdf and PasswordProtected.
    """
    return marked_png(path, number, [Mark(box) for box in highlights], dpi=dpi)


def figure_png(path: str | Path, box: Box, dpi: int = 200) -> bytes:
    """Returns the part of a page inside a box as PNG, with at most 16 million pixels.

    Raises NotFound for a page that the document does not have and for a box outside the page,
    DamagedPdf and PasswordProtected.
    """
    with _page(path, box.page) as page:
        clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) & page.rect
        if clip.width < _MIN_POINTS or clip.height < _MIN_POINTS:
            raise NotFound(f"Page {box.page} is empty at that position.")
        return _pixels(page, dpi, clip)[0].tobytes("png")


def marked_png(path: str | Path, number: int, marks: Sequence[Mark], *, dpi: int = 144) -> bytes:
    """Returns a page as PNG with its marks drawn on it; marks of other pages are ignored.

    Raises what `page_png` raises.
    """
    with _page(path, number) as page:
        pixels, zoom = _pixels(page, dpi, page.rect)
    of_page = [mark for mark in marks if mark.box.page == number]
    return (_with_marks(pixels, zoom, of_page) if of_page else pixels).tobytes("png")


@contextmanager
def _page(path: str | Path, number: int) -> Any:
    with open_pdf(Path(path)) as document:
        if not 1 <= number <= page_count(document):
            raise NotFound(f"The document has no page {number}.")
        try:
            page = document.load_page(number - 1)
        except Exception as error:  # MuPDF's errors have no base class but Exception
            raise DamagedPdf(page=number) from error
        yield page


def _pixels(page: Any, dpi: int, clip: Any) -> tuple[Any, float]:
    """The pixels of a part of the page, and the number of pixels per point."""
    zoom = dpi / _POINTS_PER_INCH
    area = clip.width * clip.height
    if area * zoom**2 > _MAX_PIXELS:
        zoom = (_MAX_PIXELS / area) ** 0.5
    try:
        pixels = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), clip=clip, alpha=False)
    except Exception as error:
        raise DamagedPdf(page=page.number + 1) from error
    return pixels, zoom


def _with_marks(pixels: Any, zoom: float, marks: Sequence[Mark]) -> Any:
    """The pixels with the marks.

    They are drawn on a temporary page of one point per pixel, which avoids undoing the rotation and
    cropping of the original.
    """
    with pymupdf.open() as document:
        canvas = document.new_page(width=pixels.width, height=pixels.height)
        canvas.insert_image(canvas.rect, pixmap=pixels)
        shape = canvas.new_shape()
        for mark in marks:
            _draw(shape, mark, zoom)
        shape.commit()
        return canvas.get_pixmap(alpha=False)


def _draw(shape: Any, mark: Mark, zoom: float) -> None:
    box = mark.box
    rect = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) * pymupdf.Matrix(zoom, zoom)
    if rect.is_empty:
        return
    shape.draw_rect(rect)
    shape.finish(
        color=mark.colour if mark.frame_points else None,
        fill=mark.colour if mark.opacity else None,
        fill_opacity=mark.opacity,
        width=mark.frame_points * zoom,
    )
    if mark.label:
        _write_label(shape, mark, rect, _LABEL_POINTS * zoom)


def _write_label(shape: Any, mark: Mark, rect: Any, size: float) -> None:
    width = pymupdf.get_text_length(mark.label, fontname=_LABEL_FONT, fontsize=size)
    if mark.is_label_above:
        place = pymupdf.Point(rect.x1 - width, max(rect.y0 - _LABEL_GAP_ABOVE * size, size))
    else:
        place = pymupdf.Point(max(rect.x0 - width - _LABEL_GAP_LEFT * size, 0), rect.y0 + size)
    shape.insert_text(place, mark.label, fontsize=size, color=mark.colour, fontname=_LABEL_FONT)
