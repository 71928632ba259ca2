"""Draws the extraction results on the pages of papers, for visual inspection.

    python -m tests.quality.debug_overlay PDF... --out build/gallery

Takes files and folders. Writes a PNG of each page, an HTML page for each paper, and `index.html`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rich.console import Console

from domain.errors import PaperworksError
from domain.papers import BlockKind, Box, Figure, Paper, Section, Table
from extraction.export.table_formats import full_caption, to_html
from extraction.render import Colour, Mark, marked_png
from extraction.steps import read_whole

_BLOCKS: dict[BlockKind, Colour] = {
    BlockKind.TEXT: (0.25, 0.45, 0.85),
    BlockKind.ABSTRACT: (0.1, 0.65, 0.85),
    BlockKind.HEADING: (0.85, 0.1, 0.1),
    BlockKind.CAPTION: (0.6, 0.2, 0.7),
    BlockKind.REFERENCE: (0.45, 0.45, 0.1),
    BlockKind.FOOTNOTE: (0.5, 0.5, 0.5),
    BlockKind.EQUATION: (0.0, 0.6, 0.6),
    BlockKind.CODE: (0.3, 0.3, 0.3),
    BlockKind.ASIDE: (0.7, 0.55, 0.4),
}
_SECTION: Colour = (0.85, 0.1, 0.1)
_TABLE: Colour = (0.95, 0.5, 0.0)
_FIGURE: Colour = (0.1, 0.6, 0.2)
_FILL_OPACITY = 0.1
_FRAME, _BOLD_FRAME = 0.6, 1.8  # points

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; color: #222 }
img { max-width: 100%; border: 1px solid #ccc } figure { margin: 0 0 1.5rem }
.pages { display: grid; grid-template-columns: repeat(auto-fill, minmax(32rem, 1fr)); gap: 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-size: 13px }
td, th { border: 1px solid #bbb; padding: .15rem .4rem; text-align: left; vertical-align: top }
.key { padding: .1rem .4rem; margin-right: .4rem; color: #fff; border-radius: .2rem }
"""


@dataclass(frozen=True, slots=True)
class GalleryEntry:
    """One paper of the gallery: its folder, and the paper or the reason why there is none."""

    folder: str
    paper: Paper | None
    problem: str = ""


def marks_of(paper: Paper, number: int) -> list[Mark]:
    """Returns the marks of a page: numbered blocks; thick frames for sections, tables, figures."""
    return [mark for mark in _marks(paper) if mark.box.page == number]


def _marks(paper: Paper) -> Iterator[Mark]:
    for order, block in enumerate(paper.blocks, 1):
        for box in block.boxes:
            yield Mark(box, _BLOCKS[block.kind], _FILL_OPACITY, _FRAME, str(order))
    for section in paper.sections:
        yield _thick(section.box, _SECTION, 0, f"level {section.level}")
    for table in paper.tables:
        for box in table.boxes:
            yield _thick(box, _TABLE, _FILL_OPACITY, table.label or f"table {table.number}")
    for figure in paper.figures:
        yield _thick(figure.box, _FIGURE, _FILL_OPACITY, figure.label or f"figure {figure.number}")


def _thick(box: Box, colour: Colour, opacity: float, label: str) -> Mark:
    return Mark(box, colour, opacity, _BOLD_FRAME, label, is_label_above=True)


def make_gallery(
    paths: Sequence[Path], out: Path, *, dpi: int = 110, max_pages: int = 40
) -> list[GalleryEntry]:
    """Writes the gallery to `out` and returns its entries; a paper that fails has the reason.

    A folder stands for the PDFs in it. Of each paper the first `max_pages` pages are drawn.
    """
    entries: list[GalleryEntry] = []
    for path in _pdfs(paths):
        folder = _free_name(path.stem, {entry.folder for entry in entries})
        try:
            paper = read_whole(path)
            _write_paper(path, paper, out / folder, dpi, max_pages)
            entries.append(GalleryEntry(folder, paper))
        except PaperworksError as error:
            entries.append(GalleryEntry(folder, None, error.message))
    out.mkdir(parents=True, exist_ok=True)
    out.joinpath("index.html").write_text(_index(entries), "utf-8")
    return entries


