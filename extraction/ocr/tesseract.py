"""Tesseract, one process for each page: its own layout analysis reads columns apart.

Pictures go in and hOCR comes out through pipes, so that nothing is left behind on the disk. hOCR
and not TSV, because it tells base lines, and with them the tilt of the page.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache

from domain.parser_environment import parser_environment
from extraction.ocr.recognized_words import Picture, SeenLine, SeenWord

_LEAST_CONFIDENCE = 0.15
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
    """Tesseract ended with an error, or not in time."""


@lru_cache(maxsize=1)
def version() -> str | None:
    """The version of the program, None where there is none."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    told = subprocess.run(
        [program, "--version"],
        capture_output=True,
        text=True,
        check=False,
        env=parser_environment(),
    )
    first = (told.stdout or told.stderr).partition("\n")[0]
    return first.removeprefix("tesseract").strip() if told.returncode == 0 else None


@lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """The languages it has data for, as "eng" or "deu"."""
    if version() is None:
        return frozenset()
    told = subprocess.run(
        ["tesseract", "--list-langs"],
        capture_output=True,
        text=True,
        check=False,
        env=parser_environment(),
    )
    return frozenset(told.stdout.split("\n")[1:]) - {"", "osd"}


def recognise(picture: Picture, dpi: int, wanted: str, timeout_seconds: float) -> list[SeenLine]:
    """The lines on the picture, column by column. `wanted` is one language or more: "eng+deu".

    Raises TesseractFailed.
    """
    answer = _run(picture, dpi, ["-l", wanted, "--psm", "3", "hocr"], timeout_seconds)
    return list(_lines(answer.decode("utf-8", "replace")))


def quarter_turns(picture: Picture, dpi: int, timeout_seconds: float) -> int:
    """How many quarter turns (clockwise) make the text upright; 0 when it cannot tell."""
    try:
        found = _ROTATE.search(_run(picture, dpi, ["-l", "osd", "--psm", "0"], timeout_seconds))
    except TesseractFailed:  # too few letters to judge by, or no data for it
        return 0
    return int(found[1]) // 90 % 4 if found else 0


def _run(picture: Picture, dpi: int, options: list[str], timeout_seconds: float) -> bytes:
    rows, columns = picture.shape
    grey_map = b"P5 %d %d 255\n" % (columns, rows) + picture.tobytes()
    # Threads inside Tesseract cost more than they gain; pages run side by side instead.
    environment = {**parser_environment(), "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(
            ["tesseract", "stdin", "stdout", "--dpi", str(dpi), *options],
            input=grey_map,
            capture_output=True,
            timeout=timeout_seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TesseractFailed(f"OCR took more than {timeout_seconds:.0f} s") from error
    except OSError as error:
        raise TesseractFailed(f"Tesseract could not be started ({error.strerror})") from error
    if done.returncode != 0:
        raise TesseractFailed(f"Tesseract ended with status {done.returncode}")
    return done.stdout


def _lines(hocr: str) -> Iterator[SeenLine]:
    words: list[SeenWord] = []
    place = ""
    for tag in _TAG.finditer(hocr):
        if tag["kind"] == "ocrx_word":
            words.extend(_word(tag))
            continue
        if words:
            yield _line(place, words)
        words, place = [], tag["title"]
    if words:
        yield _line(place, words)


def _word(tag: re.Match[str]) -> Iterator[SeenWord]:
    text = html.unescape(re.sub("<[^<>]+>", "", tag["inside"])).strip()
    box, sure = _BOX.search(tag["title"]), _CONFIDENCE.search(tag["title"])
    if not text or box is None or sure is None:
        return
    confidence = int(sure[1]) / 100
    if confidence >= _LEAST_CONFIDENCE:
        yield SeenWord(text, *map(float, box.groups()), confidence)  # pyright: ignore[reportCallIssue]


def _line(place: str, words: list[SeenWord]) -> SeenLine:
    box, angle, baseline = _BOX.search(place), _ANGLE.search(place), _BASELINE.search(place)
    if angle is not None and int(angle[1]) % 360:
        # hOCR counts the angle anticlockwise.
        return SeenLine(tuple(words), words[0].y1, 0.0, (4 - int(angle[1]) // 90) % 4)
    if box is None or baseline is None:
        return SeenLine(tuple(words), max(word.y1 for word in words))
    slope, offset = float(baseline[1]), float(baseline[2])
    # The offset is that of the base line at the left end of the box, from the box's bottom.
    base = float(box[4]) + offset + slope * (words[0].x0 - float(box[1]))
    return SeenLine(tuple(words), base, slope)
