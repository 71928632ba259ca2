"""The paper's own DOI and arXiv id, and not one that it cites."""

from __future__ import annotations

import pytest

from tests.pdf_builder.front_pages import HEIGHT, FrontPage, simple

OWN = "10.1234/basil.2020.17"


def page() -> FrontPage:
    return simple(["Jane Doe and John Roe"])


PLACES = {
    "header": (60, 30, f"Journal of Basil, doi: {OWN}"),
    "footer": (60, HEIGHT - 30, f"https://doi.org/{OWN}"),
    "label in capitals": (60, 34, f"DOI:{OWN.upper()}"),
    "identifier": (60, HEIGHT - 60, f"Digital Object Identifier {OWN}"),
    "citation": (60, 145, f"Cite this article as: Doe J. Basil. 2020;3:17. doi:{OWN}."),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_doi_is_found_at_usual_positions(place: tuple[float, float, str]) -> None:
    made = page()
    made.first()
    made.put(*place, 8)
    metadata = made.front().metadata
    assert metadata.doi == OWN
    assert metadata.evidence["doi"].confidence >= 0.6


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("Peer review under responsibility of Somewhere University.", f"http://dx.doi.org/{OWN}"),
        ("and nothing else was found in them.", f"(J Basil 2020;22(1):e17) doi: {OWN}"),
    ],
    ids=["below who answers for the review", "behind the journal's citation"],
)
def test_doi_is_found_in_text_of_first_page(above: str, line: str) -> None:
    made = page()
    made.first()
    made.put(60, 640, above, 8)
    made.put(60, 650, line, 8)
    assert made.front().metadata.doi == OWN


def test_doi_broken_at_line_end_is_joined() -> None:
    made = page()
    made.first()
    made.put(60, 20, "https://doi.org/10.1371/journal.", 7)
    made.put(60, 28.5, "pone.0193451", 7)
    assert made.front().metadata.doi == "10.1371/journal.pone.0193451"


def test_doi_ignores_data_references_and_running_text() -> None:
    made = page()
    made.first()
    made.put(60, 700, "The data set is at https://doi.org/10.5281/zenodo.12345", 9)
    made.put(60, 712, "as was shown before (doi:10.9999/other.1) by others in the field", 9)
    made.page = made.document[1]
    made.put(60, 30, "References", 12)
    made.put(60, 50, "1. Roe J. Rats. 2001. https://doi.org/10.9999/cited.2", 9)
    assert made.front().metadata.doi is None


def test_doi_confidence_rises_with_matching_file_metadata() -> None:
    made = page()
    xmp = f"<prism:doi>{OWN}</prism:doi>"
    alone = made.front({"xmp": xmp}).metadata
    assert alone.doi == OWN
    made.first()
    made.put(60, 30, f"doi: {OWN}", 8)
    both = made.front({"xmp": xmp}).metadata
    assert both.doi == OWN
    assert both.evidence["doi"].confidence > alone.evidence["doi"].confidence


def test_doi_excludes_figure_suffix_and_brackets() -> None:
    made = page()
    made.first()
    made.put(60, 30, "(doi: 10.1016/S0140-6736(20)30183-5).", 8)
    assert made.front().metadata.doi == "10.1016/s0140-6736(20)30183-5"
    made = page()
    made.first()
    made.put(60, 30, "https://doi.org/10.1371/journal.pone.0193451.g001", 8)
    assert made.front().metadata.doi == "10.1371/journal.pone.0193451"


def test_arxiv_id_is_read_from_margin_stamp() -> None:
    made = page()
    made.stamp("arXiv:2005.01234v2 [cs.CL] 3 Jan 2021")
    assert made.front().metadata.arxiv_id == "2005.01234"
    made = page()
    made.stamp("arXiv:hep-th/9901001v1 4 Jan 1999")
    assert made.front().metadata.arxiv_id == "hep-th/9901001"


def test_arxiv_id_ignores_cited_preprints() -> None:
    made = page()
    made.first()
    made.put(60, 700, "Roe, J. Rats and basil. arXiv preprint arXiv:1810.04805 (2018)", 9)
    assert made.front().metadata.arxiv_id is None


def test_identifiers_are_none_without_evidence() -> None:
    metadata = page().front().metadata
    assert (metadata.doi, metadata.arxiv_id) == (None, None)
    assert "doi" not in metadata.evidence
