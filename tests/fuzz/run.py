"""Mutants for a service of its own: `python -m tests.fuzz.run --count 1000 --seed 1`.

Uploads them in batches side by side, a good paper with each batch, and prints how they ended: all
of them, or those until Ctrl-C. Exit status 0 when every mutant ended with a paper or with a code
that is the paper's own, every good paper can be found, and the service answered and lived on
throughout. What ended otherwise is kept in build/fuzz, to be looked at.
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
from tests.mutants import good_papers, mutant
from tests.service import own_service
from tests.watch import Watch

BATCH, AT_ONCE = 20, 4
HANG_SECONDS = 3600.0
KEEP = Path("build/fuzz")
HANGS, GOOD_LOST = "hangs", "good papers lost"
FINE = ("document", "request")  # categories of errors that are the paper's own


@dataclass
class Ends:
    """How many ended how; `odd` are the ends that no paper may have."""

    codes: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    good: int = 0


@dataclass(frozen=True, slots=True)
class Fuzz:
    """Mutants `seed`/0 to `seed`/`count` and where they go."""

    client: Client
    seed: int
    count: int
    folder: Path
    ends: Ends

    def batch(self, first: int) -> None:
        """Sends the mutants from the `first` on, and waits until they have ended."""
        numbers = range(first, min(self.count, first + BATCH))
        paths = [self._written(number) for number in numbers]
        self._send(paths)
        for path in paths:
            path.unlink()
        print(self.ends.codes.total(), dict(self.ends.codes), file=sys.stderr, flush=True)

    def _send(self, paths: Sequence[Path]) -> None:
        try:
            sent = self.client.upload_many(paths, "fuzz", on_duplicate="reprocess")
        except PaperworksProblem as problem:  # none of them was accepted
            self.ends.codes[problem.code] += len(paths)
            return
        self.ends.codes.update(one.code for one in sent.refused)
        self._send_good(sent.job_id)
        self._follow(sent.job_id)

    def _written(self, number: int) -> Path:
        made = mutant(good_papers(), self.seed, number)
        path = self.folder / made.name
        path.write_bytes(made.content)
        return path

    def _send_good(self, mark: str) -> None:
        paper = good_papers()[0] + b"\n% " + mark.encode()
        job = self.client.upload(paper, "good", filename="good.pdf").job_id
        done = self.client.wait(job, HANG_SECONDS)
        self.ends.good += done.status == "completed"
        self.ends.odd[GOOD_LOST] += done.status != "completed"

    def _follow(self, job_id: str) -> None:
        try:
            job = self.client.wait(job_id, HANG_SECONDS)
        except TimeoutError:
            job = self.client.job(job_id)
        for task in job.tasks:
            if not task.status.is_final:
                self._keep(HANGS, task.filename)
            elif task.error and task.error.category not in FINE:
                self._keep(task.error.code, task.filename)
            self.ends.codes[task.error.code if task.error else str(task.status)] += 1

    def _keep(self, end: str, name: str) -> None:
        self.ends.odd[end] += 1
        KEEP.mkdir(parents=True, exist_ok=True)
        (KEEP / f"{end}-{name}").write_bytes((self.folder / name).read_bytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all ended well."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ends, console = Ends(), Console()
    own = own_service(options.models, PAPERWORKS_READ__OCR=options.ocr)
    with own as (service, folder), Client(service.url) as client:
        fuzz = Fuzz(client, options.seed, options.count, folder, ends)
        with (
            Watch(service.url, service.process.pid) as watch,
            ThreadPoolExecutor(AT_ONCE) as pool,
            suppress(KeyboardInterrupt),  # what is at work goes on to its end
        ):
            list(pool.map(fuzz.batch, range(0, options.count, BATCH)))
        found = len(client.search("silver nanoparticles", collection="good", limit=1).hits)
        crashes = len(watch.lost) + (service.process.poll() is not None)
        _show(console, ends, watch, crashes)
        service.stop(grace_seconds=20)
    return int(bool(+ends.odd or crashes or watch.silences or not found))


def _show(console: Console, ends: Ends, watch: Watch, crashes: int) -> None:
    table = Table("end", "mutants")
    for code, count in ends.codes.most_common():
        table.add_row(code, str(count))
    table.add_row("all", str(ends.codes.total()), style="bold")
    console.print(table)
    console.print(f"hangs {ends.odd[HANGS]}, service crashes {crashes} {watch.lost or ''}")
    console.print(f"good papers beside them: {ends.good} completed, {ends.odd[GOOD_LOST]} lost")
    console.print(
        f"/readyz: {dict(watch.answers)}, silent {dict(watch.silences)}, "
        f"slowest {watch.slowest_seconds:.1f} s; "
        f"memory at most {watch.peak_bytes / 1e9:.1f} GB (PSS of all processes)"
    )
    if odd := +ends.odd:
        console.print(f"not as it should be: {dict(odd)}; files in {KEEP}", style="red")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other mutants")
    parser.add_argument("--ocr", default="auto", help="auto, off: as PAPERWORKS_READ__OCR")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted models")
    return parser


if __name__ == "__main__":
    sys.exit(main())
