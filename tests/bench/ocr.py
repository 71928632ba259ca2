"""(g) A scanned page: what OCR of it costs, and how many a second with a page on each core.

Needs no service.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from domain.errors import OcrUnavailable
from extraction.ocr.engines import choose_engine
from extraction.ocr.pages import ocr_pages
from extraction.options import OcrEngine
from tests.bench.processes import cpu_seconds
from tests.bench.report import Figure, Findings
from tests.pdf_builder.random_papers import random_paper
from tests.pdf_builder.scans import make_scan

PAGES = 8


@dataclass(frozen=True, slots=True)
class Run:
    """So many pages read: seconds of the clock, and of the CPU with all child processes."""

    pages: int
    seconds: float
    cpu_seconds: float


def measure(folder: Path) -> Findings:
    """OCR of scanned pages with a page on each core, over one page after the other."""
    try:
        engine = choose_engine(OcrEngine.AUTO)
    except OcrUnavailable as error:
        return Findings([], {"skipped": str(error)})
    path = folder / "scan.pdf"
    path.write_bytes(make_scan(random_paper(seed=5, pages=PAGES)))
    cores = len(os.sched_getaffinity(0))
    _run(path, PAGES // 4, 1)
    ours, raw = _run(path, PAGES, cores), _run(path, PAGES, 1)
    figures = [
        Figure(
            f"scanned pages per second, {cores} at a time",
            ours.pages / ours.seconds,
            "/s",
            raw.pages / raw.seconds,
            "one at a time",
        ),
        Figure("CPU-seconds a scanned page", ours.cpu_seconds / ours.pages, "s"),
    ]
    return Findings(figures, {"read by": f"{engine}, {PAGES} pages of two columns at 200 dpi"})


def _run(path: Path, pages: int, workers: int) -> Run:
    began, used = time.perf_counter(), cpu_seconds()
    read = [*ocr_pages(path, range(1, pages + 1), workers=workers)]
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - used
    if failed := [page.failure for page in read if page.failure]:
        raise RuntimeError(f"A scanned page was not read: {failed[0]}.")
    return Run(len(read), seconds, cpu)
