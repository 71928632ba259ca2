"""The extraction steps of generated papers: what each adds or omits, and which one follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.errors import NoText
from domain.jobs import Step
from domain.papers import Paper
from extraction import steps
from extraction.ocr import engines
from extraction.ocr.engines import InstalledEngine
from extraction.ocr.ocr_cache import dump_scans, load_scans
from extraction.ocr.pages import OcrPage
from extraction.ocr.placed import ScannedLine
from extraction.options import ExtractOptions, LayoutMode, OcrEngine
from extraction.steps import STEP_FUNCTIONS, StepRead, read_whole
from extraction.text.lines import page_lines
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.pages import make_pages
from tests.pdf_builder.papers import STUDY, make_study
from tests.pdf_builder.scans import damage_page, make_scan

PAPER = make_study()
SCAN = make_scan(PAPER, dpi=40)  # read by fake OCR, from the text of the original
MIXED = make_scan(PAPER, dpi=40, keep={1})


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def written(content: bytes) -> Path:
        path = tmp_path / "paper.pdf"
        path.write_bytes(content)
        return path

    return written


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Fake OCR that returns the paper's text, but fails on the pages in this set."""
    bad: set[int] = set()
    with_engine(monkeypatch, InstalledEngine(OcrEngine.RAPIDOCR, "1", ()))
    monkeypatch.setattr(steps, "ocr_pages", lambda *args, **more: played(bad, *args, **more))
    return bad


def with_engine(monkeypatch: pytest.MonkeyPatch, *installed: InstalledEngine) -> None:
    monkeypatch.setattr(engines, "available_engines", lambda: list(installed))


def played(
    bad: set[int], _path: Path, numbers: Sequence[int], *, on_page: Any = None, **_: Any
) -> Iterator[OcrPage]:
    with pymupdf.open(stream=PAPER, filetype="pdf") as document:
        for done, number in enumerate(numbers, start=1):
            lines: list[Any] = [
                ScannedLine(
                    line.text, number, line.x0, line.y0, line.x1, line.y1, line.size, line.base
                )
                for line in page_lines(document[number - 1], number)
            ]
            failed = number in bad
            yield OcrPage(number, [] if failed else lines, "the page is torn" if failed else None)
            if on_page is not None:
                on_page(done, len(numbers))


def text_of(paper: Paper) -> str:
    return "\n".join(block.text for block in paper.blocks)


def pages_of(paper: Paper) -> set[int]:
    return {box.page for block in paper.blocks for box in block.boxes}


# Options of a long paper: the text first, then tables in a separate step.
LONG = ExtractOptions(text_first_pages=0)


def all_steps(path: Path, methods: ExtractOptions) -> Iterator[tuple[Step, StepRead]]:
    step: Step | None = Step.READ_TEXT
    scans: steps.Scans = {}
    while step is not None:
        done = STEP_FUNCTIONS[step](path, methods, scans)
        yield step, done
        scans = done.scans or scans
        step = done.next_step


def test_extraction_steps_text_before_layout(write: Callable[[bytes], Path]) -> None:
    results = dict(all_steps(write(PAPER), LONG))
    assert list(results) == [Step.READ_TEXT, Step.LAYOUT]
    first, last = results[Step.READ_TEXT].paper, results[Step.LAYOUT].paper
    assert first.title == last.title == STUDY
    assert first.tables == first.figures == ()
    assert not first.quality.layout_done and last.quality.layout_done
    assert "81.07" in text_of(first) and "81.07" not in text_of(last)
    assert [row[1].text for row in last.tables[0].rows] == [
        "Dose",
        "1.25",
        "2.50",
        "10.05",
        "0.125",
    ]
    assert [figure.label for figure in last.figures] == ["Figure 1"]
    assert first.references == last.references and first.metadata == last.metadata
    assert first.sections == last.sections


def test_extraction_steps_short_paper_has_layout_in_first_step(
    write: Callable[[bytes], Path],
) -> None:
    path = write(PAPER)
    [(step, done)] = all_steps(path, ExtractOptions())
    assert step is Step.READ_TEXT
    assert done.paper == dict(all_steps(path, LONG))[Step.LAYOUT].paper


def test_extraction_steps_model_runs_in_separate_step(write: Callable[[bytes], Path]) -> None:
    done = STEP_FUNCTIONS[Step.READ_TEXT](
        write(PAPER), ExtractOptions(layout=LayoutMode.ALWAYS), {}
    )
    assert done.next_step is Step.LAYOUT
    assert done.paper.tables and done.paper.figures


def test_extraction_steps_without_layout_end_after_text(write: Callable[[bytes], Path]) -> None:
    [(_, done)] = all_steps(write(PAPER), ExtractOptions(layout=LayoutMode.OFF))
    assert not done.paper.quality.layout_done
    assert done.paper.tables == ()


