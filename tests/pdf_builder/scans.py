"""Scanned and damaged pages: the pages of a PDF as tilted, noisy and compressed images."""

from __future__ import annotations

from collections.abc import Container
from io import BytesIO

import numpy as np
from PIL import Image

from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import ROMAN


def make_scan(
    pdf: bytes,
    *,
    dpi: int = 200,
    tilt: float = 0.6,
    noise: float = 12.0,
    quality: int = 50,
    quarter_turns: int = 0,
    keep: Container[int] = (),
) -> bytes:
    """Returns the same pages as images without a text layer, each of the size of its page.

    `tilt` is in degrees anticlockwise, `noise` the standard deviation of a grey value (0 to 255),
    `quality` that of the JPEG; `quarter_turns` rotates the images clockwise, like sheets in the
    wrong orientation. Pages in `keep` (counted from 1) are not changed.
    """
    scan = pymupdf.open()
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        for number in range(1, document.page_count + 1):
            page = document[number - 1]
            if number in keep:
                scan.insert_pdf(document, from_page=number - 1, to_page=number - 1)
                continue
            picture = _picture(page, dpi, tilt, noise, quarter_turns, seed=number)
            width, height = page.rect.width, page.rect.height
            if quarter_turns % 2:
                width, height = height, width
            sheet = scan.new_page(width=width, height=height)
            sheet.insert_image(sheet.rect, stream=_jpeg(picture, dpi, quality))
    made = scan.tobytes(garbage=3, deflate=True)
    scan.close()
    return made


def add_hidden_text(scan: bytes, text: str, size: float = 10.0) -> bytes:
    """Returns the scan with invisible text on its first page, like the output of OCR programs."""
    with pymupdf.open(stream=scan, filetype="pdf") as document:
        page = document[0]
        for row, line in enumerate(text.splitlines()):
            place = (60, 80 + 1.25 * size * row)
            page.insert_text(place, line, fontsize=size, fontname=ROMAN, render_mode=3)
        return document.tobytes()


def damage_page(pdf: bytes, number: int) -> bytes:
    """Returns the PDF with a page (from 1) whose graphics states nest too deep for MuPDF."""
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        page = document[number - 1]
        page.clean_contents()
        document.update_stream(page.get_contents()[0], b"q " * 100_000)
        return document.tobytes(garbage=3, deflate=True)


def _picture(
    page: pymupdf.Page, dpi: int, tilt: float, noise: float, quarter_turns: int, seed: int
) -> Image.Image:
    pixels = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY, alpha=False)
    picture = Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)
    picture = picture.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=255)
    grey = (
        np.asarray(picture, dtype=np.float32) * 0.92 + 10
    )  # scanners produce no pure black or white
    grey += np.random.default_rng(seed).normal(0.0, noise, grey.shape)
    picture = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    return picture.rotate(-90 * quarter_turns, expand=True) if quarter_turns else picture


def _jpeg(picture: Image.Image, dpi: int, quality: int) -> bytes:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality, dpi=(dpi, dpi))
    return stream.getvalue()
