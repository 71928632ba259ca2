"""Measures how well papers are read: `python -m tests.quality.run`.

Reads the generated papers, and the open-access papers that are present, with the functions of
`extraction`; needs no service, no OCR program and no network. Prints each field with its baseline,
its value now and the difference. Exit status: 0; 1 when a field fell by more than 0.002 or when
there is no baseline; 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from domain.errors import PaperworksError
from domain.papers import Paper
from extraction.ocr.engines import OcrEngine
from extraction.steps import ExtractOptions, read_whole
from extraction.text.mupdf import pymupdf
from tests.quality.generated import LAYOUTS, generate
from tests.quality.records import CorpusPaper, folders_of_papers, present_papers
from tests.quality.scorer import FIELDS, mean_scores, score

BASELINE = Path(__file__).parent / "baseline.json"
TOLERANCE = 0.002  # drop of a field's mean over all papers of its group
CHANGE = 0.0005  # change of a paper's score above which the paper is listed
GENERATED, CORPUS = "generated", "corpus"
Scores = dict[str, list[float]]
Groups = dict[str, dict[str, Scores]]  # group -> paper -> field -> scores
Reader = Callable[[Path], Paper]


def read_without_ocr(path: Path) -> Paper:
    """The whole paper; without OCR, so that the result is the same on every machine."""
    return read_whole(path, ExtractOptions(ocr=OcrEngine.OFF))


@dataclass(frozen=True, slots=True)
class Measured:
    """The scores of a paper; `problem` says why it could not be read, if so."""

    group: str
    name: str
    scores: Scores
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field of a group: its mean by the baseline and now, over the papers that both have."""

    group: str
    field: str
    count: int
    baseline: float | None
    now: float | None

    @property
    def difference(self) -> float:
        return round((self.now or 0.0) - (self.baseline or 0.0), 4) + 0.0  # never -0.0

    @property
    def is_regression(self) -> bool:
        return self.baseline is not None and self.difference < -TOLERANCE

    @property
    def is_improvement(self) -> bool:
        return self.baseline is not None and self.difference > TOLERANCE


def main(arguments: Sequence[str] | None = None, read: Reader = read_without_ocr) -> int:
    """The exit status. `read` must be a function of a module, so that processes can share it."""
    options = _options(arguments)
    console = Console(soft_wrap=True, highlight=False)
    papers = present_papers(folders_of_papers(options.papers))
    measured = list(_measure(options, papers, read))
    for paper in measured:
        if paper.problem:
            console.print(f"{paper.name} could not be read: {paper.problem}", markup=False)
    now: Groups = {GENERATED: {}, CORPUS: {}}
    for paper in measured:
        now[paper.group][paper.name] = paper.scores
    if not papers:
        console.print("No open-access papers are present: only the generated ones were measured.")
    before = _load(options.baseline)
    if options.update_baseline:
        _store(options.baseline, before, now)
        console.print(f"The baseline was written to {options.baseline}.", markup=False)
        before = _load(options.baseline)
    if not before[GENERATED]:
        console.print(
            f"{options.baseline} holds no baseline. Run with --update-baseline to write it.",
            markup=False,
        )
        return 1
    return _report(console, before, now)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.run")
    parser.add_argument(
        "--papers",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder with papers of the manifest and their records; may be given more than once "
        "(default: PAPERWORKS_QUALITY_PAPERS, else ../shared/corpus)",
    )
    parser.add_argument(
        "--update-baseline", action="store_true", help="store what is measured as the baseline"
    )
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="one paper; may be repeated"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes"
    )
    options = parser.parse_args(arguments)
    for folder in options.papers:
        if not folder.is_dir():
            parser.error(f"{folder} is not a folder. Give a folder with PDFs and gold.jsonl.")
    return options


# Measuring


def _measure(
    options: argparse.Namespace, papers: Sequence[CorpusPaper], read: Reader
) -> Iterator[Measured]:
    wanted = set(options.only)
    names = [name for name in LAYOUTS if not wanted or name in wanted]
    present = [paper for paper in papers if not wanted or paper.name in wanted]
    if options.workers == 1:
        yield from map(partial(_generated, read), names)
        yield from map(partial(_corpus, read), present)
        return
    with ProcessPoolExecutor(options.workers) as pool:
        generated = pool.map(partial(_generated, read), names)
        yield from [*generated, *pool.map(partial(_corpus, read), present)]


