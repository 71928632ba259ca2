"""Which OCR programs are installed, and which of them reads."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass

from domain.errors import OcrUnavailable
from extraction.ocr import tesseract
from extraction.options import OcrEngine


@dataclass(frozen=True, slots=True)
class InstalledEngine:
    """An OCR program of this machine; `languages` are those it has data for."""

    engine: OcrEngine
    version: str
    languages: tuple[str, ...]


def available_engines() -> list[InstalledEngine]:
    """The OCR programs that are installed, best first."""
    found: list[InstalledEngine] = []
    if (version := tesseract.version()) is not None:
        languages = tuple(sorted(tesseract.languages()))
        found.append(InstalledEngine(OcrEngine.TESSERACT, version, languages))
    if (version := _rapid_version()) is not None:
        # One model for all: Latin letters, Chinese and Japanese; it does not ask for a language.
        found.append(InstalledEngine(OcrEngine.RAPIDOCR, version, ()))
    return found


def choose_engine(wanted: OcrEngine, languages: str = "eng") -> OcrEngine:
    """The engine that will read: TESSERACT, RAPIDOCR or OFF. Raises OcrUnavailable."""
    if wanted is OcrEngine.OFF:
        return wanted
    installed = {engine.engine: engine for engine in available_engines()}
    if wanted is not OcrEngine.RAPIDOCR and OcrEngine.TESSERACT in installed:
        missing = set(languages.split("+")) - set(installed[OcrEngine.TESSERACT].languages)
        if not missing:
            return OcrEngine.TESSERACT
        if wanted is OcrEngine.TESSERACT or OcrEngine.RAPIDOCR not in installed:
            packages = " ".join(f"tesseract-ocr-{name}" for name in sorted(missing))
            raise OcrUnavailable(f"Tesseract lacks the data of a language; install {packages}.")
    if wanted is not OcrEngine.TESSERACT and OcrEngine.RAPIDOCR in installed:
        return OcrEngine.RAPIDOCR
    if wanted is OcrEngine.TESSERACT:
        raise OcrUnavailable("Tesseract is not installed; install tesseract-ocr.")
    if wanted is OcrEngine.RAPIDOCR:
        raise OcrUnavailable("RapidOCR is not installed; install rapidocr and onnxruntime.")
    raise OcrUnavailable()


def _rapid_version() -> str | None:
    try:
        importlib.metadata.version("onnxruntime")
        return importlib.metadata.version("rapidocr")
    except importlib.metadata.PackageNotFoundError:
        return None
