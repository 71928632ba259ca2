"""Reads a PDF file: the lines of its pages in drawing order, and the quality of the text layers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from domain.errors import DamagedPdf, NoPages, PasswordProtected, TooManyPages
from domain.papers import PageSize
from extraction.text.lines import Line, page_lines, page_size
from extraction.text.mupdf import pymupdf
from extraction.text.running_headers import without_running_lines
from extraction.text.text_layer import PageHealth, TextLayer, page_health

OnPage = Callable[[int, int], None]

# CPU seconds; a page that takes longer is treated as a decompression bomb and not assessed: that
# would take as long again. Heuristic.
_SLOW_SECONDS = 2.0
DEFAULT_MAX_PAGES = 2000  # longer documents are refused
_NOT_ASSESSED = PageHealth(TextLayer.USABLE, "", 0)
_DOCUMENT_INFO_KEYS = ("title", "author", "subject", "keywords", "creationDate", "modDate")


@dataclass(frozen=True)
class Reading:
    """The lines of each page in the order in which the file draws them, and what is known of the
    file.

    `file_metadata` is the file's own information dictionary, with its XMP packet as "xmp". `health`
    is None for a page that could not be read. `ocred` are the numbers of pages whose lines come
    from OCR.
    """

    sizes: tuple[PageSize, ...]
    pages: tuple[list[Line], ...]
    file_metadata: Mapping[str, str]
    health: tuple[PageHealth | None, ...]
    ocred: tuple[int, ...] = ()

    @property
    def failed(self) -> tuple[int, ...]:
        """Numbers of the pages that could not be read."""
        numbered = enumerate(self.health, start=1)
        return tuple(number for number, health in numbered if health is None)

    @property
    def for_ocr(self) -> tuple[int, ...]:
        """Numbers of the pages that print text which is missing from the text layer."""
        numbered = enumerate(self.health, start=1)
        return tuple(number for number, health in numbered if health and health.needs_ocr)

    @cached_property
    def body(self) -> tuple[list[Line], ...]:
        """The pages without running headers, footers and page numbers."""
        return tuple(without_running_lines(self.pages, self.sizes))

    def with_ocr(self, read: Mapping[int, Sequence[Line]]) -> Reading:
        """Returns this reading with the lines of OCR on these pages."""
        numbered = enumerate(self.pages, start=1)
        pages = tuple(list(read.get(number, lines)) for number, lines in numbered)
        return replace(self, pages=pages, ocred=tuple(sorted(read)))

    def without(self, numbers: Sequence[int]) -> Reading:
        """Returns this reading with these pages empty."""
        return replace(self, pages=self.with_ocr(dict.fromkeys(numbers, ())).pages)


def read_pages(
    path: str | Path, *, max_pages: int = DEFAULT_MAX_PAGES, on_page: OnPage | None = None
) -> Reading:
    """Returns the lines of every page; a page that MuPDF cannot read is empty.

    Calls `on_page(done, total)` after each page. Raises PasswordProtected, DamagedPdf, NoPages and
    TooManyPages (more than `max_pages`).
    """
    with open_pdf(Path(path)) as document:
        total = page_count(document)
        if total < 1:
            raise NoPages()
        if total > max_pages:
            raise TooManyPages(
                f"The PDF has {total} pages; this service reads at most {max_pages} in one "
                "document."
            )
        sizes, pages, health = _read_all(document, total, on_page)
        file_metadata = _read_file_metadata(document)
    return Reading(tuple(sizes), tuple(pages), file_metadata, tuple(health))


def open_pdf(path: Path) -> Any:
    """Returns the MuPDF document; the caller closes it. Raises PasswordProtected and DamagedPdf."""
    try:
        document = pymupdf.open(path, filetype="pdf")
    except Exception as error:
        raise _as_extraction_error(error) from error
    if not document.is_pdf:  # MuPDF detects the type by content: it opens a web page, too
        document.close()
        raise DamagedPdf()
    # An empty user password opens a file whose restrictions concern its use only.
    if document.needs_pass and not document.authenticate(""):
        document.close()
        raise PasswordProtected()
    return document


def page_count(document: Any) -> int:
    """Returns the number of pages. Raises DamagedPdf."""
    try:
        return document.page_count
    except Exception as error:
        raise _as_extraction_error(error) from error


def _read_all(
    document: Any, total: int, on_page: OnPage | None
) -> tuple[list[PageSize], list[list[Line]], list[PageHealth | None]]:
    sizes: list[PageSize] = []
    pages: list[list[Line]] = []
    healths: list[PageHealth | None] = []
    failure: Exception | None = None
    for number in range(1, total + 1):
        size, lines, health = PageSize(number, 0.0, 0.0), list[Line](), None
        try:
            _has_warned()  # clears the warnings of earlier pages
            page = document.load_page(number - 1)
            size = page_size(page, number)
            began = time.process_time()
            lines = page_lines(page, number)
            too_slow = time.process_time() - began > _SLOW_SECONDS
            health = _NOT_ASSESSED if too_slow else page_health(page, lines)
            if health.layer is TextLayer.BLANK and _has_warned():
                health = None  # MuPDF returns an empty page for content that it cannot read
        except Exception as error:  # MuPDF's own errors share no base but Exception
            failure, lines = error, []
        sizes.append(size)
        pages.append(lines)
        healths.append(health)
        if on_page is not None:
            on_page(number, total)
    if not any(healths):
        raise _as_extraction_error(failure) if failure else DamagedPdf()
    return sizes, pages, healths


def _has_warned() -> bool:
    """True if MuPDF has warned since the last call."""
    return bool(pymupdf.TOOLS.mupdf_warnings())


def _read_file_metadata(document: Any) -> dict[str, str]:
    """Returns document information and XMP packet: evidence only, often wrong, possibly hostile."""
    found = document.metadata or {}
    file_metadata = {name: str(found[name]) for name in _DOCUMENT_INFO_KEYS if found.get(name)}
    try:
        packet = document.get_xml_metadata()
    except Exception:  # a damaged packet is ignored
        packet = ""
    return file_metadata | ({"xmp": packet} if packet else {})


def _as_extraction_error(error: Exception) -> Exception:
    """Returns DamagedPdf, or MemoryError, which is handled where the limit was set."""
    out_of_memory = isinstance(error, MemoryError) or "alloc (" in str(error)
    return MemoryError(str(error)) if out_of_memory else DamagedPdf()
