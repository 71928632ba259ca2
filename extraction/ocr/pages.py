"""Runs OCR on pages of a PDF, several pages in parallel."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from extraction.ocr.engines import choose_engine
from extraction.ocr.placed import Affine, FontSizes, lines_of, quarter_turned, rotation_about
from extraction.ocr.recognized_words import GrayImage, OcrLine, confidence_of
from extraction.ocr.tesseract import TesseractFailed, TesseractReader
from extraction.ocr.tilt import is_sideways, rotated, tilt_degrees
from extraction.options import OcrEngine
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf
from extraction.text.page_loading import load_page
from extraction.text.pdf import open_pdf

OnPage = Callable[[int, int], None]

_MAX_PIXELS = 30_000_000  # 30 MB in grey: an A2 sheet at 200 dpi
_FEW_PIXELS, _ENOUGH_PIXELS = 1600, 2340  # on the longer side; A4 has 2340 at 200 dpi
_LARGE_INCHES = 17  # longer than A3
# Upright text is recognised with a confidence above 0.8, text that is upside down below 0.5.
_MIN_CONFIDENCE = 0.6
_MIN_CHARACTERS = 20  # fewer characters do not tell whether the page is upright
_POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class OcrPage:
    """The OCR result of a page: `lines`, or `failure`, the reason why there are none.

    `confidence` is the engine's own, 0 to 1; `quarter_turns` (clockwise) made the page upright.
    """

    number: int
    lines: list[Line] = field(default_factory=list)
    failure: str | None = None
    confidence: float = 0.0
    quarter_turns: int = 0


class OcrBackend(Protocol):
    """The interface to an OCR engine."""

    def __call__(self, image: GrayImage, dpi: int) -> list[OcrLine]:
        """Returns the lines on an image, without rotating it. Raises if it cannot be read."""
        ...

    def quarter_turns(self, image: GrayImage, dpi: int, sideways: bool) -> list[int]:
        """Returns clockwise quarter turns that may make the text upright, likely ones first."""
        ...


def ocr_pages(
    path: str | Path,
    numbers: Sequence[int],
    *,
    engine: OcrEngine = OcrEngine.AUTO,
    workers: int = 1,
    languages: str = "eng",
    dpi: int = 200,
    timeout_seconds: float = 120.0,
    on_page: OnPage | None = None,
) -> Iterator[OcrPage]:
    """Yields the OCR results of the pages with these numbers (from 1), in that order.

    With OFF nothing is yielded. Tesseract reads `workers` pages in parallel on one core each,
    RapidOCR one page on `workers` cores. Type sizes are estimates; lines of similar size get the
    same one. `on_page(done, total)` is called after each page. A page that fails carries the
    reason and does not stop the others. `languages` ("eng+deu") applies to Tesseract.
    Raises OcrUnavailable at the call, and what `open_pdf` raises.
    """
    chosen = choose_engine(engine, languages)
    if chosen is OcrEngine.OFF or not numbers:
        return iter(())
    if chosen is OcrEngine.TESSERACT:
        reader = TesseractReader(languages, timeout_seconds)
        return _pages(path, numbers, reader, max(1, workers), dpi, on_page)
    from extraction.ocr.rapid import RapidReader  # lazy: costs 1 s and 200 MB

    return _pages(path, numbers, RapidReader(max(1, workers)), 1, dpi, on_page)


def _pages(
    path: str | Path,
    numbers: Sequence[int],
    backend: OcrBackend,
    workers: int,
    dpi: int,
    on_page: OnPage | None,
) -> Iterator[OcrPage]:
    """Yields the results in page order.

    MuPDF is not thread safe: pages are rendered in this thread, one ahead of the workers.
    """
    sizes, done = FontSizes(), 0
    with open_pdf(Path(path)) as document, ThreadPoolExecutor(workers, "ocr") as pool:
        pending: deque[Future[OcrPage]] = deque()
        try:
            for number in [*numbers, *[None] * (workers + 1)]:
                if number is not None:
                    pending.append(pool.submit(_task(document, number, backend, dpi)))
                if pending and (number is None or len(pending) > workers):
                    page = pending.popleft().result()
                    sizes.normalize(page.lines)
                    done += 1
                    if on_page is not None:
                        on_page(done, len(numbers))
                    yield page
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _task(document: Any, number: int, backend: OcrBackend, dpi: int) -> Callable[[], OcrPage]:
    """Renders a page and returns the function that a worker thread runs on it."""
    try:
        page = load_page(document, number)
        image, used_dpi = render(page, dpi)
    except Exception as error:  # MuPDF's errors have no base class but Exception
        failed = OcrPage(number, failure=f"the page could not be drawn ({type(error).__name__})")
        return lambda: failed
    return partial(_read, backend, image, number, used_dpi, (page.rect.width, page.rect.height))


def render(page: Any, dpi: int) -> tuple[GrayImage, int]:
    """Returns the page as shown as a grey image, with the resolution that was used.

    The resolution is lower than `dpi` where the image would have too many pixels.
    """
    used = _fitting_dpi(page, dpi)
    pixels = page.get_pixmap(dpi=used, colorspace=pymupdf.csGRAY, alpha=False)
    rows = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.stride)
    return rows[:, : pixels.width].copy(), used


def _fitting_dpi(page: Any, dpi: int) -> int:
    """The resolution wanted, or that of the page's own image where the page has an odd size.

    Some programs write pages of one point per pixel, or of the size of a stamp.
    """
    inches = max(page.rect.width, page.rect.height) / _POINTS_PER_INCH
    images = [max(image[2], image[3]) for image in page.get_images()]  # pixels, longer side
    image_dpi = max(images, default=0) / inches
    if inches > _LARGE_INCHES and len(images) == 1 and image_dpi * inches >= _FEW_PIXELS:
        dpi = max(1, round(min(dpi, image_dpi)))
    elif dpi * inches < _FEW_PIXELS:
        dpi = max(dpi, round(min(image_dpi, _ENOUGH_PIXELS / inches)))
    pixels = page.rect.width * page.rect.height * (dpi / _POINTS_PER_INCH) ** 2
    return max(1, int(dpi * min(1.0, (_MAX_PIXELS / max(1.0, pixels)) ** 0.5)))


def _read(
    backend: OcrBackend, image: GrayImage, number: int, dpi: int, page: tuple[float, float]
) -> OcrPage:
    try:
        recognised, tilt, turns = _read_upright(backend, image, dpi)
    except Exception as error:  # a page that fails must not stop the others
        is_known = isinstance(error, TesseractFailed)
        return OcrPage(number, failure=str(error) if is_known else type(error).__name__)
    size = page if turns % 2 == 0 else (page[1], page[0])
    shown: Affine = quarter_turned(turns, *page)
    if tilt:
        shown = rotation_about(tilt, size[0] / 2, size[1] / 2).then(shown)
    lines: list[Line] = [*lines_of(recognised, number, _POINTS_PER_INCH / dpi, size, shown)]
    return OcrPage(number, lines, None, confidence_of(recognised), turns)


def _read_upright(
    backend: OcrBackend, image: GrayImage, dpi: int
) -> tuple[list[OcrLine], float, int]:
    """The lines, the tilt that was removed (degrees), and the clockwise quarter turns made.

    Other rotations are tried only where the lines run vertically or the result has a low
    confidence; the result with the best score is returned.
    """
    sideways = is_sideways(image)
    best: tuple[list[OcrLine], float, int] = ([], 0.0, 0)
    turns = deque([*backend.quarter_turns(image, dpi, sideways), 0] if sideways else [0])
    while turns:
        turn = turns.popleft()
        upright = np.ascontiguousarray(np.rot90(image, -turn)) if turn else image
        tilt = tilt_degrees(upright)
        lines = backend(rotated(upright, tilt), dpi)
        if _score(lines) > _score(best[0]):
            best = lines, tilt, turn
        if not _is_garbage(lines):
            break
        if not sideways and turn == 0:
            turns.extend(backend.quarter_turns(image, dpi, sideways))
    return best


def _is_garbage(lines: Sequence[OcrLine]) -> bool:
    """True when there are enough characters, but with a low confidence."""
    characters = sum(len(line.text) for line in lines)
    return characters > _MIN_CHARACTERS and confidence_of(lines) < _MIN_CONFIDENCE


def _score(lines: Sequence[OcrLine]) -> float:
    return sum(len(line.text) for line in lines) * confidence_of(lines) ** 2
