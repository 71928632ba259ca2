"""The sample papers as PDFs: `python -m samples.build` writes samples/*.pdf, same bytes always."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pymupdf

from samples.elements import ASCENT, LEADING, SMALL, strips_of, text_strips
from samples.manuscript import Kind, Manuscript, parse
from samples.pages import (
    FULL,
    MARGIN,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    TOP,
    Canvas,
    Placed,
    Strip,
    paginate,
)
from samples.setting import Line, break_lines, pieces_of, text_width
from samples.worked import values

HERE = Path(__file__).parent
PAPERS = ("durable-leases", "reading-order", "one-list-from-two")
TITLE_SIZE, AUTHOR_SIZE = 20.0, 11.0
ABSTRACT_SIZE, ABSTRACT_LEADING, ABSTRACT_INDENT = 9.0, 10.9, 34.0


def build(name: str) -> bytes:
    """The PDF of the paper whose source is `text/<name>.md`."""
    source = HERE.joinpath("text", f"{name}.md").read_text("utf-8")
    return render(parse(source, values()))


def render(paper: Manuscript) -> bytes:
    """A PDF of A4 pages in two columns, with outline and metadata."""
    document = pymupdf.open()
    first = Canvas(document.new_page(width=PAGE_WIDTH, height=PAGE_HEIGHT))
    top = _front(first, paper)
    canvases, outline = [first], list[tuple[int, str, int]]()
    strips, headings = _strips(paper)
    for number, placed in enumerate(paginate(strips, top), 1):
        if number > 1:
            canvases.append(Canvas(document.new_page(width=PAGE_WIDTH, height=PAGE_HEIGHT)))
            _running_head(canvases[-1], paper)
        _place(canvases[-1], placed)
        _page_number(canvases[-1], number)
        outline += [(*headings[id(p.strip)], number) for p in placed if id(p.strip) in headings]
        canvases[-1].close()
    return _bytes(document, paper.meta, outline)


def _strips(paper: Manuscript) -> tuple[list[Strip], dict[int, tuple[int, str]]]:
    """All strips in order; level and title of those that open a section, by strip identity."""
    strips, headings, before = list[Strip](), dict[int, tuple[int, str]](), None
    for element in paper.elements:
        if element.kind is Kind.ABSTRACT:
            continue
        made = list(strips_of(element, before))
        if element.kind is Kind.HEADING:
            headings[id(made[0])] = element.level, f"{element.label} {element.text}".strip()
        strips += made
        if not made[0].floating:
            before = element
    return strips, headings


def _place(canvas: Canvas, placed: list[Placed]) -> None:
    for item in placed:
        item.strip.draw(canvas, item.x, item.y)


def _front(canvas: Canvas, paper: Manuscript) -> float:
    """Title, authors and abstract over both columns; returns where the columns may begin."""
    y = 62.0
    for line in _title_lines(paper.meta["title"]):
        canvas.line((PAGE_WIDTH - line.width) / 2, y + ASCENT * TITLE_SIZE, line, TITLE_SIZE)
        y += TITLE_SIZE * 1.2
    y += 17.0
    canvas.centred(PAGE_WIDTH / 2, y, paper.meta["authors"], AUTHOR_SIZE)
    y += 14.0
    canvas.centred(PAGE_WIDTH / 2, y, paper.meta["place"], ABSTRACT_SIZE, "i")
    y += 26.0
    return _abstract(canvas, paper, y) + 20.0


def _title_lines(title: str) -> list[Line]:
    """The title in as few lines as it needs, these as equal in length as they can be."""
    pieces = pieces_of(title, "b", hyphenate=False)
    count = len(break_lines(pieces, TITLE_SIZE, FULL - 30, justify=False))
    for width in range(200, int(FULL)):
        lines = break_lines(pieces, TITLE_SIZE, width, justify=False)
        if len(lines) <= count and all(line.width <= width for line in lines):
            return lines
    return break_lines(pieces, TITLE_SIZE, FULL, justify=False)


def _abstract(canvas: Canvas, paper: Manuscript, y: float) -> float:
    canvas.centred(PAGE_WIDTH / 2, y, "Abstract", 10.0, "b")
    y += 5.0
    text = next(e for e in paper.elements if e.kind is Kind.ABSTRACT).text
    lines = break_lines(pieces_of(text), ABSTRACT_SIZE, FULL - 2 * ABSTRACT_INDENT)
    for strip in text_strips(lines, ABSTRACT_INDENT, ABSTRACT_SIZE, ABSTRACT_LEADING):
        strip.draw(canvas, MARGIN, y)
        y += strip.height
    return y


def _running_head(canvas: Canvas, paper: Manuscript) -> None:
    base = TOP - 22.0
    canvas.text(MARGIN, base, paper.meta["authors"], SMALL, "i")
    short = paper.meta["short"]
    canvas.text(PAGE_WIDTH - MARGIN - text_width(short, SMALL, "i"), base, short, SMALL, "i")
    canvas.rule(MARGIN, base + 4.5, PAGE_WIDTH - MARGIN, base + 4.5, 0.4)


def _page_number(canvas: Canvas, number: int) -> None:
    canvas.centred(PAGE_WIDTH / 2, PAGE_HEIGHT - 62.0 + 2.5 * LEADING, str(number), 9.0)


def _bytes(
    document: pymupdf.Document, meta: Mapping[str, str], outline: list[tuple[int, str, int]]
) -> bytes:
    """The file without anything that differs from run to run: fixed dates, no random id."""
    stamp = f"D:{meta['date'].replace('-', '')}000000Z"
    document.set_metadata(
        {
            "title": meta["title"],
            "author": meta["authors"],
            "subject": meta["subject"],
            "keywords": meta["keywords"],
            "creator": "samples/build.py",
            "producer": "PyMuPDF",
            "creationDate": stamp,
            "modDate": stamp,
        }
    )
    document.set_toc([list(entry) for entry in outline])
    document.subset_fonts()
    return document.tobytes(garbage=4, deflate=True, no_new_id=True)


def main() -> None:
    for name in PAPERS:
        HERE.joinpath(f"{name}.pdf").write_bytes(build(name))


if __name__ == "__main__":
    main()
