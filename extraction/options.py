"""The options of reading a paper. The setting group `read` consists of them (configs.settings)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field


class LayoutMode(StrEnum):
    """On which pages the layout model looks for tables and figures."""

    OFF = "off"
    AUTO = "auto"
    ALWAYS = "always"


class OcrEngine(StrEnum):
    """The program that reads pages without a usable text layer."""

    AUTO = "auto"  # Tesseract where it is installed, else RapidOCR
    TESSERACT = "tesseract"
    RAPIDOCR = "rapidocr"
    OFF = "off"


@dataclass(frozen=True)
class ReadOptions:
    """How papers are read; independent of the machine that reads them."""

    max_pages: Annotated[int, Field(description="Maximum number of pages of a document.")] = 2000
    text_first_pages: Annotated[
        int,
        Field(
            description="Documents with more pages are searchable by their text before their "
            "tables and figures are extracted."
        ),
    ] = 60
    layout: Annotated[
        LayoutMode,
        Field(
            description="Extraction of tables and figures. off: none; auto: the layout model runs "
            "on pages where the rules find nothing; always: the layout model runs on every page."
        ),
    ] = LayoutMode.AUTO
    ocr: Annotated[
        OcrEngine,
        Field(
            description="OCR engine for pages without a usable text layer. auto: Tesseract if it "
            "is installed, else RapidOCR."
        ),
    ] = OcrEngine.AUTO
    ocr_languages: Annotated[
        str, Field(description="Languages of scanned pages in Tesseract's notation, as eng+deu.")
    ] = "eng"
    ocr_dpi: Annotated[int, Field(description="Resolution of page images for OCR, in dpi.")] = 200


@dataclass(frozen=True)
class ExtractOptions(ReadOptions):
    """Read options and the parallelism of one process."""

    ocr_workers: int = 1  # pages under OCR at the same time
    threads: int = 1  # of the layout model
