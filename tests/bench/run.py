"""What the service costs, as ratios to raw work of the same run: `python -m tests.bench.run`.

Starts a service of its own on a free port and in a temporary home, measures, prints a table, writes
bench.json and stops everything. Asserts nothing about time. docs/benchmarks.md explains the lines.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.bench import (
    ack,
    api_processes,
    clients,
    control_plane,
    event_log,
    folder,
    guards,
    layout,
    memory,
    ocr,
    paper,
    reading,
    sandbox,
    search,
    search_scale,
    start,
)
from tests.bench.report import Findings, busy_note, machine, show, write
from tests.bench.stage import Stage, running
from tests.bench.truth import Truth, load_truth
from tests.pdf_builder.random_papers import write_random_papers


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the benches get: a folder of their own, converted models, papers, and sizes."""

    place: Path
    models: Path
    papers: list[Path]
    truth: Truth | None
    sizes: Sequence[int]
    older: Path | None


# Memory first: it wants a service that has done nothing yet.
BENCHES: dict[str, Callable[[Stage], Findings]] = {
    "memory": memory.measure,
    "ack": ack.measure,
    "paper": paper.measure,
    "folder": folder.measure,
    "clients": clients.measure,
}
STANDALONE: dict[str, Callable[[Inputs], Findings]] = {
    "reading": lambda given: reading.measure(given.papers, given.older),
    "layout": lambda given: layout.measure(given.papers, given.truth),
    "ocr": lambda given: ocr.measure(given.place),
    "sandbox": lambda given: sandbox.measure(given.papers),
    "events": lambda given: event_log.measure(given.place),
    "guards": lambda given: guards.measure(given.place),
    "search-scale": lambda given: search_scale.measure(given.place, given.sizes),
    "search": lambda given: search.measure(given.place, given.models, given.papers, given.sizes),
    "start": lambda given: start.measure(given.place, given.models),
    "apis": lambda given: api_processes.measure(given.place, given.models),
    "control-plane": lambda given: control_plane.measure(given.place),
}
SHOWN = ("ack", "paper", "folder", "memory", "clients", *STANDALONE)
PAPERS = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when everything that was asked for was measured."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # Milvus Lite counts pings, gRPC complains
    console = Console(stderr=True)
    before = machine()
    with tempfile.TemporaryDirectory(prefix="paperworks-bench-") as name:
        place = Path(name)
        papers = _papers(options.papers, options.count, place, console)
        truth = load_truth(options.papers, options.scorer, options.count)
        given = Inputs(
            place, options.home / "models", papers, truth, options.scale_rows, options.older
        )
        found = _measure_standalone(given, options.only, console)
        if set(options.only) & set(BENCHES):
            found |= _measure(place, given.models, papers, options.only, console)
    sections = {name: found[name] for name in SHOWN if name in found}
    show(sections)
    console.print(busy_note(before["load_average"][0], before["cores"]), style="yellow")
    write(options.out, {"before": before, "after": machine()}, sections)
    console.print(f"Written to {options.out}.")
    return 0


def _measure_standalone(
    given: Inputs, only: Sequence[str], console: Console
) -> dict[str, Findings]:
    """Runs the benches that start no service or their own, before a shared one uses the machine."""
    found = dict[str, Findings]()
    for name, measure in STANDALONE.items():
        if name in only:
            console.print(f"measuring: {name}")
            found[name] = measure(given)
    return found


def _measure(
    place: Path, models: Path, papers: list[Path], only: Sequence[str], console: Console
) -> dict[str, Findings]:
    began = time.monotonic()

    def say(sentence: str) -> None:
        console.print(f"[{time.monotonic() - began:5.0f} s] {sentence}", markup=False)

    say("starting the service")
    found = {}
    with running(place, models, papers, say) as stage:
        for name, measure in BENCHES.items():
            if name in only:
                say(f"measuring: {name}")
                found[name] = measure(stage)
        say("stopping the service")
    return found


def _papers(given: Path | None, count: int, place: Path, console: Console) -> list[Path]:
    if given is None:
        console.print(f"making {count} papers")
        return write_random_papers(place / "papers", count)
    papers = sorted(given.glob("*.pdf"))[:count]
    if not papers:
        sys.exit(f"There is no PDF in {given}.")
    return papers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__)
    parser.add_argument("--only", type=_names, default=SHOWN, help=f"some of {','.join(SHOWN)}")
    parser.add_argument("--papers", type=Path, help="a folder of PDFs to use instead of made ones")
    parser.add_argument("--scorer", type=Path, help="a scorer, for papers with gold.jsonl")
    parser.add_argument("--count", type=int, default=PAPERS, help="papers of the folder")
    parser.add_argument(
        "--scale-rows",
        type=lambda text: tuple(int(part) for part in text.split(",")),
        default=search_scale.ROWS,
        help="numbers of chunks of search and search-scale, for example 10000,100000,500000",
    )
    parser.add_argument("--older", type=Path, help="an older checkout, for reading")
    parser.add_argument("--home", type=Path, default=Path("var"), help="converted models lie here")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="where figures go")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := set(names) - set(SHOWN):
        raise argparse.ArgumentTypeError(f"no such measure: {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    sys.exit(main())
