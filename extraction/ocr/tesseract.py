"""Tesseract, one process per page; its layout analysis separates columns.

Images and results go through pipes, so no files are left on disk. The result format is hOCR, not
TSV, because it has baselines and with them the tilt of the page.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from domain.parser_environment import parser_environment
from extraction.ocr.recognized_words import GrayImage, OcrLine, OcrWord

_MIN_CONFIDENCE = 0.15  # of a word, 0 to 1; words below it are specks (heuristic)
_TAG = re.compile(
    r"<span class='(?P<kind>ocr_line|ocr_textfloat|ocr_header|ocr_caption|ocrx_word)'"
    r"[^<>]*?title=(?P<quote>['\"])(?P<title>[^<>\n]*?)(?P=quote)[^<>]*>"
    r"(?P<inside>[^<]*(?:<(?:strong|em)>[^<]*)*)"
)
_BOX = re.compile(r"bbox (\d+) (\d+) (\d+) (\d+)")
_BASELINE = re.compile(r"baseline (-?[\d.]+) (-?[\d.]+)")
_ANGLE = re.compile(r"textangle (\d+)")
_CONFIDENCE = re.compile(r"x_wconf (\d+)")
_ROTATE = re.compile(rb"Rotate: (\d+)")


class TesseractFailed(Exception):
    """Tesseract exited with an error, could not be started, or exceeded its time limit."""


@lru_cache(maxsize=1)
def version() -> str | None:
    """The version of the installed program, None if there is none."""
    if shutil.which("tesseract") is None:
        return None
    completed = _completed("--version")
    first = (completed.stdout or completed.stderr).partition("\n")[0]
    return first.removeprefix("tesseract").strip() if completed.returncode == 0 else None


@lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """The languages with installed data, such as "eng" or "deu"."""
    if version() is None:
        return frozenset()
    return frozenset(_completed("--list-langs").stdout.split("\n")[1:]) - {"", "osd"}


def _completed(option: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["tesseract", option],
        capture_output=True,
        text=True,
        check=False,
        env=parser_environment(),
    )


@dataclass(frozen=True, slots=True)
class TesseractReader:
    """An `OcrBackend` that starts a process per image; several languages: "eng+deu"."""

    languages: str
    timeout_seconds: float

    def __call__(self, image: GrayImage, dpi: int) -> list[OcrLine]:
        """Returns the lines on the image, column by column. Raises TesseractFailed."""
        hocr = self._run(image, dpi, ["-l", self.languages, "--psm", "3", "hocr"])
        return list(_lines(hocr.decode("utf-8", "replace")))

    def quarter_turns(self, image: GrayImage, dpi: int, sideways: bool) -> list[int]:
        """Returns the clockwise quarter turns that make the text upright; [] when undecided."""
        try:
            found = _ROTATE.search(self._run(image, dpi, ["-l", "osd", "--psm", "0"]))
        except TesseractFailed:  # too few letters, or no orientation data installed
            return []
        turns = int(found[1]) // 90 % 4 if found else 0
        return [turns] if turns else []

    def _run(self, image: GrayImage, dpi: int, options: list[str]) -> bytes:
        rows, columns = image.shape
        pgm = b"P5 %d %d 255\n" % (columns, rows) + image.tobytes()
        # Threads inside Tesseract cost more than they gain; pages run in parallel instead.
        environment = {**parser_environment(), "OMP_THREAD_LIMIT": "1"}
        try:
            completed = subprocess.run(
                ["tesseract", "stdin", "stdout", "--dpi", str(dpi), *options],
                input=pgm,
                capture_output=True,
                timeout=self.timeout_seconds,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TesseractFailed(f"OCR took more than {self.timeout_seconds:.0f} s") from error
        except OSError as error:
            raise TesseractFailed(f"Tesseract could not be started ({error.strerror})") from error
        if completed.returncode != 0:
            raise TesseractFailed(f"Tesseract ended with status {completed.returncode}")
        return completed.stdout


def _lines(hocr: str) -> Iterator[OcrLine]:
    words: list[OcrWord] = []
    line_title = ""
    for tag in _TAG.finditer(hocr):
        if tag["kind"] == "ocrx_word":
            words.extend(_word(tag))
            continue
        if words:
            yield _line(line_title, words)
        words, line_title = [], tag["title"]
    if words:
        yield _line(line_title, words)


def _word(tag: re.Match[str]) -> Iterator[OcrWord]:
    """Yields the word of a tag, or nothing without text, box or sufficient confidence."""
    text = html.unescape(re.sub("<[^<>]+>", "", tag["inside"])).strip()
    box, percent = _BOX.search(tag["title"]), _CONFIDENCE.search(tag["title"])
    if not text or box is None or percent is None:
        return
    confidence = int(percent[1]) / 100
    if confidence >= _MIN_CONFIDENCE:
        yield OcrWord(text, *map(float, box.groups()), confidence)  # pyright: ignore[reportCallIssue]


def _line(title: str, words: list[OcrWord]) -> OcrLine:
    """The line whose hOCR properties are in `title`.

    hOCR counts the angle counterclockwise. The offset of the baseline is measured at the left end
    of the box, from its bottom.
    """
    box, angle, baseline = _BOX.search(title), _ANGLE.search(title), _BASELINE.search(title)
    if angle is not None and int(angle[1]) % 360:
        return OcrLine(tuple(words), words[0].y1, 0.0, (4 - int(angle[1]) // 90) % 4)
    if box is None or baseline is None:
        return OcrLine(tuple(words), max(word.y1 for word in words))
    slope, offset = float(baseline[1]), float(baseline[2])
    base = float(box[4]) + offset + slope * (words[0].x0 - float(box[1]))
    return OcrLine(tuple(words), base, slope)
