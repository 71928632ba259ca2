"""The sample papers are what their sources give, and look like papers to a reader of PDFs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pymupdf
import pytest

from samples import build, worked
from samples.manuscript import Element, Kind, Manuscript, parse
from samples.pages import BOTTOM, COLUMN, GUTTER, MARGIN, TOP
from samples.setting import break_lines, pieces_of

LARGEST_FILE_BYTES = 300_000


@pytest.fixture(scope="module", params=build.PAPERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def committed(name: str) -> bytes:
    return build.HERE.joinpath(f"{name}.pdf").read_bytes()


@pytest.fixture(scope="module")
def paper(committed: bytes) -> pymupdf.Document:
    return pymupdf.open("pdf", committed)


@pytest.fixture(scope="module")
def manuscript(name: str) -> Manuscript:
    source = build.HERE.joinpath("text", f"{name}.md").read_text("utf-8")
    return parse(source, worked.values())


def lines(page: pymupdf.Page) -> list[dict[str, Any]]:
    content = cast(dict[str, Any], page.get_text("dict", flags=pymupdf.TEXTFLAGS_TEXT))
    return [line for block in content["blocks"] for line in block["lines"]]


def spans(page: pymupdf.Page) -> list[dict[str, Any]]:
    return [span for line in lines(page) for span in line["spans"]]


def text_of(paper: pymupdf.Document) -> str:
    return "\n".join(str(page.get_text()) for page in paper)


def is_numbered_heading(element: Element) -> bool:
    return element.kind is Kind.HEADING and element.label != ""


def plain(text: str) -> str:
    """Letters and digits only: what is left of a text whatever its line breaks and marks."""
    return re.sub(r"[^\w]|_", "", text).lower()


def test_two_builds_give_the_same_bytes(name: str) -> None:
    assert build.build(name) == build.build(name)


def test_the_committed_file_is_what_its_source_gives(name: str, paper: pymupdf.Document) -> None:
    """Page by page: another PyMuPDF may write other bytes for the same text."""
    rebuilt = pymupdf.open("pdf", build.build(name))
    assert [page.get_text() for page in paper] == [page.get_text() for page in rebuilt]


def test_size_pages_and_metadata(
    committed: bytes, paper: pymupdf.Document, manuscript: Manuscript
) -> None:
    assert len(committed) < LARGEST_FILE_BYTES
    assert 3 <= len(paper) <= 4
    metadata = paper.metadata or {}
    assert metadata["title"] == manuscript.meta["title"]
    assert metadata["author"] == "The Paperworks Authors"


def test_the_title_is_the_largest_type(paper: pymupdf.Document, manuscript: Manuscript) -> None:
    largest = max(span["size"] for page in paper for span in spans(page))
    title = "".join(s["text"] for s in spans(paper[0]) if s["size"] == pytest.approx(largest))
    assert title.strip() == manuscript.meta["title"]


def test_headings_captions_and_references_are_there(paper: pymupdf.Document) -> None:
    text = text_of(paper)
    for pattern in (r"^Abstract\s*$", r"^1 Introduction\s*$", r"^References\s*$"):
        assert re.search(pattern, text, re.MULTILINE)
    for pattern in (r"^Figure 1\. ", r"^Table 1\. ", r"^\[1\] ", r"^\d\.1 "):
        assert re.search(pattern, text, re.MULTILINE)
    assert re.search(r"[a-z]- ?\n[a-z]", text), "no word is broken at a line's end"


def test_pages_one_and_two_have_two_columns(paper: pymupdf.Document) -> None:
    right_edge = MARGIN + COLUMN + GUTTER
    for page in (paper[0], paper[1]):
        starts = [round(line["bbox"][0], 1) for line in lines(page)]
        assert sum(start == pytest.approx(MARGIN, abs=0.6) for start in starts) > 20
        assert sum(start == pytest.approx(right_edge, abs=0.6) for start in starts) > 20


def test_nothing_leaves_its_column(paper: pymupdf.Document) -> None:
    left_end, right_start = MARGIN + COLUMN, MARGIN + COLUMN + GUTTER
    for page in paper:
        opening = page.search_for("1 Introduction") if page.number == 0 else []
        top = opening[0].y0 - 3 if opening else TOP - 4
        for span in spans(page):
            x0, y0, x1, y1 = span["bbox"]
            if top < y0 and y1 < BOTTOM + 4:
                assert x1 <= left_end + 3 or x0 >= right_start - 3, span["text"]
            assert x0 >= MARGIN - 1 and x1 <= 595 - MARGIN + 3, span["text"]


def test_text_is_stored_in_reading_order(paper: pymupdf.Document, manuscript: Manuscript) -> None:
    text = plain(text_of(paper))
    titles = [plain(e.label + e.text) for e in manuscript.elements if is_numbered_heading(e)]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)


def test_the_outline_names_every_section(paper: pymupdf.Document, manuscript: Manuscript) -> None:
    headings = [e for e in manuscript.elements if e.kind is Kind.HEADING]
    assert [entry[1] for entry in paper.get_toc()] == [
        f"{e.label} {e.text}".strip() for e in headings
    ]


def test_every_reference_is_cited(name: str) -> None:
    source = build.HERE.joinpath("text", f"{name}.md").read_text("utf-8")
    entries = re.findall(r"^@(\w+): ", source, re.MULTILINE)
    cited = re.findall(r"@(\w+)(?=[;\]])", source)
    assert len(entries) == len(set(entries))
    assert set(cited) == set(entries)


def test_words_are_hyphenated_once_and_fully() -> None:
    words = Path(build.HERE, "text", "hyphenation.txt").read_text("utf-8").split()
    whole = [word.replace("-", "") for word in words]
    assert len(whole) == len(set(whole))
    assert all(len(word.split("-")[-1]) > 1 and word[1] != "-" for word in words)


def test_lines_keep_every_letter_and_fill_the_width() -> None:
    text = "A *lease* ends by itself unless the worker that holds it renews it in time, " * 3
    broken = break_lines(pieces_of(text.strip()), 10.0, 180.0)
    letters = "".join(run.text for line in broken for p in line.pieces for run in p.runs)
    assert plain(letters) == plain(text)
    assert [line.width for line in broken[:-1]] == pytest.approx([180.0] * (len(broken) - 1))


def test_the_worked_example_says_what_the_papers_say() -> None:
    orders = worked.orders()
    assert orders["dense"][0] == "B" and orders["lexical"][:2] == ["C", "E"]
    assert orders["rrf"][0] == orders["sum"][0] == "A"
    assert [name for name in orders["rrf"] if name in "DEF"] == ["E", "F", "D"]
    assert worked.ndcg(orders["rrf"], 3) > worked.ndcg(orders["sum"], 3)
    assert worked.ndcg(["A", "C", "F", "D", "B", "E"], 6) == pytest.approx(1.0)


def test_a_smaller_cosine_turns_the_example_round(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**worked.PASSAGES, "B": (0, 0.70, 2.1)}
    monkeypatch.setattr(worked, "PASSAGES", changed)
    orders = worked.orders()
    assert worked.ndcg(orders["sum"], 3) > worked.ndcg(orders["rrf"], 3)


def test_an_unknown_citation_or_value_is_an_error() -> None:
    head = "title: A paper\n\n"
    with pytest.raises(KeyError):
        parse(head + "As others say [@nobody].", {})
    with pytest.raises(KeyError):
        parse(head + "It took {{unknown}} seconds.", {})
