"""RapidOCR: PP-OCR's models on ONNX Runtime, for machines without Tesseract.

It is about five times slower than Tesseract and a little better on clean small type. Its models
are part of its wheel and are loaded by path, so it never downloads them. It finds lines, not
columns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

# ONNX Runtime otherwise keeps a database of usage in ~/.cache/Microsoft.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import rapidocr

from extraction.ocr.recognized_words import GrayImage, OcrLine, OcrWord, tight_word

_MODELS = Path(rapidocr.__file__).parent / "models"
_LONGEST_SIDE = 2400  # pixels; A4 at 200 dpi is not scaled down
_MIN_SCORE = 0.3  # confidence, 0 to 1; RapidOCR drops lines below it
_BOX_EMS, _BELOW_BASE = 1.22, 0.29  # its boxes in ems: height, and depth below the baseline
_TALL_BOX = 1.5  # times its width; the text of a taller box is rotated (heuristic)


class RapidReader:
    """An `OcrBackend` that reads one image at a time on `threads` cores, with about 1.2 GB."""

    def __init__(self, threads: int) -> None:
        self._read = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Global.return_word_box": True,
                "Global.text_score": _MIN_SCORE,
                "Global.max_side_len": _LONGEST_SIDE,
                "Det.model_path": str(_model("det")),
                "Rec.model_path": str(_model("rec")),
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            }
        )

    def __call__(self, image: GrayImage, dpi: int) -> list[OcrLine]:
        """Returns the lines on an image from top to bottom."""
        found: Any = self._read(image)
        if found.boxes is None or not found.txts:
            return []
        matched = len(found.word_results) == len(found.txts)
        words = found.word_results if matched else [()] * len(found.txts)
        parts = zip(found.boxes, found.txts, found.scores, words, strict=True)
        return [_line(np.asarray(box), text, score, of_line) for box, text, score, of_line in parts]

    def quarter_turns(self, image: GrayImage, dpi: int, sideways: bool) -> list[int]:
        """Returns clockwise quarter turns that may make the text upright."""
        return [1, 3] if sideways else [2]


def _model(part: str) -> Path:
    return next(_MODELS.glob(f"*_{part}_small.onnx"))


def _line(box: Any, text: str, score: float, words: Sequence[Any]) -> OcrLine:
    """The line of a box with the corners top left, top right, bottom right, bottom left."""
    x0, y0 = map(float, box.min(axis=0))
    x1, y1 = map(float, box.max(axis=0))
    if y1 - y0 > _TALL_BOX * (x1 - x0) and len(text) > 2:
        return OcrLine((OcrWord(text, x0, y0, x1, y1, score),), y1, 0.0, 1)
    left, right = float(box[[0, 3], 0].mean()), float(box[[1, 2], 0].mean())
    slope = float(box[1, 1] - box[0, 1]) / max(1.0, right - left)
    em = float(box[3, 1] - box[0, 1]) / _BOX_EMS
    base = float(box[3, 1]) - _BELOW_BASE * em
    placed = [
        tight_word(word, start, end, base + slope * (start - left), em, confidence)
        for word, start, end, confidence in _words(text, score, words, left, right)
    ]
    return OcrLine(tuple(placed), base + slope * (placed[0].x0 - left), slope)


def _words(
    text: str, score: float, words: Sequence[Any], left: float, right: float
) -> Iterator[tuple[str, float, float, float]]:
    """Yields the words of the line: text, left end, right end, confidence.

    RapidOCR has a box for each Latin word and each Chinese character. Where its words do not spell
    the line, the line's width is shared among its characters in equal parts.
    """
    begins, ends = _ends(text, words) or _by_length(text, left, right)
    place = 0
    for word in text.split():
        start = text.index(word, place)
        place = start + len(word)
        yield word, begins[start], ends[place - 1], score


def _ends(text: str, words: Sequence[Any]) -> tuple[list[float], list[float]] | None:
    """The left ends and right ends of the boxes of all characters; None if words do not match."""
    begins, ends = [0.0] * len(text), [0.0] * len(text)
    covered, place = 0, 0
    for word, _, box in words:
        start = text.find(word, place)
        if start < 0 or not word:
            return None
        place = start + len(word)
        xs = [float(corner[0]) for corner in box]
        begins[start:place], ends[start:place] = [min(xs)] * len(word), [max(xs)] * len(word)
        covered += len(word.replace(" ", ""))
    return (begins, ends) if covered == len("".join(text.split())) else None


def _by_length(text: str, left: float, right: float) -> tuple[list[float], list[float]]:
    step = (right - left) / max(1, len(text))
    begins = [left + step * index for index in range(len(text))]
    return begins, [begin + step for begin in begins]
