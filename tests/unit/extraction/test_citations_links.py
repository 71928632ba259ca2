"""DOIs and arXiv ids of entries that are in the links of the PDF only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.papers import Paper
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import BOLD, text_width, wrap
from tests.pdf_builder.front_pages import FrontPage

ENTRIES = (
    "Frei, A. (1971). The salt tolls of the upper valley. Alpine Review 4, 70–84. [CrossRef]",
    "Mott, C. (1982). Carriers and their dues in the years before the bridge, with an appendix of "
    "all dues that were paid at the gates of the town. Alpine Review 12, 1–29. [CrossRef]",
    "Moos, P. (1990). Salt and snow. Notes of the Oberland 2, 1–33. doi:10.5555/printed.7",
    "Nagel, Q. (1993). Passes closed in winter. Notes of the Oberland 6, 10–33.",
)
URIS = (
    "https://doi.org/10.5555/FREI.1971",
    "http://dx.doi.org/10.5555%2Fmott.1982",
    "https://doi.org/10.5555/other.9",
    "https://arxiv.org/abs/1706.03762v2",
)


class _Linked:
    """A paper whose bibliography has a link on the last word of each entry."""

    def __init__(self, columns: int) -> None:
        self.page = FrontPage()
        self.page.line("Tolls and Salt in the Mountains", 18, BOLD)
        self.page.gap(20)
        self.page.body(columns=columns)
        self.page.new_page()
        self.width = 490.0 if columns == 1 else 235.0
        self.page.line("References", 12, BOLD)
        self.places: list[pymupdf.Rect] = []

    def entry(self, text: str) -> None:
        self.page.gap(4)
        lines = wrap(text, self.width - 18)
        for number, line in enumerate(lines):
            self.page.line(line, x=60 + 18 * bool(number))
        x1 = 60 + 18 * (len(lines) > 1) + text_width(lines[-1])
        x0 = x1 - text_width(text.rsplit(" ", 1)[1])
        self.places.append(pymupdf.Rect(x0, self.page.y - 9, x1, self.page.y + 2))

    def link(self, entry: int, uri: str) -> None:
        link = {"kind": pymupdf.LINK_URI, "from": self.places[entry], "uri": uri}
        self.page.page.insert_link(link)


@pytest.mark.parametrize("columns", [1, 2])
def test_identifier_of_link_completes_its_entry(read: Callable[..., Paper], columns: int) -> None:
    paper = _Linked(columns)
    for number, (entry, uri) in enumerate(zip(ENTRIES, URIS, strict=True)):
        paper.entry(entry)
        paper.link(number, uri)
    found = read(paper.page.to_pdf()).references
    assert [(reference.doi, reference.arxiv_id) for reference in found] == [
        ("10.5555/frei.1971", None),
        ("10.5555/mott.1982", None),
        ("10.5555/printed.7", None),
        (None, "1706.03762"),
    ]
    assert [reference.raw for reference in found] == list(ENTRIES)


def test_links_to_several_works_complete_no_entry(read: Callable[..., Paper]) -> None:
    paper = _Linked(1)
    for entry in ENTRIES:
        paper.entry(entry)
    paper.link(0, "https://doi.org/10.5555/one")
    paper.link(0, "https://doi.org/10.5555/two")
    paper.link(1, "javascript:doi.org/10.x")
    paper.link(3, "https://example.org/10.5555/three")
    found = read(paper.page.to_pdf()).references
    assert [reference.doi for reference in found] == [None, None, "10.5555/printed.7", None]


def test_link_completes_printed_beginning_of_its_identifier(read: Callable[..., Paper]) -> None:
    paper = _Linked(1)
    paper.entry(ENTRIES[2])
    paper.entry(ENTRIES[3])
    paper.link(0, "https://doi.org/10.5555/printed.7.0042")
    found = read(paper.page.to_pdf()).references
    assert found[0].doi == "10.5555/printed.7.0042"
