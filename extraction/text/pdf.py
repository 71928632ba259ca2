"""Reads a PDF file: the lines of its pages in drawing order, and the quality of the text layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from domain.errors import DamagedPdf, NoPages, PasswordProtected, TooManyPages, TruncatedPdf
from domain.papers import Box, PageSize
from extraction.geometry import is_center_in
from extraction.text.clean import words_of
from extraction.text.drawn import Graphics
from extraction.text.lines import Line
from extraction.text.links import Link, begins_references, page_links
from extraction.text.mupdf import pymupdf
from extraction.text.page_reading import PageRead, read_page
from extraction.text.running_headers import without_running_lines
from extraction.text.text_layer import PageHealth

OnPage = Callable[[int, int], None]

_HEADER, _END, _EDGE_BYTES = b"%PDF-", b"%%EOF", 1024
# ISO 32000-1, F.3.3: the first object of a linearized file states the length of the file.
_STATED_LENGTH = re.compile(rb"/Linearized\b[^>]*?/L\s+(\d{1,15})\b")
DEFAULT_MAX_PAGES = 2000  # longer documents are refused
_DOCUMENT_INFO_KEYS = ("title", "author", "subject", "keywords", "creationDate", "modDate")


@dataclass(frozen=True)
class Reading:
    """The lines of each page in the order in which the file draws them, and what is known of the
    file.

    `file_metadata` is the file's own information dictionary, with its XMP packet as "xmp". `health`
    is None for a page that could not be read. `graphics` are those of the pages where they are few.
    `ocred` are the numbers of pages with lines that come from OCR. `turns` are the pages whose text
    stands sideways, with the clockwise quarter turns of the text on the page as shown; their sizes
    and lines are those of the page turned upright. `remapped` are those at which ToUnicode maps
    were completed. `links` are those of the bibliography that lead to DOIs and to arXiv.
    """

    sizes: tuple[PageSize, ...]
    pages: tuple[list[Line], ...]
    file_metadata: Mapping[str, str]
    health: tuple[PageHealth | None, ...]
    ocred: tuple[int, ...] = ()
    graphics: tuple[Graphics | None, ...] = ()
    turns: Mapping[int, int] = field(default_factory=dict)
    remapped: tuple[int, ...] = ()
    links: tuple[Link, ...] = ()
    is_truncated: bool = False

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

    @property
    def shown(self) -> dict[int, list[Line]]:
        """The lines of the pages whose text layer holds text that they do not show."""
        numbered = enumerate(zip(self.health, self.pages, strict=True), start=1)
        return {
            number: lines for number, (health, lines) in numbered if health and health.hides_text
        }

    @property
    def unchecked(self) -> tuple[int, ...]:
        """Numbers of the pages that were not compared with what they print."""
        numbered = enumerate(self.health, start=1)
        return tuple(number for number, health in numbered if health and not health.is_checked)

    @cached_property
    def body(self) -> tuple[list[Line], ...]:
        """The pages without running headers, footers and page numbers."""
        return tuple(without_running_lines(self.pages, self.sizes))

    @cached_property
    def words(self) -> frozenset[str]:
        """The unbroken words of the body in lower case: evidence for hyphens at line ends."""
        return frozenset(words_of(line.text for page in self.body for line in page))

    def with_ocr(self, read: Mapping[int, Sequence[Line]]) -> Reading:
        """Returns this reading with the lines of OCR on these pages.

        Where only a part of a page is missing from its text layer, OCR replaces that part.
        """
        pages = tuple(
            self._replaced(number, lines, read[number]) if number in read else lines
            for number, lines in enumerate(self.pages, start=1)
        )
        ocred = tuple(number for number in sorted(read) if self._is_filled(number, read[number]))
        return replace(self, pages=pages, ocred=ocred)

    def _missing(self, number: int) -> tuple[Box, ...]:
        health = self.health[number - 1]
        return health.missing if health else ()

    def _is_filled(self, number: int, read: Sequence[Line]) -> bool:
        """False if OCR found nothing where a part of the page is missing."""
        missing = self._missing(number)
        return not missing or any(is_center_in(line.box, missing) for line in read)

    def _replaced(self, number: int, lines: list[Line], read: Sequence[Line]) -> list[Line]:
        missing = self._missing(number)
        if not missing:
            return list(read)
        kept = [line for line in lines if not is_center_in(line.box, missing)]
        return kept + [line for line in read if is_center_in(line.box, missing)]

    def without(self, numbers: Sequence[int]) -> Reading:
        """Returns this reading without what needs OCR on these pages."""
        return replace(self, pages=self.with_ocr(dict.fromkeys(numbers, ())).pages)


def read_pages(
    path: str | Path, *, max_pages: int = DEFAULT_MAX_PAGES, on_page: OnPage | None = None
) -> Reading:
    """Returns the lines of every page; a page that MuPDF cannot read is empty.

    Calls `on_page(done, total)` after each page. Raises PasswordProtected, DamagedPdf,
    TruncatedPdf, NoPages and TooManyPages (more than `max_pages`).
    """
    with opened_reading(path, max_pages=max_pages, on_page=on_page) as (reading, _):
        return reading


@contextmanager
def opened_reading(
    path: str | Path, *, max_pages: int = DEFAULT_MAX_PAGES, on_page: OnPage | None = None
) -> Iterator[tuple[Reading, Any]]:
    """Yields the result of `read_pages` and the document as it was read, which is closed after it.

    Another look at an open document costs a tenth less than a document that is opened again.
    """
    path = Path(path)
    with ExitStack() as stack:
        try:
            document = stack.enter_context(open_pdf(path))
            reading = _read(document, path, max_pages, on_page)
        except (DamagedPdf, NoPages) as error:
            if is_truncated(path):
                raise TruncatedPdf() from error
            raise
        yield reading, document


def is_truncated(path: Path) -> bool:
    """True if the file begins as a PDF and nowhere has the mark at the end of a PDF, or is shorter
    than a linearized PDF says it is."""
    with path.open("rb") as file:
        begin = file.read(_EDGE_BYTES)
        if _HEADER not in begin:
            return False
        with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            stated = _STATED_LENGTH.search(begin)
            is_short = stated is not None and int(stated[1]) > len(content)
            return is_short or content.find(_END) < 0


def _read(document: Any, path: Path, max_pages: int, on_page: OnPage | None) -> Reading:
    total = page_count(document)
    if total < 1:
        raise NoPages()
    if total > max_pages:
        raise TooManyPages(
            f"The PDF has {total} pages; this service reads at most {max_pages} in one document."
        )
    pages = _read_all(document, total, on_page)
    return Reading(
        tuple(page.size for page in pages),
        tuple(page.lines for page in pages),
        _read_file_metadata(document),
        tuple(page.health for page in pages),
        graphics=tuple(page.graphics for page in pages),
        turns={page.size.number: page.turn for page in pages if page.turn},
        remapped=tuple(page.size.number for page in pages if page.is_remapped),
        links=tuple(_reference_links(document, pages)),
        is_truncated=document.is_repaired and is_truncated(path),
    )


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


def _read_all(document: Any, total: int, on_page: OnPage | None) -> list[PageRead]:
    pages: list[PageRead] = []
    for number in range(1, total + 1):
        pages.append(read_page(document, number))
        if on_page is not None:
            on_page(number, total)
    if not any(page.health for page in pages):
        failures = [page.failure for page in pages if page.failure]
        raise _as_extraction_error(failures[-1]) if failures else DamagedPdf()
    return pages


def _reference_links(document: Any, pages: Sequence[PageRead]) -> Iterator[Link]:
    """Yields the links of the upright pages from the bibliography's heading on."""
    in_references = False
    for page in pages:
        in_references = in_references or begins_references(page.lines)
        if in_references and page.health and not page.turn:
            with suppress(Exception):  # MuPDF's errors have no base class but Exception
                yield from page_links(document[page.size.number - 1], page.size.number)


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
