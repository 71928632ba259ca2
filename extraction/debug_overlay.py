"""Papers with what was read from them drawn on their pages, to be looked at.

    python -m extraction.debug_overlay PDF... --out build/gallery

Takes files and folders; writes a PNG of each page, a page of HTML for each paper, and `index.html`.
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
from domain.papers import Block, BlockKind, Box, Cell, Figure, Paper, Section, Table
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
_GROUND, _FRAME, _BOLD_FRAME = 0.1, 0.6, 1.8

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; color: #222 }
img { max-width: 100%; border: 1px solid #ccc } figure { margin: 0 0 1.5rem }
.pages { display: grid; grid-template-columns: repeat(auto-fill, minmax(32rem, 1fr)); gap: 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-size: 13px }
td, th { border: 1px solid #bbb; padding: .15rem .4rem; text-align: left; vertical-align: top }
.key { padding: .1rem .4rem; margin-right: .4rem; color: #fff; border-radius: .2rem }
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One paper of the gallery: its folder in it, and the paper or why there is none."""

    folder: str
    paper: Paper | None
    problem: str = ""


def marks_of(paper: Paper, number: int) -> list[Mark]:
    """What to draw on a page: blocks with their place in the reading order, then sections, tables
    and figures with thick frames."""
    marks = [mark for order, block in enumerate(paper.blocks, 1) for mark in _block(order, block)]
    marks += [
        Mark(one.box, _SECTION, 0, _BOLD_FRAME, f"level {one.level}", is_label_above=True)
        for one in paper.sections
    ]
    for table in paper.tables:
        name = table.label or f"table {table.number}"
        marks += [
            Mark(box, _TABLE, _GROUND, _BOLD_FRAME, name, is_label_above=True)
            for box in table.boxes
        ]
    for figure in paper.figures:
        name = figure.label or f"figure {figure.number}"
        marks.append(Mark(figure.box, _FIGURE, _GROUND, _BOLD_FRAME, name, is_label_above=True))
    return [mark for mark in marks if mark.box.page == number]


def _block(order: int, block: Block) -> Iterator[Mark]:
    for box in block.boxes:
        yield Mark(box, _BLOCKS[block.kind], _GROUND, _FRAME, str(order))


def make_gallery(
    paths: Sequence[Path], out: Path, *, dpi: int = 110, most_pages: int = 40
) -> list[Shown]:
    """The papers as written to `out`; one that cannot be read is shown with the reason.

    Folders stand for the PDFs in them; of each paper the first `most_pages` pages are drawn.
    """
    shown: list[Shown] = []
    for path in _pdfs(paths):
        folder = _free_name(path.stem, {one.folder for one in shown})
        try:
            paper = read_whole(path)
            _write_paper(path, paper, out / folder, dpi, most_pages)
            shown.append(Shown(folder, paper))
        except PaperworksError as error:
            shown.append(Shown(folder, None, error.message))
    out.mkdir(parents=True, exist_ok=True)
    out.joinpath("index.html").write_text(_index(shown), "utf-8")
    return shown


def _pdfs(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.pdf")) if path.is_dir() else (path,)


def _free_name(stem: str, taken: set[str]) -> str:
    """The stem, with a number when another paper of the gallery has it."""
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _write_paper(path: Path, paper: Paper, folder: Path, dpi: int, most_pages: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images: list[str] = []
    for size in paper.pages[:most_pages]:
        name = f"page-{size.number:03}.png"
        marks = marks_of(paper, size.number)
        folder.joinpath(name).write_bytes(marked_png(path, size.number, marks, dpi=dpi))
        images.append(name)
    folder.joinpath("index.html").write_text(_paper_page(path.name, paper, images), "utf-8")


def _index(shown: Sequence[Shown]) -> str:
    rows = "".join(
        f'<tr><td><a href="{escape(one.folder)}/index.html">{escape(one.folder)}</a></td>'
        f"<td>{escape(one.paper.title or '')}</td>{_counts(one.paper)}</tr>"
        if one.paper
        else f'<tr><td>{escape(one.folder)}</td><td colspan="6">{escape(one.problem)}</td></tr>'
        for one in shown
    )
    heads = ("paper", "title", "pages", "sections", "tables", "figures", "references")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return _html("What was read", f"<table><tr>{head}</tr>{rows}</table>")


def _counts(paper: Paper) -> str:
    parts = (paper.pages, paper.sections, paper.tables, paper.figures, paper.references)
    return "".join(f"<td>{len(part)}</td>" for part in parts)


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
        *map(_table, paper.tables),
        *map(_figure, paper.figures),
    ]
    return _html(paper.title or name, "\n".join(parts))


def _key() -> str:
    colours = [(str(kind), colour) for kind, colour in _BLOCKS.items()]
    colours += [("table", _TABLE), ("figure", _FIGURE)]
    spans = (
        f'<span class="key" style="background: rgb({_percent(colour)})">{kind}</span>'
        for kind, colour in colours
    )
    return f"<p>{''.join(spans)}</p>"


def _percent(colour: Colour) -> str:
    return ", ".join(f"{part:.0%}" for part in colour)


def _sections(sections: Sequence[Section]) -> str:
    rows = "".join(
        f'<li style="margin-left: {one.level - 1}rem">'
        f"{escape(' '.join(filter(None, (one.number, one.title))))} (page {one.page})</li>"
        for one in sections
    )
    return f"<h2>Sections</h2><ul>{rows}</ul>" if rows else ""


def _table(table: Table) -> str:
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    return f"{_heading(table.label, table.caption, table.boxes[0])}<table>{rows}</table>"


def _cell(cell: Cell) -> str:
    kind = "th" if cell.header else "td"
    spans = f' rowspan="{cell.rowspan}" colspan="{cell.colspan}"'
    return f"<{kind}{spans}>{escape(cell.text)}</{kind}>"


def _figure(figure: Figure) -> str:
    return _heading(figure.label, figure.caption, figure.box)


def _heading(label: str | None, caption: str | None, box: Box) -> str:
    return f"<h3>{escape(label or '')} (page {box.page})</h3><p>{escape(caption or '')}</p>"


def _html(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 when a paper could not be read."""
    parser = argparse.ArgumentParser(prog="extraction.debug_overlay", description=__doc__)
    parser.add_argument("papers", nargs="+", type=Path, help="PDF files, or folders of them")
    parser.add_argument("--out", type=Path, default=Path("build/gallery"), help="folder to write")
    parser.add_argument("--dpi", type=int, default=110)
    parser.add_argument("--pages", type=int, default=40, help="pages drawn of each paper")
    chosen = parser.parse_args(arguments)
    shown = make_gallery(chosen.papers, chosen.out, dpi=chosen.dpi, most_pages=chosen.pages)
    console = Console(soft_wrap=True)
    for one in shown:
        if one.paper is None:
            console.print(f"{one.folder}: {one.problem}", markup=False)
    console.print(f"{chosen.out / 'index.html'}: {len(shown)} papers", markup=False)
    return int(any(one.paper is None for one in shown) or not shown)


if __name__ == "__main__":
    sys.exit(main())
