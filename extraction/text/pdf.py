"""A PDF file -> the lines of its pages and what they are worth, before they are put in order."""

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

# A page that takes so long is a bomb; to look at it once more would take as long again.
_SLOW_SECONDS = 2.0
_UNKNOWN = PageHealth(TextLayer.USABLE, "", 0)
_STATED = ("title", "author", "subject", "keywords", "creationDate", "modDate")


@dataclass(frozen=True)
class Reading:
    """The lines of each page in the order the file draws them, and what was noticed on the way.

    `stated` is the file's own dictionary, with its XMP packet as "xmp". `health` is None for a page
    that could not be read. `ocred` are the numbers of pages whose lines come from OCR.
    """

    sizes: tuple[PageSize, ...]
    pages: tuple[list[Line], ...]
    stated: Mapping[str, str]
    health: tuple[PageHealth | None, ...]
    ocred: tuple[int, ...] = ()

    @property
    def failed(self) -> tuple[int, ...]:
        """Numbers of the pages that could not be read."""
        numbered = enumerate(self.health, start=1)
        return tuple(number for number, health in numbered if health is None)

    @property
    def for_ocr(self) -> tuple[int, ...]:
        """Numbers of the pages where something is printed that the text layer does not say."""
        numbered = enumerate(self.health, start=1)
        return tuple(number for number, health in numbered if health and health.needs_ocr)

    @cached_property
    def body(self) -> tuple[list[Line], ...]:
        """The pages without what runs along their borders."""
        return tuple(without_running_lines(self.pages, self.sizes))

    def with_ocr(self, read: Mapping[int, Sequence[Line]]) -> Reading:
        """This reading with the lines of OCR on these pages."""
        numbered = enumerate(self.pages, start=1)
        pages = tuple(list(read.get(number, lines)) for number, lines in numbered)
        return replace(self, pages=pages, ocred=tuple(sorted(read)))

    def without(self, numbers: Sequence[int]) -> Reading:
        """This reading with nothing on these pages."""
        return replace(self, pages=self.with_ocr(dict.fromkeys(numbers, ())).pages)


def read_pages(
    path: str | Path, *, max_pages: int = 2000, on_page: OnPage | None = None
) -> Reading:
    """The lines of every page; one that MuPDF cannot read is left empty.

    `on_page(done, total)` is called after each page. Raises PasswordProtected, DamagedPdf, NoPages
    and TooManyPages (more than `max_pages`).
    """
    document = open_pdf(Path(path))
    try:
        total = _page_count(document, max_pages)
        sizes, pages, health = _read_all(document, total, on_page)
        stated = _stated(document)
    finally:
        document.close()
    return Reading(tuple(sizes), tuple(pages), stated, tuple(health))


def open_pdf(path: Path) -> Any:
    """The open MuPDF document; close it. Raises PasswordProtected and DamagedPdf."""
    try:
        document = pymupdf.open(path, filetype="pdf")
    except Exception as error:
        raise _cause(error) from error
    if not document.is_pdf:  # MuPDF goes by the content: it would read a web page under this name
        document.close()
        raise DamagedPdf()
    # An empty user password opens a file that only restricts what may be done with it.
    if document.needs_pass and not document.authenticate(""):
        document.close()
        raise PasswordProtected()
    return document


def _page_count(document: Any, max_pages: int) -> int:
    try:
        total = document.page_count
    except Exception as error:
        raise _cause(error) from error
    if total < 1:
        raise NoPages()
    if total > max_pages:
        raise TooManyPages(
            f"The PDF has {total} pages; this service reads at most {max_pages} in one document."
        )
    return total


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
            _complained()  # what it said of other pages is no matter of this one
            page = document.load_page(number - 1)
            size = page_size(page, number)
            began = time.process_time()
            lines = page_lines(page, number)
            too_slow = time.process_time() - began > _SLOW_SECONDS
            health = _UNKNOWN if too_slow else page_health(page, lines)
            if health.layer is TextLayer.BLANK and _complained():
                health = None  # MuPDF made an empty page of something that it could not read
        except Exception as error:  # MuPDF's own errors share no base but Exception
            failure, lines = error, []
        sizes.append(size)
        pages.append(lines)
        healths.append(health)
        if on_page is not None:
            on_page(number, total)
    if not any(healths):
        raise _cause(failure) if failure else DamagedPdf()
    return sizes, pages, healths


def _complained() -> bool:
    """True when MuPDF has warned since the last time that it was asked."""
    return bool(pymupdf.TOOLS.mupdf_warnings())


def _stated(document: Any) -> dict[str, str]:
    """Witnesses only: what a program wrote into the file is often wrong, and may be hostile."""
    found = document.metadata or {}
    stated = {name: str(found[name]) for name in _STATED if found.get(name)}
    try:
        packet = document.get_xml_metadata()
    except Exception:  # a damaged packet says nothing
        packet = ""
    return stated | ({"xmp": packet} if packet else {})


def _cause(error: Exception) -> Exception:
    """DamagedPdf, but a lack of memory by its own name: who set the limit knows its meaning."""
    out_of_memory = isinstance(error, MemoryError) or "alloc (" in str(error)
    return MemoryError(str(error)) if out_of_memory else DamagedPdf()