def test_extraction_steps_mixed_paper_gets_ocr_for_scanned_pages(
    write: Callable[[bytes], Path], unreadable: set[int]
) -> None:
    results = dict(all_steps(write(MIXED), LONG))
    assert list(results) == [Step.READ_TEXT, Step.OCR, Step.LAYOUT]
    first, read, last = (done.paper for done in results.values())
    assert pages_of(first) == {1} and first.quality.pages_without_text == (2,)
    assert first.title == STUDY and not first.references
    assert set(results[Step.OCR].scans) == {2}
    assert pages_of(read) == {1, 2} and read.quality.pages_ocred == (2,)
    assert len(read.references) == len(last.references) == 3
    assert read.quality.pages_without_text == ()
    assert not read.quality.layout_done and last.quality.layout_done
    assert last.quality.pages_ocred == (2,)


def test_extraction_steps_scan_has_text_after_ocr_only(
    write: Callable[[bytes], Path], unreadable: set[int]
) -> None:
    methods = ExtractOptions(layout=LayoutMode.OFF)
    first, read = (done for _, done in all_steps(write(SCAN), methods))
    assert first.next_step is Step.OCR and first.paper.blocks == ()
    [(_, original)] = all_steps(write(PAPER), methods)
    assert text_of(read.paper) == text_of(original.paper)
    assert read.paper.title == STUDY
    assert read.paper.quality.pages_ocred == (1, 2)


def test_ocr_cache_gives_same_paper(write: Callable[[bytes], Path], unreadable: set[int]) -> None:
    path = write(SCAN)
    scans = STEP_FUNCTIONS[Step.OCR](path, LONG, {}).scans
    fresh = STEP_FUNCTIONS[Step.LAYOUT](path, LONG, scans)
    kept = STEP_FUNCTIONS[Step.LAYOUT](path, LONG, load_scans(dump_scans(scans)))
    assert kept.paper == fresh.paper
    assert kept.paper.tables


def test_extraction_steps_without_ocr_engine_list_scanned_pages(
    write: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_engine(monkeypatch)
    results = dict(all_steps(write(MIXED), LONG))
    assert list(results) == [Step.READ_TEXT, Step.LAYOUT]
    assert all(done.paper.quality.pages_without_text == (2,) for done in results.values())
    with pytest.raises(NoText):
        STEP_FUNCTIONS[Step.READ_TEXT](write(SCAN), LONG, {})
    with pytest.raises(NoText):
        STEP_FUNCTIONS[Step.READ_TEXT](write(SCAN), ExtractOptions(ocr=OcrEngine.OFF), {})


def test_extraction_steps_list_page_with_failed_ocr(
    write: Callable[[bytes], Path], unreadable: set[int]
) -> None:
    unreadable.add(2)
    results = dict(all_steps(write(SCAN), LONG))
    assert list(results) == [Step.READ_TEXT, Step.OCR, Step.LAYOUT]
    for step in (Step.OCR, Step.LAYOUT):
        paper = results[step].paper
        assert pages_of(paper) == {1}
        assert paper.quality.pages_ocred == (1,)
        assert paper.quality.pages_without_text == (2,)
    unreadable.add(1)
    with pytest.raises(NoText):
        STEP_FUNCTIONS[Step.OCR](write(SCAN), LONG, {})


def test_extraction_steps_layout_keeps_failed_ocr_pages_out(
    write: Callable[[bytes], Path], unreadable: set[int]
) -> None:
    with pymupdf.open(stream=MIXED, filetype="pdf") as document:
        document[1].insert_text((60, 60), "ACME library copy", fontsize=8)
        stamped = document.tobytes()
    unreadable.add(2)
    results = dict(all_steps(write(stamped), LONG))
    assert [pages_of(done.paper) for done in results.values()] == [{1}, {1}, {1}]


def test_extraction_steps_empty_pages_raise_no_text(write: Callable[[bytes], Path]) -> None:
    with pytest.raises(NoText):
        STEP_FUNCTIONS[Step.READ_TEXT](write(make_pages("", "")), LONG, {})


def test_extraction_steps_list_damaged_page(write: Callable[[bytes], Path]) -> None:
    papers = [done.paper for _, done in all_steps(write(damage_page(PAPER, 2)), LONG)]
    for paper in papers:
        assert paper.quality.pages_failed == (2,)
        assert pages_of(paper) == {1}
        assert paper.title == STUDY
    assert [figure.label for figure in papers[-1].figures] == ["Figure 1"]


def test_extraction_steps_report_page_progress(
    write: Callable[[bytes], Path], unreadable: set[int]
) -> None:
    progress: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        progress.append((done, total))

    path = write(MIXED)
    STEP_FUNCTIONS[Step.READ_TEXT](path, LONG, {}, tell)
    assert progress == [(1, 2), (2, 2)]
    progress.clear()
    scans = STEP_FUNCTIONS[Step.OCR](path, LONG, {}, tell).scans
    assert progress == [(2, 2)]  # the first page needed nothing
    progress.clear()
    STEP_FUNCTIONS[Step.LAYOUT](path, replace(LONG, layout=LayoutMode.ALWAYS), scans, tell)
    assert progress == [(1, 2), (2, 2)]


@pytest.mark.parametrize("content", [PAPER, MIXED], ids=["text", "mixed"])
def test_read_whole_returns_paper_of_last_step(
    content: bytes, write: Callable[[bytes], Path], unreadable: set[int]
) -> None:
    path = write(content)
    *_, (_, last) = all_steps(path, LONG)
    assert read_whole(path, LONG) == last.paper