def _pdfs(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.pdf")) if path.is_dir() else (path,)


def _free_name(stem: str, taken: set[str]) -> str:
    """The stem, with a number when another paper of the gallery has the same one."""
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _write_paper(path: Path, paper: Paper, folder: Path, dpi: int, max_pages: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images: list[str] = []
    for size in paper.pages[:max_pages]:
        name = f"page-{size.number:03}.png"
        marks = marks_of(paper, size.number)
        folder.joinpath(name).write_bytes(marked_png(path, size.number, marks, dpi=dpi))
        images.append(name)
    folder.joinpath("index.html").write_text(_paper_page(path.name, paper, images), "utf-8")


def _index(entries: Sequence[GalleryEntry]) -> str:
    heads = ("paper", "title", "pages", "sections", "tables", "figures", "references")
    head = "".join(f"<th>{name}</th>" for name in heads)
    rows = "".join(map(_index_row, entries))
    return _html("Extraction results", f"<table><tr>{head}</tr>{rows}</table>")


def _index_row(entry: GalleryEntry) -> str:
    folder = escape(entry.folder)
    if entry.paper is None:
        return f'<tr><td>{folder}</td><td colspan="6">{escape(entry.problem)}</td></tr>'
    paper = entry.paper
    parts = (paper.pages, paper.sections, paper.tables, paper.figures, paper.references)
    counts = "".join(f"<td>{len(part)}</td>" for part in parts)
    link = f'<a href="{folder}/index.html">{folder}</a>'
    return f"<tr><td>{link}</td><td>{escape(paper.title or '')}</td>{counts}</tr>"


def _paper_page(name: str, paper: Paper, images: Sequence[str]) -> str:
    pages = "".join(
        f'<figure><img src="{image}" alt="page {number}" loading="lazy"></figure>'
        for number, image in enumerate(images, 1)
    )
    parts = [
        f"<p>{escape(name)} · <a href='../index.html'>all papers</a></p>",
        _key(),
        f'<div class="pages">{pages}</div>',
        _sections(paper.sections),
        *(f"{_heading(table)}{to_html(table)}" for table in paper.tables),
        *map(_heading, paper.figures),
    ]
    return _html(paper.title or name, "\n".join(parts))


def _key() -> str:
    colours = [(str(kind), colour) for kind, colour in _BLOCKS.items()]
    colours += [("table", _TABLE), ("figure", _FIGURE)]
    spans = ""
    for kind, colour in colours:
        rgb = ", ".join(f"{part:.0%}" for part in colour)
        spans += f'<span class="key" style="background: rgb({rgb})">{kind}</span>'
    return f"<p>{spans}</p>"


def _sections(sections: Sequence[Section]) -> str:
    rows = "".join(
        f'<li style="margin-left: {section.level - 1}rem">'
        f"{escape(' '.join(filter(None, (section.number, section.title))))} "
        f"(page {section.page})</li>"
        for section in sections
    )
    return f"<h2>Sections</h2><ul>{rows}</ul>" if rows else ""


def _heading(captioned: Table | Figure) -> str:
    return f"<h3>{escape(full_caption(captioned))} (page {captioned.page})</h3>"


def _html(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 1 when a paper failed or there are none."""
    parser = argparse.ArgumentParser(prog="tests.quality.debug_overlay", description=__doc__)
    parser.add_argument("papers", nargs="+", type=Path, help="PDF files, or folders of them")
    parser.add_argument("--out", type=Path, default=Path("build/gallery"), help="folder to write")
    parser.add_argument("--dpi", type=int, default=110)
    parser.add_argument("--pages", type=int, default=40, help="pages drawn of each paper")
    chosen = parser.parse_args(arguments)
    entries = make_gallery(chosen.papers, chosen.out, dpi=chosen.dpi, max_pages=chosen.pages)
    console = Console(soft_wrap=True)
    for entry in entries:
        if entry.paper is None:
            console.print(f"{entry.folder}: {entry.problem}", markup=False)
    console.print(f"{chosen.out / 'index.html'}: {len(entries)} papers", markup=False)
    return int(any(entry.paper is None for entry in entries) or not entries)


if __name__ == "__main__":
    sys.exit(main())
