"""The steps of a task as plain functions: what each reads out of the PDF, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from domain.errors import NoText, OcrUnavailable
from domain.jobs import Step
from domain.papers import Paper
from extraction.figures.page_selection import LayoutMode
from extraction.layout import find_layout, find_layout_by_rules
from extraction.ocr.engines import OcrEngine, choose_engine
from extraction.ocr.pages import ocr_pages
from extraction.paper import compose
from extraction.text.lines import Line
from extraction.text.pdf import Reading, read_pages

OnPage = Callable[[int, int], None]
Scans = Mapping[int, Sequence[Line]]  # by page number: the lines that OCR read


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """How papers are read. `workers`: pages under OCR at once; `threads`: of the layout model.

    Papers of more than `text_first_pages` get their tables in a step of its own.
    """

    max_pages: int = 2000
    text_first_pages: int = 60
    layout: LayoutMode = LayoutMode.AUTO
    ocr: OcrEngine = OcrEngine.AUTO
    ocr_languages: str = "eng"
    ocr_dpi: int = 200
    workers: int = 1
    threads: int = 1

    @property
    def can_ocr(self) -> bool:
        """True when pages can be sent to OCR on this machine."""
        try:
            return choose_engine(self.ocr, self.ocr_languages) is not OcrEngine.OFF
        except OcrUnavailable:
            return False


DEFAULTS = ExtractOptions()


@dataclass(frozen=True, slots=True)
class StepRead:
    """The paper as it is known after a step; `scans` is what OCR read, to be kept."""

    paper: Paper
    next_step: Step | None = None
    scans: Scans = field(default_factory=dict)


def run_step(
    step: Step, path: Path, methods: ExtractOptions, scans: Scans, on_page: OnPage | None = None
) -> StepRead:
    """What the step reads; `scans` are the lines that OCR read in an earlier one.

    Raises what `read_pages` raises, NoText for a paper without any, OcrUnavailable.
    """
    if step is Step.READ_TEXT:
        return read_text(path, methods, on_page)
    if step is Step.OCR:
        return read_scans(path, methods, on_page)
    return read_layout(path, methods, scans, on_page)


def read_whole(path: Path, methods: ExtractOptions = DEFAULTS) -> Paper:
    """The paper after all of its steps. Raises what `run_step` raises."""
    done = run_step(Step.READ_TEXT, path, methods, {})
    scans: Scans = {}
    while done.next_step is not None:
        scans = done.scans or scans
        done = run_step(done.next_step, path, methods, scans)
    return done.paper


def read_text(path: Path, methods: ExtractOptions, on_page: OnPage | None = None) -> StepRead:
    """The paper by its text layer, with the tables and figures that need no model.

    Pages that need OCR are left out when OCR can follow; tables then wait for it too."""
    reading = read_pages(path, max_pages=methods.max_pages, on_page=on_page)
    if reading.for_ocr and methods.can_ocr:
        return StepRead(compose(reading.without(reading.for_ocr)), Step.OCR)
    return _read_with_layout(path, reading, methods)


def read_scans(path: Path, methods: ExtractOptions, on_page: OnPage | None = None) -> StepRead:
    """The paper with the pages that needed OCR; one that OCR cannot read is listed, not fatal."""
    reading = read_pages(path, max_pages=methods.max_pages)
    pages = ocr_pages(
        path,
        reading.for_ocr,
        engine=methods.ocr,
        workers=methods.workers,
        languages=methods.ocr_languages,
        dpi=methods.ocr_dpi,
        on_page=_after(len(reading.pages) - len(reading.for_ocr), on_page),
    )
    scans = {page.number: page.lines for page in pages if page.failure is None}
    whole = reading.without(reading.for_ocr).with_ocr(scans)
    return replace(_read_with_layout(path, whole, methods), scans=scans)


def read_layout(
    path: Path, methods: ExtractOptions, scans: Scans, on_page: OnPage | None = None
) -> StepRead:
    """The paper with what the layout model finds on the pages that are worth it."""
    reading = read_pages(path, max_pages=methods.max_pages)
    if reading.for_ocr and (scans or methods.can_ocr):  # as the step before this one left it
        reading = reading.without(reading.for_ocr).with_ocr(scans)
    layout = find_layout(
        path, reading, mode=methods.layout, threads=methods.threads, on_page=on_page
    )
    return StepRead(compose(reading, layout))


def _after(before: int, on_page: OnPage | None) -> OnPage | None:
    """Counts on from the pages that need nothing."""
    if on_page is None:
        return None
    return lambda done, total: on_page(before + done, before + total)


def _read_with_layout(path: Path, reading: Reading, methods: ExtractOptions) -> StepRead:
    """Of a long paper the text comes first: its tables would keep the reader waiting."""
    if not any(reading.pages):
        raise NoText()
    if methods.layout is LayoutMode.OFF:
        return StepRead(compose(reading))
    if len(reading.pages) > methods.text_first_pages:
        return StepRead(compose(reading), Step.LAYOUT)
    layout = find_layout_by_rules(path, reading, methods.layout)
    return StepRead(compose(reading, layout), Step.LAYOUT if layout.pages_for_model else None)
