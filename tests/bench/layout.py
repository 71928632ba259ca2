"""(f) What the layout model costs and gives: whole readings with `off`, `auto` and `always`.

Needs no service. Each mode reads in a process of its own, so that none finds the model loaded. The
scores are those of a scorer script (a path) on a folder that has gold.jsonl beside its PDFs.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from domain.errors import PaperworksError
from domain.papers import Paper
from extraction.options import ExtractOptions, LayoutMode
from extraction.steps import read_whole
from tests.bench.processes import cpu_seconds
from tests.bench.report import Figure, Findings, Grid
from tests.bench.truth import Truth
from tests.paths import ROOT

SAMPLES = sorted((ROOT / "samples").glob("*.pdf"))
MADE = 4  # made papers have neither tables nor figures: the samples beside them do
Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Read:
    """A folder read in one mode: the papers by path, and CPU seconds of it all."""

    papers: Mapping[Path, Paper]
    cpu_seconds: float

    @property
    def pages(self) -> int:
        return sum(len(paper.pages) for paper in self.papers.values())

    @property
    def looked_at(self) -> int:
        """Pages that the model looked at."""
        return sum(len(paper.quality.layout_pages) for paper in self.papers.values())

    @property
    def seconds_a_page(self) -> float:
        return self.cpu_seconds / self.pages


def measure(papers: Sequence[Path], truth: Truth | None) -> Findings:
    """CPU of whole readings with each mode, and scores where the truth is known."""
    paths = truth.papers if truth else [*SAMPLES, *papers[:MADE]]
    reads = {mode: _read(paths, mode) for mode in LayoutMode}
    scores = {mode: truth.scores(read.papers) for mode, read in reads.items()} if truth else {}
    auto, always = reads[LayoutMode.AUTO], reads[LayoutMode.ALWAYS]
    figures = [
        Figure(
            "CPU time a page, auto over always",
            1000 * auto.seconds_a_page,
            "ms",
            1000 * always.seconds_a_page,
            "always",
            "0.40 x at most",
        )
    ]
    figures.extend(_score_figure(scores) if scores else ())
    details = {"papers": f"{len(paths)}, {auto.pages} pages"}
    if truth is None:
        details["scores"] = "skipped: they need --scorer and a --papers folder with gold.jsonl"
    return Findings(figures, details, [_grid(reads, scores)])


def _score_figure(scores: Mapping[LayoutMode, Scores]) -> list[Figure]:
    """The measure of which `auto` keeps least."""
    auto, always = scores[LayoutMode.AUTO], scores[LayoutMode.ALWAYS]
    known = [name for name in always if always[name]]
    name = min(known, key=lambda one: auto[one] / always[one])
    line = f"lowest score of auto over always: {name}"
    return [Figure(line, auto[name], "", always[name], "always", "0.97 x at least")]


def _grid(reads: Mapping[LayoutMode, Read], scores: Mapping[LayoutMode, Scores]) -> Grid:
    rows: dict[str, list[float]] = {
        "pages per CPU-second": [1 / read.seconds_a_page for read in reads.values()],
        "CPU milliseconds a page": [1000 * read.seconds_a_page for read in reads.values()],
        "pages the model looked at": [read.looked_at for read in reads.values()],
    }
    measures = dict.fromkeys(name for one in scores.values() for name in one)
    rows |= {name: [one[name] for one in scores.values()] for name in measures}
    return Grid("layout = off, auto, always", tuple(reads), rows)


def _read(paths: Sequence[Path], mode: LayoutMode) -> Read:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_read_here, list(paths), mode).result()


def _read_here(paths: Sequence[Path], mode: LayoutMode) -> Read:
    """Reads the papers, after one that loads what the mode needs."""
    warm = LayoutMode.OFF if mode is LayoutMode.OFF else LayoutMode.ALWAYS
    read_whole(SAMPLES[0], ExtractOptions(layout=warm))
    papers: dict[Path, Paper] = {}
    began = cpu_seconds()
    for path in paths:
        try:
            papers[path] = read_whole(path, ExtractOptions(layout=mode))
        except PaperworksError:  # the same in every mode; the scores count it as empty
            continue
    return Read(papers, cpu_seconds() - began)
