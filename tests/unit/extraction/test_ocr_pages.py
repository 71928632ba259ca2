"""OCR of scans with known text, by all installed engines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from domain.errors import OcrUnavailable
from extraction.ocr import engines, pages, tesseract
from extraction.ocr.engines import InstalledEngine, available_engines, choose_engine
from extraction.ocr.pages import OcrPage, ocr_pages
from extraction.options import OcrEngine
from extraction.text.lines import Line, page_lines
from extraction.text.mupdf import pymupdf
from extraction.text.order import in_reading_order
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.pages import make_pages
from tests.pdf_builder.papers import Part, make_paper
from tests.pdf_builder.scans import make_scan

TITLE = "Green Synthesis of Silver Nanoparticles"
PAPER = make_paper(TITLE, [Part("1 Introduction", [LOREM]), Part("2 Methods", [LOREM * 3])])
COLUMNS = make_paper(TITLE, [Part("1 Introduction", [LOREM * 2]), Part("2 Methods", [LOREM * 5])])
INSTALLED = [engine.engine for engine in available_engines()]


def needs_an_engine(test: Callable[..., None]) -> Callable[..., None]:
    """Decorates a test that reads scans with whichever engine there is."""
    reason = "no OCR engine: apt-get install tesseract-ocr, or pip install rapidocr"
    return pytest.mark.models(pytest.mark.skipif(not INSTALLED, reason=reason)(test))


def needs_tesseract(test: Callable[..., None]) -> Callable[..., None]:
    """Decorates a test that reads scans with Tesseract."""
    missing = OcrEngine.TESSERACT not in INSTALLED
    reason = "no Tesseract: apt-get install tesseract-ocr"
    return pytest.mark.models(pytest.mark.skipif(missing, reason=reason)(test))


def words(lines: list[Line]) -> Counter[str]:
    return Counter(re.findall(r"\w+", " ".join(line.text for line in lines).lower()))


def f1(found: Counter[str], expected: Counter[str]) -> float:
    return 2 * (found & expected).total() / (found.total() + expected.total())


def truth(pdf: bytes) -> list[Line]:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return page_lines(document[0], 1)


def body(lines: list[Line]) -> list[str]:
    """The full lines of the columns, without titles, headers and footers."""
    return [line.text for line in lines if len(line.text) > 35 and line.text.islower()]


def read(folder: Path, pdf: bytes, engine: OcrEngine = OcrEngine.AUTO) -> OcrPage:
    path = folder / "scan.pdf"
    path.write_bytes(pdf)
    return next(iter(ocr_pages(path, [1], engine=engine)))


@cache
def read_scan(
    tilt: float = 0.6, quarter_turns: int = 0, engine: OcrEngine = OcrEngine.AUTO
) -> OcrPage:
    """Reads a scan of PAPER once: OCR of a page takes seconds."""
    with TemporaryDirectory() as folder:
        return read(Path(folder), make_scan(PAPER, tilt=tilt, quarter_turns=quarter_turns), engine)


@needs_an_engine
@pytest.mark.parametrize("engine", INSTALLED)
def test_ocr_reads_tilted_noisy_scan(engine: OcrEngine) -> None:
    page = read_scan(engine=engine)
    assert page.failure is None
    assert f1(words(page.lines), words(truth(PAPER))) >= 0.95


@needs_an_engine
@pytest.mark.parametrize("tilt", [-1.0, 1.0])
def test_ocr_keeps_columns_in_reading_order(tmp_path: Path, tilt: float) -> None:
    lines, gutter = in_reading_order(read(tmp_path, make_scan(COLUMNS, tilt=tilt)).lines)
    expected, _ = in_reading_order(truth(COLUMNS))
    assert gutter is not None
    assert body(lines) == body(expected)


@needs_an_engine
@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_ocr_boxes_match_page_as_shown(quarter_turns: int) -> None:
    page = read_scan(0.0, quarter_turns)
    box = next(line.box for line in page.lines if line.text == TITLE)
    printed = next(line.box for line in truth(PAPER) if line.text == TITLE)
    with pymupdf.open(stream=PAPER, filetype="pdf") as document:
        width, height = document[0].rect.width, document[0].rect.height
    corners = [(printed.x0, printed.y0), (printed.x1, printed.y1)]
    for _ in range(quarter_turns):
        corners, width, height = [(height - y, x) for x, y in corners], height, width
    (ax, ay), (bx, by) = corners
    expected = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx(expected, abs=5)
    assert page.quarter_turns == (4 - quarter_turns) % 4


@needs_an_engine
def test_ocr_boxes_of_tilted_page_cover_ink() -> None:
    flat = {line.text: line for line in read_scan(0.0).lines}
    tilted = {line.text: line for line in read_scan(1.0).lines}
    first, last = "1 Introduction", TITLE
    drop = {text: flat[text].box.y0 - tilted[text].box.y0 for text in (first, last)}
    # Rotated counterclockwise about the center, the left half of the page moves down.
    assert drop[first] < -2
    assert abs(flat[first].base - tilted[first].base) < 1.0  # the lines themselves are straightened


@needs_an_engine
def test_ocr_normalizes_font_sizes() -> None:
    lines = read_scan().lines
    sizes = Counter(line.size for line in lines if line.text.islower()).most_common()
    assert len(sizes) == 1
    assert sizes[0][0] == pytest.approx(10, rel=0.06)
    title = next(line for line in lines if line.text == TITLE)
    expected = next(line.size for line in truth(PAPER) if line.text == TITLE)
    assert title.size == pytest.approx(expected, rel=0.1)


@needs_tesseract
def test_ocr_yields_pages_in_order_and_reports_progress(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    parts = [Part("1 Introduction", [LOREM * 40])]
    path.write_bytes(make_scan(make_paper(TITLE, parts), keep={1}, dpi=100))
    progress: list[tuple[int, int]] = []
    numbers = [
        page.number
        for page in ocr_pages(
            path,
            [2, 1],
            workers=2,
            dpi=100,
            on_page=lambda done, total: progress.append((done, total)),
        )
    ]
    assert numbers == [2, 1]
    assert progress == [(1, 2), (2, 2)]


@needs_tesseract
def test_ocr_timeout_fails_single_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(PAPER)
    recognise = tesseract.TesseractReader.__call__
    limits = iter([0.001, 60.0])
    monkeypatch.setattr(
        tesseract.TesseractReader,
        "__call__",
        lambda reader, picture, dpi: recognise(
            replace(reader, timeout_seconds=next(limits)), picture, dpi
        ),
    )
    late, good = ocr_pages(path, [1, 1], engine=OcrEngine.TESSERACT, workers=1)
    assert late.failure is not None and "more than" in late.failure
    assert good.failure is None and good.lines


@needs_an_engine
def test_ocr_missing_page_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(make_paper(TITLE, []))
    missing, good = ocr_pages(path, [9, 1])
    assert missing.failure is not None and not missing.lines
    assert good.lines


@needs_an_engine
def test_ocr_empty_page_has_no_lines(tmp_path: Path) -> None:
    page = read(tmp_path, make_scan(make_pages("")))
    assert page.failure is None
    assert page.lines == []


def test_ocr_off_yields_nothing(tmp_path: Path) -> None:
    assert list(ocr_pages(tmp_path / "none.pdf", [1], engine=OcrEngine.OFF)) == []


@pytest.mark.parametrize(
    ("width", "height", "picture", "expected"),
    [
        (595, 842, (1654, 2339), 200),  # A4, scanned at 200 dpi
        (595, 842, (4960, 7016), 200),  # at 600 dpi: not more than requested
        (1700, 2338, (1700, 2338), 72),  # one point per pixel
        (120, 170, (1654, 2339), 991),  # the size of a stamp
        (2384, 3370, None, 139),  # an A0 poster within the pixel limit
    ],
)
def test_ocr_render_bounds_image_size(
    width: int, height: int, picture: tuple[int, int] | None, expected: int
) -> None:
    document = pymupdf.open()
    page = document.new_page(width=width, height=height)
    if picture:
        pixels = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, *picture), False)
        pixels.clear_with(255)
        page.insert_image(page.rect, pixmap=pixels)
    image, dpi = pages.render(page, 200)
    assert dpi == pytest.approx(expected, abs=1)
    assert image.size <= 31_000_000


def fake_installed(monkeypatch: pytest.MonkeyPatch, *installed: InstalledEngine) -> None:
    monkeypatch.setattr(engines, "available_engines", lambda: list(installed))


TESSERACT = InstalledEngine(OcrEngine.TESSERACT, "5.3.0", ("eng",))
RAPIDOCR = InstalledEngine(OcrEngine.RAPIDOCR, "3.10.0", ())


def test_choose_engine_auto_prefers_best_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_installed(monkeypatch, TESSERACT, RAPIDOCR)
    assert choose_engine(OcrEngine.AUTO) is OcrEngine.TESSERACT
    assert choose_engine(OcrEngine.AUTO, "jpn") is OcrEngine.RAPIDOCR
    assert choose_engine(OcrEngine.RAPIDOCR) is OcrEngine.RAPIDOCR
    fake_installed(monkeypatch, RAPIDOCR)
    assert choose_engine(OcrEngine.AUTO) is OcrEngine.RAPIDOCR


def test_choose_engine_names_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_installed(monkeypatch, TESSERACT)
    with pytest.raises(OcrUnavailable, match="tesseract-ocr-deu"):
        choose_engine(OcrEngine.AUTO, "eng+deu")
    with pytest.raises(OcrUnavailable, match="rapidocr"):
        choose_engine(OcrEngine.RAPIDOCR)
    fake_installed(monkeypatch)
    with pytest.raises(OcrUnavailable, match="no OCR program"):
        choose_engine(OcrEngine.AUTO)
