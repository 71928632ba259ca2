"""The PDF that is read before the first paper."""

from __future__ import annotations

from pathlib import Path

from extraction.steps import DEFAULTS, read_text
from extraction.warmup_pdf import write_warmup_pdf


def test_warmup_pdf_exercises_metadata_references_sections_and_tables(tmp_path: Path) -> None:
    write_warmup_pdf(tmp_path / "specimen.pdf")
    paper = read_text(tmp_path / "specimen.pdf", DEFAULTS).paper
    found = paper.metadata
    assert [author.family for author in found.authors] == ["Lovelace", "Turing"]
    assert (found.doi, found.year, found.language) == ("10.1000/specimen.1", 2020, "en")
    assert found.abstract and found.keywords == ("reading", "specimen", "warm-up")
    assert len(paper.references) == 8 and all(one.title and one.year for one in paper.references)
    assert sum(one.venue is not None for one in paper.references) >= 5
    assert len(paper.own_sections) >= 2 and len(paper.tables) == 1
