"""What stands among the entries of a bibliography and is none: footnotes and line numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.papers import BlockKind, Paper
from tests.pdf_builder.canvas import BOLD, wrap
from tests.pdf_builder.front_pages import FrontPage

NAMES = ("Adler", "Boll", "Carl", "Dahl", "Egger", "Frei", "Gass", "Huber")
ENTRIES = [
    f"{name}, Anna. “The salt tolls of the valley in the years of the {name.lower()}.” Alpine "
    f"Review {number}, no. 2 ({1970 + number}): 70–84."
    for number, name in enumerate(NAMES, 1)
]
NOTES = (
    "The accounts of the gate are lost. See also the archive of the town, box twelve.",
    "The toll of 1698 was paid in salt, as the guild had asked before the winter.",
)


def _bibliography(page: FrontPage, entries: list[str], width: float) -> None:
    for entry in entries:
        page.gap(2)
        for number, line in enumerate(wrap(entry, width - 14, 10)):
            page.line(line, 10, x=60 + 14 * bool(number))


@pytest.mark.parametrize("mark", ["{}. ", "{} ", "^{{{}}}", "* "])
@pytest.mark.parametrize("is_numbered", [False, True])
@pytest.mark.parametrize("columns", [1, 2])
def test_footnotes_below_bibliography_are_no_entries(
    read: Callable[..., Paper], mark: str, is_numbered: bool, columns: int
) -> None:
    if is_numbered and mark in ("{}. ", "{} "):
        pytest.skip("only their type tells such notes from numbered entries")
    entries = [f"{n}. {entry}" if is_numbered else entry for n, entry in enumerate(ENTRIES, 1)]
    width = 490.0 if columns == 1 else 235.0
    page = FrontPage()
    page.line("Tolls and Salt in the Mountains", 18, BOLD)
    page.gap(20)
    page.body(10.5, columns=columns)
    page.new_page()
    page.gap(380)
    page.line("Bibliography", 12, BOLD)
    _bibliography(page, entries[:4], width)
    page.y = 720
    for number, note in enumerate(NOTES, 6):
        page.paragraph(f"{mark.format(number)}{note}", 7.5, width=width)
    page.new_page()
    _bibliography(page, entries[4:], width)
    paper = read(page.to_pdf())
    assert [reference.raw for reference in paper.references] == entries
    notes = [block.text for block in paper.blocks if block.kind is BlockKind.FOOTNOTE]
    assert all(any(note in text for text in notes) for note in NOTES)


def test_line_number_behind_bibliography_is_no_entry(read: Callable[..., Paper]) -> None:
    page = FrontPage()
    page.line("Tolls and Salt in the Mountains", 18, BOLD)
    page.gap(20)
    page.body(columns=1)
    page.new_page()
    page.line("References", 12, BOLD)
    _bibliography(page, ENTRIES, 490.0)
    page.gap(60)
    page.line("114", 7, x=40)
    paper = read(page.to_pdf())
    assert [reference.raw for reference in paper.references] == ENTRIES
