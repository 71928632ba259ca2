"""(j) What reading a page costs: CPU time of the text step, against MuPDF's own text of the page.

Needs no service. With `--older CHECKOUT`, an older checkout reads the same papers in the same run;
the ratio then is that of this checkout to the older one. Each program is a process of its own; they
read each paper in turns, in several rounds, and the least time of each paper counts: the speed of a
shared machine changes within seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.report import Figure, Findings
from tests.paths import ROOT

ROUNDS = 4
# Programs that print, for each paper of their input, its CPU seconds and its pages.
SERVE = """
import sys, time
for line in sys.stdin:
    began = time.process_time()
    pages = pages_of(line.strip())
    print(time.process_time() - began, pages, flush=True)
"""
READ = """
from pathlib import Path
from domain.errors import PaperworksError
from extraction.options import ExtractOptions
from extraction.steps import read_text
def pages_of(path):
    try:
        return len(read_text(Path(path), ExtractOptions()).paper.pages)
    except PaperworksError:
        return 0
"""
RAW = """
from extraction.text.mupdf import pymupdf
def pages_of(path):
    with pymupdf.open(path) as document:
        for page in document:
            page.get_text("dict", flags=pymupdf.TEXT_PRESERVE_WHITESPACE)
        return document.page_count
"""
Reader = subprocess.Popen[str]


def measure(papers: Sequence[Path], older: Path | None) -> Findings:
    """CPU milliseconds for each page: the sum of the papers' least times of several rounds."""
    programs = {"now": (READ, ROOT), "MuPDF": (RAW, ROOT)}
    if older:
        programs["older"] = (READ, older)
    with ExitStack() as stack:
        readers = {
            name: stack.enter_context(_reader(code, checkout))
            for name, (code, checkout) in programs.items()
        }
        took = _milliseconds(readers, papers)
    name = "CPU time of reading a page"
    figures = [Figure(name, took["now"], "ms", took["MuPDF"], "MuPDF's text")]
    if older:
        figures.append(Figure(name, took["now"], "ms", took["older"], str(older), "1.10 x at most"))
    return Findings(figures, {"papers": f"{len(papers)}, least of {ROUNDS} rounds for each"})


def _reader(code: str, checkout: Path) -> Reader:
    """Returns a process that reads papers with the code of a checkout; it ends with its context."""
    command = [sys.executable, "-c", code + SERVE]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=checkout, env=environment, stdin=pipe, stdout=pipe, text=True
    )


def _milliseconds(readers: Mapping[str, Reader], papers: Sequence[Path]) -> dict[str, float]:
    """Returns the milliseconds for each page, by reader, of the papers that all of them read."""
    for reader in readers.values():
        _ask(reader, papers[0])  # imports, caches
    least = dict.fromkeys(((name, paper) for name in readers for paper in papers), float("inf"))
    pages: dict[Path, set[int]] = {paper: set() for paper in papers}
    for _ in range(ROUNDS):
        for paper in papers:
            for name, reader in readers.items():
                seconds, count = _ask(reader, paper)
                least[name, paper] = min(least[name, paper], seconds)
                pages[paper].add(count)
    alike = [paper for paper, counts in pages.items() if len(counts) == 1]  # refused by none
    total = sum(count for paper in alike for count in pages[paper])
    return {name: 1000 * sum(least[name, one] for one in alike) / total for name in readers}


def _ask(reader: Reader, paper: Path) -> tuple[float, int]:
    """Returns the CPU seconds for a paper and its pages. Raises RuntimeError if the reader ends."""
    assert reader.stdin and reader.stdout
    print(paper.resolve(), file=reader.stdin, flush=True)
    answer = reader.stdout.readline()
    if not answer:
        raise RuntimeError(f"The reader ended at {paper}, exit status {reader.wait()}.")
    seconds, pages = answer.split()
    return float(seconds), int(pages)
