"""The sample papers that `make demo` uploads: three PDFs of this project, with text and a title."""

from __future__ import annotations

from extraction.text.mupdf import pymupdf
from serve_app.cli.demo import SAMPLES

TITLES = {
    "durable-leases": "Durable Leases: What a Job Queue Owes a Document",
    "one-list-from-two": "One List from Two: Fusing Dense and Lexical Retrieval over "
    "Scientific Text",
    "reading-order": "Reading Order on Two-Column Pages: From Glyphs to Passages",
}
LEAST_CHARACTERS_OF_A_PAGE = 1_000


def test_sample_papers_have_text_and_a_title() -> None:
    found = {}
    for path in SAMPLES.glob("*.pdf"):
        with pymupdf.open(path) as paper:
            found[path.stem] = (paper.metadata or {})["title"]
            assert 3 <= paper.page_count <= 4
            assert all(len(page.get_text()) > LEAST_CHARACTERS_OF_A_PAGE for page in paper)
    assert found == TITLES
