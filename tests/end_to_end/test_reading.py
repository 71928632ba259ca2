"""Extraction from printed, scanned, mixed and damaged papers by the running service."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import pairwise

import pymupdf
import pytest

from serve_app.client import Client
from serve_app.schemas.core import Chunk, Document, Job
from serve_app.schemas.papers import Cell
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import DOSES, STUDY, make_study
from tests.pdf_builder.scans import damage_page, make_scan
from tests.service import RunningService

COLLECTION = "reading"
STEPS = ["read_text", "ocr", "layout"]
PRINTED = make_study()
CONTENTS = {
    "printed": PRINTED,
    "scan": make_scan(PRINTED, tilt=0.3, noise=8),
    "mixed": make_scan(PRINTED, tilt=0.3, noise=8, keep={1}),
    "damaged": damage_page(PRINTED, 2),
}
QUESTION = "Which spoon quenches the reaction?"  # answered on the second page


@dataclass
class Extracted:
    """A paper after all its steps, and the states of its job during processing."""

    job: Job
    document: Document
    history: list[Job]


@pytest.fixture(scope="module")
def papers(service: RunningService) -> dict[str, Extracted]:
    """The papers by name, in one collection, processed concurrently."""
    with Client(service.url) as client:
        accepted = {
            name: client.upload(content, COLLECTION, filename=f"{name}.pdf")
            for name, content in CONTENTS.items()
        }
        extracted: dict[str, Extracted] = {}
        for name, one in accepted.items():
            history: list[Job] = []
            job = client.wait(one.job_id, 240, on_progress=history.append)
            extracted[name] = Extracted(job, client.document(one.document_id), history)
        return extracted


def text_of(cell: str | Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def words_in(chunk: Chunk) -> str:
    """Returns the text of the printed original inside the boxes of the chunk."""
    with pymupdf.open(stream=PRINTED, filetype="pdf") as document:
        areas = [
            (box.page, pymupdf.Rect(box.x0 - 4, box.y0 - 4, box.x1 + 4, box.y1 + 4))
            for box in chunk.boxes
        ]
        texts = (document[page - 1].get_text("text", clip=clip) for page, clip in areas)
        return " ".join(map(str, texts))


@pytest.mark.parametrize("name", CONTENTS)
def test_paper_runs_required_steps_and_becomes_searchable(
    papers: dict[str, Extracted], name: str
) -> None:
    job = papers[name].job
    [task] = job.tasks
    assert job.status == task.status == "completed" and job.error is None
    assert task.attempt == 1
    # A scan has no separate image of the figure: its caption selects the page for the model.
    printed = name in ("printed", "damaged")
    assert task.step in (("read_text",) if printed else ("ocr", "layout"))
    assert task.searchable_at is not None and job.finished_at is not None
    assert job.started_at is not None
    assert job.started_at < task.searchable_at <= job.finished_at
    shown_at = papers[name].document.searchable_at
    assert shown_at is not None and job.started_at < shown_at <= job.finished_at


@pytest.mark.parametrize("name", CONTENTS)
def test_job_progress_is_monotonic_and_names_step_and_pages(
    papers: dict[str, Extracted], name: str
) -> None:
    history = papers[name].history
    steps = [STEPS.index(job.tasks[0].step) for job in history]
    assert steps == sorted(steps)
    for before, after in pairwise(history):
        assert before.progress.fraction <= after.progress.fraction
    for job in history:
        [task] = job.tasks
        assert job.progress.step in (None, *STEPS)
        assert task.pages_total is None or 0 <= task.pages_done <= task.pages_total == 2
    assert history[-1].progress.fraction == 1
    assert (history[-1].progress.pages_done, history[-1].progress.pages_total) == (2, 2)


@pytest.mark.parametrize("name", CONTENTS)
def test_document_has_extracted_metadata(papers: dict[str, Extracted], name: str) -> None:
    document = papers[name].document
    assert document.title == STUDY
    assert [(one.given, one.family) for one in document.authors] == [
        ("Ada", "Lovelace"),
        ("Grace", "Hopper"),
    ]
    words = re.findall(r"\w+", document.abstract or "")
    expected = re.findall(r"\w+", LOREM)
    same = sum(one == other for one, other in zip(words, expected, strict=False))
    assert same >= 0.95 * len(expected)
    assert document.language == "en"
    assert document.doi is None and document.year is None  # only its references have them
    assert document.quality["confidence"]["title"]["confidence"] > 0.5


@pytest.mark.parametrize("name", ["printed", "scan", "mixed"])
def test_sections_have_number_title_and_page(
    library: Client, papers: dict[str, Extracted], name: str
) -> None:
    document = papers[name].document
    sections = library.sections(document.document_id)
    assert [(one.number, one.title) for one in sections] == [
        ("1", "Introduction"),
        ("2", "Methods"),
        ("3", "Results"),
        ("4", "Conclusion"),
    ]
    assert [one.page for one in sections] == [1, 1, 1, 2]
    assert document.counts.sections == 4 and document.pages == 2


def test_table_cells_equal_printed_numbers(library: Client, papers: dict[str, Extracted]) -> None:
    document = papers["printed"].document
    assert document.counts.tables == document.counts.figures == 1
    [table] = library.tables(document.document_id)
    assert tuple(tuple(map(text_of, row)) for row in table.rows) == DOSES
    assert (table.label, table.page, table.source) == ("Table 1", 2, "ruled")
    assert table.caption == "Yield of each plant by its dose, in percent."
    rows = csv.reader(io.StringIO(library.table_csv(document.document_id, 1)))
    assert tuple(map(tuple, rows)) == DOSES
    assert "| Thyme | 10.05 | 64.20 | 0.88 |" in library.markdown(document.document_id)


def test_tables_of_scan_have_source_ocr(library: Client, papers: dict[str, Extracted]) -> None:
    document = papers["scan"].document
    tables = library.tables(document.document_id)
    assert document.counts.tables == len(tables)
    assert all(table.source == "ocr" for table in tables)


def test_search_finds_table_and_page_image_highlights_it(
    library: Client, papers: dict[str, Extracted]
) -> None:
    document = papers["printed"].document
    wanted = {"document_ids": [document.document_id]}
    hits = library.search("thyme 10.05", collection=COLLECTION, filters=wanted).hits
    hit = hits[0]
    assert hit.kind == "table" and hit.page_first == hit.page_last == 2
    [table] = library.tables(document.document_id)
    assert hit.boxes == [table.box]
    assert "64.20" in words_in(hit)
    assert not any("64.20" in one.text for one in hits if one.kind == "text")
    plain = library.page_png(document.document_id, 2)
    marked = library.page_png(document.document_id, 2, highlights=[hit.chunk_id])
    assert plain.startswith(b"\x89PNG") and marked.startswith(b"\x89PNG") and plain != marked


def test_figure_has_caption_and_image(library: Client, papers: dict[str, Extracted]) -> None:
    document = papers["printed"].document
    [figure] = library.figures(document.document_id)
    assert (figure.label, figure.page) == ("Figure 1", 1)
    assert figure.caption == "Flasks of the second run after an hour of light."
    assert library.figure_png(document.document_id, 1).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["printed", "scan", "mixed"])
def test_references_have_years_and_identifiers(
    library: Client, papers: dict[str, Extracted], name: str
) -> None:
    references = library.references(papers[name].document.document_id)
    assert [one.year for one in references] == [2019, 2021, 2008]
    assert [one.doi for one in references[:2]] == ["10.1234/made.2019.12", "10.1234/light.2021.7"]
    assert "Symmetry of stirred fluids" in references[2].raw
    if name == "printed":
        assert references[2].title == "Symmetry of stirred fluids"
        assert [one.family for one in references[2].authors] == ["Franklin", "Ehrenfest", "Noether"]


@pytest.mark.parametrize("name", ["printed", "scan", "mixed"])
def test_search_hit_boxes_cover_printed_sentence(
    library: Client, papers: dict[str, Extracted], name: str
) -> None:
    wanted = {"document_ids": [papers[name].document.document_id]}
    hit = library.search(QUESTION, collection=COLLECTION, filters=wanted).hits[0]
    assert "copper spoon" in hit.text and hit.section == "Conclusion"
    assert {box.page for box in hit.boxes} == {2}
    assert "copper spoon" in words_in(hit)


@pytest.mark.parametrize(
    ("name", "ocred", "failed"),
    [("printed", [], []), ("scan", [1, 2], []), ("mixed", [2], []), ("damaged", [], [2])],
)
def test_quality_report_lists_ocred_and_failed_pages(
    papers: dict[str, Extracted], name: str, ocred: list[int], failed: list[int]
) -> None:
    quality = papers[name].document.quality
    assert (quality["pages_ocred"], quality["pages_failed"]) == (ocred, failed)
    assert quality["pages_read"] == 2 - len(failed)
    assert quality["pages_without_text"] == [] and quality["garbled_share"] == 0
    assert quality["columns"] == 2


def test_needs_review_is_set_for_damaged_paper_only(
    library: Client, papers: dict[str, Extracted]
) -> None:
    for name, paper in papers.items():
        assert paper.document.needs_review == (name == "damaged")
    assert papers["damaged"].document.quality["reasons"] == ["page 2 could not be read"]
    flagged = library.documents(collection=COLLECTION, needs_review=True).items
    assert [one.filename for one in flagged] == ["damaged.pdf"]
    others = library.documents(collection=COLLECTION, needs_review=False).items
    assert {one.filename for one in others} == {"printed.pdf", "scan.pdf", "mixed.pdf"}
