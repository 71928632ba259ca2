"""Citations in plain text."""

from __future__ import annotations

import pytest

from domain.papers import Author, Metadata
from extraction.export.citation import to_citation

AUTHORS = tuple(map(Author, ("Ada Lovelace", "Charles Babbage", "Luigi Menabrea")))


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        (
            Metadata("On Engines", AUTHORS, year=1843, doi="10.1000/182"),
            "Ada Lovelace, Charles Babbage and Luigi Menabrea (1843). On Engines. "
            "https://doi.org/10.1000/182",
        ),
        (
            Metadata("Can Engines Think?", AUTHORS[:2], arxiv_id="1706.03762"),
            "Ada Lovelace and Charles Babbage. Can Engines Think? https://arxiv.org/abs/1706.03762",
        ),
        (
            Metadata("On Engines", AUTHORS[:1], year=1843, venue="Taylor's Memoirs"),
            "Ada Lovelace (1843). On Engines. Taylor's Memoirs.",
        ),
        (Metadata(authors=AUTHORS[:1], year=987), "Ada Lovelace (0987)."),
        (Metadata("Two\nLines\x1b[31m"), "Two Lines[31m."),
        (Metadata(), ""),
    ],
)
def test_citation_has_the_known_fields_on_one_line(metadata: Metadata, line: str) -> None:
    assert to_citation(metadata) == line
