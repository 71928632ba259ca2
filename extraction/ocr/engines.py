"""Detects the installed OCR engines and selects one."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass

from domain.errors import OcrUnavailable
from extraction.ocr import tesseract
from extraction.options import OcrEngine


@dataclass(frozen=True, slots=True)
class InstalledEngine:
    """An OCR engine of this machine; `languages` are those it has data for."""

    engine: OcrEngine
    version: str
    languages: tuple[str, ...]


def available_engines() -> list[InstalledEngine]:
    """Returns the installed OCR engines, the best first."""
    found: list[InstalledEngine] = []
    if (version := tesseract.version()) is not None:
        languages = tuple(sorted(tesseract.languages()))
        found.append(InstalledEngine(OcrEngine.TESSERACT, version, languages))
    if (version := _rapid_version()) is not None:
        # It has one model for Latin letters, Chinese and Japanese, and no language option.
        found.append(InstalledEngine(OcrEngine.RAPIDOCR, version, ()))
    return found


def choose_engine(wanted: OcrEngine, languages: str = "eng") -> OcrEngine:
    """Returns the engine to use: TESSERACT, RAPIDOCR or OFF.

    AUTO prefers Tesseract if it has data for all `languages` ("eng+deu"). Raises OcrUnavailable
    when the wanted engine, or the data of a language, is not installed.
    """
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
