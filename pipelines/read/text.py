"""A PDF file -> a `Paper`: the composition of this folder's parts."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any

from domain.errors import DamagedPdf, NoPages, NoText, PasswordProtected, TooManyPages
from domain.papers import Block, BlockKind, Box, PageSize, Paper, Reference, Section
from pipelines.read.clean import clean_text, join_lines, words_of
from pipelines.read.headings import mark_headings
from pipelines.read.lines import Line, page_lines, page_size
from pipelines.read.mupdf import pymupdf
from pipelines.read.order import in_reading_order
from pipelines.read.paragraphs import Measures, Paragraph, merge_broken, paragraphs
from pipelines.read.references import find_doi, split_references
from pipelines.read.runin import without_run_in_headings
from pipelines.read.running import without_running_lines
from pipelines.read.title import find_title

OnPage = Callable[[int, int], None]


def read_paper(path: str | Path, *, max_pages: int = 2000, on_page: OnPage | None = None) -> Paper:
    """The paper in a PDF file: title, pages, blocks in reading order, sections and references.

    `on_page(done, total)` is called after each page. A page that cannot be read is skipped. Raises
    PasswordProtected, DamagedPdf, NoPages, TooManyPages (more than `max_pages`) and NoText (no page
    has a text layer).
    """
    document = _open(Path(path))
    try:
        total = _page_count(document, max_pages)
        sizes, pages = _read_pages(document, total, on_page)
        stated = clean_text(str((document.metadata or {}).get("title") or ""))
    finally:
        document.close()
    if not any(pages):
        raise NoText()
    return compose(without_running_lines(pages, sizes), sizes, stated)


def _open(path: Path) -> Any:
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


def _read_pages(
    document: Any, total: int, on_page: OnPage | None
) -> tuple[list[PageSize], list[list[Line]]]:
    """Sizes and lines of all pages; one that MuPDF cannot read is left empty."""
    sizes: list[PageSize] = []
    pages: list[list[Line]] = []
    failure: Exception | None = None
    for number in range(1, total + 1):
        size, lines = PageSize(number, 0.0, 0.0), []
        try:
            page = document.load_page(number - 1)
            size = page_size(page, number)
            lines = page_lines(page, number)
        except Exception as error:  # MuPDF's own errors share no base but Exception
            failure = error
        sizes.append(size)
        pages.append(lines)
        if on_page is not None:
            on_page(number, total)
    if failure is not None and not any(pages):
        raise _cause(failure) from failure
    return sizes, pages


def _cause(error: Exception) -> Exception:
    """DamagedPdf, but a lack of memory by its own name: who set the limit knows its meaning."""
    out_of_memory = isinstance(error, MemoryError) or "alloc (" in str(error)
    return MemoryError(str(error)) if out_of_memory else DamagedPdf()


def compose(
    pages: Sequence[list[Line]], sizes: Sequence[PageSize], stated_title: str = ""
) -> Paper:
    """The paper that these lines print; `stated_title` is the metadata's, a witness only."""
    ordered = _ordered(pages)
    lines = [line for page in ordered for line in page]
    measures = Measures(lines)
    first = next((page for page in ordered if page), [])
    title, title_lines = (
        find_title(first, sizes[first[0].page - 1], stated_title) if first else (None, [])
    )
    found = without_run_in_headings(paragraphs(lines, measures), measures)
    mark_headings(found, measures, title_lines)
    found = merge_broken(split_references(found), measures.body_size)
    words = words_of(line.text for line in lines)
    sections = _sections(found, words)
    blocks = tuple(_block(paragraph, words) for paragraph in found)
    return Paper(title, tuple(sizes), blocks, sections, _references(blocks))


def _ordered(pages: Sequence[list[Line]]) -> list[list[Line]]:
    ordered: list[list[Line]] = []
    gutter: float | None = None
    for lines in pages:
        in_order, gutter = in_reading_order(lines, gutter)
        ordered.append(in_order)
    return ordered


def _sections(found: Sequence[Paragraph], words: Container[str]) -> tuple[Section, ...]:
    """The sections, in order; sets each paragraph's `section`."""
    sections: list[Section] = []
    for paragraph in found:
        if paragraph.kind is BlockKind.HEADING:
            text = join_lines([line.text for line in paragraph.lines], words)[0]
            number = paragraph.number
            title = text[len(number) :].lstrip(".) ") if number else text
            box = _boxes(paragraph.lines)[0]
            sections.append(
                Section(len(sections), paragraph.level, number, title.rstrip(" .:"), box.page, box)
            )
        paragraph.section = len(sections) - 1 if sections else None
    return tuple(sections)


def _block(paragraph: Paragraph, words: Container[str]) -> Block:
    text, starts = join_lines([line.text for line in paragraph.lines], words)
    places = tuple((start, line.box) for start, line in zip(starts, paragraph.lines, strict=True))
    return Block(paragraph.kind, text, _boxes(paragraph.lines), paragraph.section, places)


def _boxes(lines: Sequence[Line]) -> tuple[Box, ...]:
    """One box for each column piece that the lines stand in."""
    pieces: dict[tuple[int, int], Box] = {}
    for line in lines:
        box, key = line.box, (line.page, line.part)
        pieces[key] = _joined(pieces[key], box) if key in pieces else box
    return tuple(pieces.values())


def _joined(one: Box, other: Box) -> Box:
    """The smallest box around both, on the page of the first."""
    return Box(
        one.page,
        min(one.x0, other.x0),
        min(one.y0, other.y0),
        max(one.x1, other.x1),
        max(one.y1, other.y1),
    )


def _references(blocks: Sequence[Block]) -> tuple[Reference, ...]:
    entries = [block for block in blocks if block.kind is BlockKind.REFERENCE]
    return tuple(
        Reference(ordinal, block.text, block.boxes[0].page, find_doi(block.text))
        for ordinal, block in enumerate(entries)
    )