def _generated(read: Reader, name: str) -> Measured:
    paper = generate(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.pdf")
        path.write_bytes(paper.pdf)
        extracted, problem = _extracted(read, path)
    return Measured(GENERATED, name, score(extracted, paper.truth), problem)


def _corpus(read: Reader, paper: CorpusPaper) -> Measured:
    extracted, problem = _extracted(read, paper.path)
    return Measured(CORPUS, paper.name, score(extracted, paper.truth), problem)


def _extracted(read: Reader, path: Path) -> tuple[Paper, str]:
    """The paper; an empty one with the reason when it cannot be read."""
    try:
        return read(path), ""
    except PaperworksError as error:
        return Paper(None, (), ()), error.message


# The baseline


def _load(path: Path) -> Groups:
    stored = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return {group: stored.get(group, {}) for group in (GENERATED, CORPUS)}


def _store(path: Path, before: Groups, now: Groups) -> None:
    """Keeps what the baseline says of corpus papers that were not measured, and of layouts that
    still exist."""
    kept = {name: scores for name, scores in before[GENERATED].items() if name in LAYOUTS}
    groups = {GENERATED: kept | now[GENERATED], CORPUS: before[CORPUS] | now[CORPUS]}
    stored: dict[str, Any] = {"pymupdf": pymupdf.__version__}
    for group, papers in groups.items():
        stored[group] = {
            name: {
                field: [round(value, 4) for value in papers[name][field]] for field in papers[name]
            }
            for name in sorted(papers)
        }
    path.write_text(_compact(stored), "utf-8")


def _compact(stored: Mapping[str, Any]) -> str:
    """JSON with one line for each paper, so that a change shows where it belongs."""
    parts = [f' "pymupdf": {json.dumps(stored["pymupdf"])}']
    for group in (GENERATED, CORPUS):
        lines = [
            f"  {json.dumps(name)}: {json.dumps(scores)}" for name, scores in stored[group].items()
        ]
        body = "{\n" + ",\n".join(lines) + "\n }" if lines else "{}"
        parts.append(f' "{group}": {body}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


# The report


def compare(before: Groups, now: Groups) -> list[Comparison]:
    """Each field of each group over the papers that were measured and are in the baseline."""
    found: list[Comparison] = []
    for group, papers in now.items():
        shared = [name for name in papers if name in before[group]]
        was = mean_scores([before[group][name] for name in shared])
        is_now = mean_scores([papers[name] for name in shared])
        for field in FIELDS:
            if field in was or field in is_now:
                count = sum(field in papers[name] for name in shared)
                found.append(Comparison(group, field, count, was.get(field), is_now.get(field)))
    return found


def _report(console: Console, before: Groups, now: Groups) -> int:
    comparisons = compare(before, now)
    for group in (GENERATED, CORPUS):
        if now[group]:
            console.print(_table(group, now[group], comparisons))
    for line in [*_changed_papers(before, now), *_unknown_papers(before, now)]:
        console.print(line, markup=False)
    improvements = [comparison for comparison in comparisons if comparison.is_improvement]
    regressions = [comparison for comparison in comparisons if comparison.is_regression]
    for word, changes in (("Improvements", improvements), ("Regressions", regressions)):
        named = [f"{change.group} {change.field} ({change.difference:+.4f})" for change in changes]
        console.print(f"{word} beyond {TOLERANCE}: {', '.join(named) or 'none'}", markup=False)
    return int(bool(regressions))


def _table(group: str, papers: Mapping[str, Scores], comparisons: Iterable[Comparison]) -> Table:
    table = Table(title=f"{group}: {len(papers)} papers", box=box.SIMPLE, title_justify="left")
    table.add_column("field")
    for name in ("papers", "baseline", "now", "difference"):
        table.add_column(name, justify="right")
    table.add_column("")
    for comparison in comparisons:
        if comparison.group == group:
            word = (
                "regression"
                if comparison.is_regression
                else "improvement" * comparison.is_improvement
            )
            table.add_row(
                comparison.field,
                str(comparison.count),
                _shown(comparison.baseline),
                _shown(comparison.now),
                f"{comparison.difference:+.4f}",
                word,
            )
    return table


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _changed_papers(before: Groups, now: Groups) -> Iterator[str]:
    """A line for each paper and field whose score differs from the baseline."""
    for group, papers in now.items():
        for name, scores in papers.items():
            for field in FIELDS:
                was = before[group].get(name, {}).get(field, [])
                is_now = scores.get(field, [])
                if was and is_now and abs(_mean(was) - _mean(is_now)) > CHANGE:
                    yield f"{name}: {field} {_mean(was):.4f} -> {_mean(is_now):.4f}"


def _unknown_papers(before: Groups, now: Groups) -> Iterator[str]:
    for group, papers in now.items():
        unknown = [name for name in papers if name not in before[group]]
        if unknown:
            yield f"Not in the baseline (store them with --update-baseline): {', '.join(unknown)}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    sys.exit(main())
