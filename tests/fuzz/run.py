"""Mutants for a separate service: `python -m tests.fuzz.run --count 1000 --seed 1`.

Uploads concurrent batches of mutants, each with a valid paper, and prints the results. Ctrl-C ends
the run early. The exit status is 0 if every mutant ends with a paper or with an error code of the
document, every valid paper becomes searchable, and the service always responds and loses no
process. Mutants with another result are kept in build/fuzz.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serve_app.client import Client, PaperworksProblem
from tests.mutants import mutant, valid_papers
from tests.service import own_service
from tests.service_monitor import ServiceMonitor

BATCH, CONCURRENT_BATCHES = 20, 4
COMPLETION_TIMEOUT_SECONDS = 3600.0
KEEP = Path("build/fuzz")
HANGS, VALID_LOST = "hangs", "valid papers lost"
EXPECTED = ("document", "request")  # categories of errors that a mutant may end with


@dataclass
class Results:
    """Number of mutants by result; `unexpected` counts results that are defects of the service."""

    codes: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    valid: int = 0


@dataclass(frozen=True, slots=True)
class Fuzz:
    """Uploads the mutants `seed`/0 to `seed`/`count` and records their results."""

    client: Client
    seed: int
    count: int
    folder: Path
    results: Results

    def batch(self, first: int) -> None:
        """Uploads a batch of mutants from `first` on; returns when they have ended."""
        numbers = range(first, min(self.count, first + BATCH))
        paths = [self._written(number) for number in numbers]
        self._send(paths)
        for path in paths:
            path.unlink()
        print(self.results.codes.total(), dict(self.results.codes), file=sys.stderr, flush=True)

    def _send(self, paths: Sequence[Path]) -> None:
        try:
            sent = self.client.upload_many(paths, "fuzz", on_duplicate="reprocess")
        except PaperworksProblem as problem:  # the whole batch was rejected
            self.results.codes[problem.code] += len(paths)
            return
        self.results.codes.update(one.code for one in sent.refused)
        self._send_valid(sent.job_id)
        self._follow(sent.job_id)

    def _written(self, number: int) -> Path:
        made = mutant(valid_papers(), self.seed, number)
        path = self.folder / made.name
        path.write_bytes(made.content)
        return path

    def _send_valid(self, mark: str) -> None:
        paper = valid_papers()[0] + b"\n% " + mark.encode()
        job = self.client.upload(paper, "valid", filename="valid.pdf").job_id
        done = self.client.wait(job, COMPLETION_TIMEOUT_SECONDS)
        self.results.valid += done.status == "completed"
        self.results.unexpected[VALID_LOST] += done.status != "completed"

    def _follow(self, job_id: str) -> None:
        try:
            job = self.client.wait(job_id, COMPLETION_TIMEOUT_SECONDS)
        except TimeoutError:
            job = self.client.job(job_id)
        for task in job.tasks:
            if not task.status.is_final:
                self._keep(HANGS, task.filename)
            elif task.error and task.error.category not in EXPECTED:
                self._keep(task.error.code, task.filename)
            self.results.codes[task.error.code if task.error else str(task.status)] += 1

    def _keep(self, result: str, name: str) -> None:
        self.results.unexpected[result] += 1
        KEEP.mkdir(parents=True, exist_ok=True)
        (KEEP / f"{result}-{name}").write_bytes((self.folder / name).read_bytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if all results are expected, else 1."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results, console = Results(), Console()
    own = own_service(options.models, PAPERWORKS_READ__OCR=options.ocr)
    with own as (service, folder), Client(service.url) as client:
        fuzz = Fuzz(client, options.seed, options.count, folder, results)
        with (
            ServiceMonitor(service.url, service.process.pid) as monitor,
            ThreadPoolExecutor(CONCURRENT_BATCHES) as pool,
            suppress(KeyboardInterrupt),  # running batches are completed
        ):
            list(pool.map(fuzz.batch, range(0, options.count, BATCH)))
        found = len(client.search("silver nanoparticles", collection="valid", limit=1).hits)
        crashes = len(monitor.lost) + (service.process.poll() is not None)
        _show(console, results, monitor, crashes)
        service.stop(grace_seconds=20)
    return int(bool(+results.unexpected or crashes or monitor.errors or not found))


def _show(console: Console, results: Results, monitor: ServiceMonitor, crashes: int) -> None:
    table = Table("result", "mutants")
    for code, count in results.codes.most_common():
        table.add_row(code, str(count))
    table.add_row("all", str(results.codes.total()), style="bold")
    console.print(table)
    console.print(
        f"hangs {results.unexpected[HANGS]}, service crashes {crashes} {monitor.lost or ''}"
    )
    console.print(f"valid papers: {results.valid} completed, {results.unexpected[VALID_LOST]} lost")
    console.print(
        f"/readyz: {dict(monitor.responses)}, errors {dict(monitor.errors)}, "
        f"slowest {monitor.slowest_seconds:.1f} s; "
        f"memory at most {monitor.peak_bytes / 1e9:.1f} GB (PSS of all processes)"
    )
    if unexpected := +results.unexpected:
        console.print(f"unexpected results: {dict(unexpected)}; files in {KEEP}", style="red")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="number of mutants")
    parser.add_argument("--seed", type=int, default=1, help="seed of the mutants")
    parser.add_argument("--ocr", default="auto", help="auto, off: as PAPERWORKS_READ__OCR")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted models")
    return parser


if __name__ == "__main__":
    sys.exit(main())
