"""(j) What reading a page costs: CPU time of the text step, against MuPDF's own text of the page.

Needs no service. With `--older CHECKOUT`, an older checkout reads the same papers in the same run,
in turns; the ratio then is that of this checkout to the older one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.report import Figure, Findings

ROUNDS = 3
HERE = Path(__file__).parents[2]
# Runs in a process of its own, with the code of one checkout; prints milliseconds for each page.
READ = """
import sys, time
from pathlib import Path
from domain.errors import PaperworksError
from extraction.options import ExtractOptions
from extraction.steps import read_text
paths = [Path(line) for line in sys.stdin.read().splitlines()]
def pages_of(path):
    try:
        return len(read_text(path, ExtractOptions()).paper.pages)
    except PaperworksError:
        return 0
pages_of(paths[0])
began = time.process_time()
pages = sum(map(pages_of, paths))
print(1000 * (time.process_time() - began) / pages)
"""
RAW = """
import sys, time
from extraction.text.mupdf import pymupdf
pages, began = 0, time.process_time()
for path in sys.stdin.read().splitlines():
    with pymupdf.open(path) as document:
        for page in document:
            page.get_text("dict", flags=pymupdf.TEXT_PRESERVE_WHITESPACE)
            pages += 1
print(1000 * (time.process_time() - began) / pages)
"""


def measure(papers: Sequence[Path], older: Path | None) -> Findings:
    """The least CPU milliseconds for each page of several rounds, which alternate."""
    programs = {"now": (READ, HERE), "MuPDF": (RAW, HERE)}
    if older:
        programs["older"] = (READ, older)
    rounds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, (code, checkout) in programs.items():
            rounds[name].append(_milliseconds(code, checkout, papers))
    least = {name: min(took) for name, took in rounds.items()}
    name = "CPU time of reading a page"
    figures = [Figure(name, least["now"], "ms", least["MuPDF"], "MuPDF's text")]
    if older:
        figures.append(
            Figure(name, least["now"], "ms", least["older"], str(older), "1.10 x at most")
        )
    return Findings(figures, {"papers": f"{len(papers)}, least of {ROUNDS} rounds"})


def _milliseconds(code: str, checkout: Path, papers: Sequence[Path]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        input="\n".join(str(path.resolve()) for path in papers),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])
