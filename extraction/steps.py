"""The extraction steps as plain functions. Each returns the paper and the step that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from domain.errors import NoText, OcrUnavailable
from domain.jobs import Step
from domain.papers import Paper
from extraction.layout import find_layout, find_layout_by_rules, opened_as_read
from extraction.ocr.engines import choose_engine
from extraction.ocr.pages import ocr_pages
from extraction.options import ExtractOptions, LayoutMode, OcrEngine
from extraction.paper import compose
from extraction.text.lines import Line
from extraction.text.pdf import Reading, opened_reading, read_pages

OnPage = Callable[[int, int], None]
Scans = Mapping[int, Sequence[Line]]  # by page number: the lines that OCR read


def can_ocr(options: ExtractOptions) -> bool:
    """Returns True if this machine can run OCR with these options."""
    try:
        return choose_engine(options.ocr, options.ocr_languages) is not OcrEngine.OFF
    except OcrUnavailable:
        return False


DEFAULTS = ExtractOptions()


@dataclass(frozen=True, slots=True)
class StepRead:
    """The paper after a step. `scans`: the lines that OCR read, for later steps."""

    paper: Paper
    next_step: Step | None = None
    scans: Scans = field(default_factory=dict)


class StepFunction(Protocol):
    """A step: returns the paper after it.

    `scans`: the lines that OCR read in an earlier step. Raises the errors of `read_pages`, NoText
    for a paper without text, and OcrUnavailable.
    """

    def __call__(
        self, path: Path, options: ExtractOptions, scans: Scans, on_page: OnPage | None = None
    ) -> StepRead: ...


def read_whole(path: Path, options: ExtractOptions = DEFAULTS) -> Paper:
    """Returns the paper after all of its steps. Raises the errors of StepFunction."""
    done = read_text(path, options)
    scans: Scans = {}
    while done.next_step is not None:
        scans = done.scans or scans
        done = STEP_FUNCTIONS[done.next_step](path, options, scans)
    return done.paper


def read_text(
    path: Path,
    options: ExtractOptions,
    scans: Scans = MappingProxyType({}),
    on_page: OnPage | None = None,
) -> StepRead:
    """Reads the text layer, and the tables and figures that the rules find without a model.

    If OCR is available, pages that need it are left out, and tables are extracted after OCR."""
    with opened_reading(path, max_pages=options.max_pages, on_page=on_page) as (reading, document):
        if reading.for_ocr and can_ocr(options):
            return StepRead(compose(reading.without(reading.for_ocr)), Step.OCR)
        return _read_with_layout(document, reading, options)


def read_scans(
    path: Path, options: ExtractOptions, scans: Scans, on_page: OnPage | None = None
) -> StepRead:
    """Reads the pages that need OCR. The paper lists a page on which OCR failed; it is no error."""
    reading = read_pages(path, max_pages=options.max_pages)
    pages = ocr_pages(
        path,
        reading.for_ocr,
        engine=options.ocr,
        workers=options.ocr_workers,
        languages=options.ocr_languages,
        dpi=options.ocr_dpi,
        on_page=_after(len(reading.pages) - len(reading.for_ocr), on_page),
    )
    read = {page.number: page.lines for page in pages if page.failure is None}
    whole = reading.without(reading.for_ocr).with_ocr(read)
    with opened_as_read(path, reading) as document:  # not kept open during OCR
        return replace(_read_with_layout(document, whole, options), scans=read)


def read_layout(
    path: Path, options: ExtractOptions, scans: Scans, on_page: OnPage | None = None
) -> StepRead:
    """Reads the paper with the tables and figures of the layout model on the selected pages."""
    reading = read_pages(path, max_pages=options.max_pages)
    if reading.for_ocr and (scans or can_ocr(options)):  # the state after the OCR step
        reading = reading.without(reading.for_ocr).with_ocr(scans)
    layout = find_layout(
        path, reading, mode=options.layout, threads=options.threads, on_page=on_page
    )
    return StepRead(compose(reading, layout))


def _after(before: int, on_page: OnPage | None) -> OnPage | None:
    """Adds the number of pages without OCR to the progress of the OCR."""
    if on_page is None:
        return None
    return lambda done, total: on_page(before + done, before + total)


def _read_with_layout(document: Any, reading: Reading, options: ExtractOptions) -> StepRead:
    """Composes the paper, a long one without tables: its text is searchable first."""
    if not any(reading.pages):
        raise NoText()
    if options.layout is LayoutMode.OFF:
        return StepRead(compose(reading))
    if len(reading.pages) > options.text_first_pages:
        return StepRead(compose(reading), Step.LAYOUT)
    layout = find_layout_by_rules(document, reading, options.layout)
    return StepRead(compose(reading, layout), Step.LAYOUT if layout.pages_for_model else None)


STEP_FUNCTIONS: Mapping[Step, StepFunction] = {
    Step.READ_TEXT: read_text,
    Step.OCR: read_scans,
    Step.LAYOUT: read_layout,
}
