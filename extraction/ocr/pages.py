"""Pages of a PDF that are pictures -> their lines, several pages at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from extraction.ocr import tesseract
from extraction.ocr.engines import choose_engine
from extraction.ocr.placed import Affine, TypeSizes, lines_of, quarter_turned, turn_about
from extraction.ocr.recognized_words import Picture, SeenLine, confidence_of
from extraction.ocr.tilt import lies_on_side, tilt_degrees, turned
from extraction.options import OcrEngine
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf

OnPage = Callable[[int, int], None]

_MOST_PIXELS = 30_000_000  # 30 MB in grey: an A2 sheet at 200 dpi
_FEW_PIXELS, _ENOUGH_PIXELS = 1600, 2340  # on the longer side; A4 has 2340 at 200 dpi
_LARGE_INCHES = 17  # longer than A3
_GARBAGE = 0.6  # upright text is read with a confidence above 0.8, upside down below 0.5


@dataclass(frozen=True, slots=True)
class OcrPage:
    """What OCR read on a page: `lines`, or `failure`, the reason why it could not.

    `confidence` is the program's own, 0 to 1; `quarter_turns` (clockwise) is what it took to set
    the page upright.
    """

    number: int
    lines: list[Line] = field(default_factory=list)
    failure: str | None = None
    confidence: float = 0.0
    quarter_turns: int = 0


class Reader(Protocol):
    """An OCR program."""

    def __call__(self, picture: Picture, dpi: int) -> list[SeenLine]:
        """The lines on a picture, as it lies. Raises an exception for a page it cannot read."""
        ...

    def quarter_turns(self, picture: Picture, dpi: int, on_side: bool) -> list[int]:
        """Quarter turns (clockwise) that may set the text upright, likely ones first."""
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
    """The pages with these numbers (from 1) as OCR reads them, in that order; none with OFF.

    `workers` pages are read at a time, each on one core (RapidOCR: one page on so many). Sizes of
    type are estimates, one for lines that look alike. `on_page(done, total)` is called after each
    page. A page that fails says why and the others go on. `languages` ("eng+deu") is Tesseract's.
    Raises OcrUnavailable at the call, and what MuPDF raises for a file it cannot open.
    """
    chosen = choose_engine(engine, languages)
    if chosen is OcrEngine.OFF or not numbers:
        return iter(())
    if chosen is OcrEngine.TESSERACT:
        reader: Reader = _Tesseract(languages, timeout_seconds)
        return _pages(path, numbers, reader, max(1, workers), dpi, on_page)
    from extraction.ocr.rapid import RapidReader  # 1 s and 200 MB, only where it is used

    return _pages(path, numbers, RapidReader(max(1, workers)), 1, dpi, on_page)


@dataclass(frozen=True, slots=True)
class _Tesseract:
    languages: str
    timeout_seconds: float

    def __call__(self, picture: Picture, dpi: int) -> list[SeenLine]:
        return tesseract.recognise(picture, dpi, self.languages, self.timeout_seconds)

    def quarter_turns(self, picture: Picture, dpi: int, on_side: bool) -> list[int]:
        turn = tesseract.quarter_turns(picture, dpi, self.timeout_seconds)
        return [turn] if turn else []


def _pages(
    path: str | Path,
    numbers: Sequence[int],
    reader: Reader,
    workers: int,
    dpi: int,
    on_page: OnPage | None,
) -> Iterator[OcrPage]:
    sizes, done = TypeSizes(), 0
    with pymupdf.open(path) as document, ThreadPoolExecutor(workers, "ocr") as pool:
        if document.needs_pass:
            document.authenticate("")  # opens a file that only restricts what may be done with it
        waiting: deque[Future[OcrPage]] = deque()
        try:
            for number in [*numbers, *[None] * (workers + 1)]:
                # MuPDF is not thread safe, so pictures are made here, one ahead of the workers.
                if number is not None:
                    waiting.append(pool.submit(_task(document, number, reader, dpi)))
                if waiting and (number is None or len(waiting) > workers):
                    page = waiting.popleft().result()
                    sizes.settle(page.lines)
                    done += 1
                    if on_page is not None:
                        on_page(done, len(numbers))
                    yield page
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _task(document: Any, number: int, reader: Reader, dpi: int) -> Callable[[], OcrPage]:
    """What a worker has to do for a page."""
    try:
        page = document[number - 1]
        picture, used_dpi = render(page, dpi)
    except Exception as error:  # MuPDF's own errors share no base but Exception
        failed = OcrPage(number, failure=f"the page could not be drawn ({type(error).__name__})")
        return lambda: failed
    return partial(_read, reader, picture, number, used_dpi, (page.rect.width, page.rect.height))


def render(page: Any, dpi: int) -> tuple[Picture, int]:
    """The page as shown, in grey, and its dots per inch: fewer where there would be too many."""
    used = _fitting_dpi(page, dpi)
    pixels = page.get_pixmap(dpi=used, colorspace=pymupdf.csGRAY, alpha=False)
    rows = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.stride)
    return rows[:, : pixels.width].copy(), used


def _fitting_dpi(page: Any, dpi: int) -> int:
    """The dpi wanted, or that of the page's own picture where the page claims an odd size: some
    programs make a page of 1 point for each pixel, or one the size of a stamp."""
    inches = max(page.rect.width, page.rect.height) / 72
    pictures = [max(image[2], image[3]) for image in page.get_images()]
    own = max(pictures, default=0) / inches
    if inches > _LARGE_INCHES and len(pictures) == 1 and own * inches >= _FEW_PIXELS:
        dpi = max(1, round(min(dpi, own)))
    elif dpi * inches < _FEW_PIXELS:
        dpi = max(dpi, round(min(own, _ENOUGH_PIXELS / inches)))
    pixels = page.rect.width * page.rect.height * (dpi / 72) ** 2
    return max(1, int(dpi * min(1.0, (_MOST_PIXELS / max(1.0, pixels)) ** 0.5)))


def _read(
    reader: Reader, picture: Picture, number: int, dpi: int, page: tuple[float, float]
) -> OcrPage:
    try:
        seen, straightened, turns = _upright(reader, picture, dpi)
    except Exception as error:  # one page must not take the others with it
        reason = (
            str(error) if isinstance(error, tesseract.TesseractFailed) else type(error).__name__
        )
        return OcrPage(number, failure=reason)
    size = page if turns % 2 == 0 else (page[1], page[0])
    shown: Affine = quarter_turned(turns, *page)
    if straightened:
        shown = turn_about(straightened, size[0] / 2, size[1] / 2).then(shown)
    lines: list[Line] = [*lines_of(seen, number, 72 / dpi, size, shown)]
    return OcrPage(number, lines, None, confidence_of(seen), turns)


def _upright(reader: Reader, picture: Picture, dpi: int) -> tuple[list[SeenLine], float, int]:
    """What was read, the degrees that the picture was tilted by, and the quarter turns (clockwise)
    that set it upright. Other turns are tried only where lines stand upright or what was read is
    garbage; the best reading wins."""
    on_side = lies_on_side(picture)
    best: tuple[list[SeenLine], float, int] = ([], 0.0, 0)
    turns = deque([*reader.quarter_turns(picture, dpi, on_side), 0] if on_side else [0])
    while turns:
        turn = turns.popleft()
        straight = np.ascontiguousarray(np.rot90(picture, -turn)) if turn else picture
        tilt = tilt_degrees(straight)
        seen = reader(turned(straight, tilt), dpi)
        if _worth(seen) > _worth(best[0]):
            best = seen, tilt, turn
        if not _is_garbage(seen):
            break
        if not on_side and turn == 0:
            turns.extend(reader.quarter_turns(picture, dpi, on_side))
    return best


def _is_garbage(seen: Sequence[SeenLine]) -> bool:
    """True when letters were seen, but not recognised."""
    return sum(len(line.text) for line in seen) > 20 and confidence_of(seen) < _GARBAGE


def _worth(seen: Sequence[SeenLine]) -> float:
    return sum(len(line.text) for line in seen) * confidence_of(seen) ** 2
