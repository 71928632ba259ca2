"""Memory of a service under load for some minutes: `python -m tests.soak.run`.

Uploads generated papers, alternately as folders and singly, and prints the PSS of every process at
the start, in the middle and at the end, with its growth per 100 papers. Asserts no limit.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serve_app.client import Client
from tests.pdf_builder.random_papers import with_mark
from tests.service import SHORT_LEASES, own_service
from tests.small_papers import write_small_papers
from tests.soak.memory import MB, Line, MemoryOverPapers

KINDS = 20  # generated papers; all others are copies with another digest
SINGLES = 5  # single uploads after each folder
COLLECTION = "soak"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if every paper was processed."""
    options = _parser().parse_args(arguments)
    with own_service(options.models, **SHORT_LEASES) as (service, folder):
        papers = [path.read_bytes() for path in write_small_papers(folder / "papers", KINDS)]
        memory = MemoryOverPapers(service.process.pid)
        with Client(service.url) as library:
            done = soak(library, papers, memory, 60 * options.minutes)
        show(memory.shown(), done)
        service.stop()
    return 0


def soak(library: Client, papers: Sequence[bytes], memory: MemoryOverPapers, seconds: float) -> int:
    """Returns the number of processed papers. Raises AssertionError if a job does not complete."""
    done, deadline = 0, time.monotonic() + seconds
    memory.sample(done)
    for batch in _batches(papers):
        if time.monotonic() > deadline:
            break
        accepted = library.upload_many(batch, COLLECTION)
        job = library.wait(accepted.job_id)
        assert job.status == "completed", job
        done += len(batch)
        memory.sample(done)
    return done


def _batches(papers: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yields a folder, then single papers, in an endless loop; all files differ."""
    numbers = count()
    while True:
        yield [with_mark(paper, str(next(numbers))) for paper in papers]
        for paper in papers[:SINGLES]:
            yield [with_mark(paper, str(next(numbers)))]


def show(lines: Sequence[Line], papers: int) -> None:
    """Prints the table."""
    table = Table("PSS in MB", "start", "middle", "end", "per 100 papers", title=f"{papers} papers")
    for line in lines:
        sizes = (line.pss[0], line.middle, line.pss[-1], 100 * line.slope)
        table.add_row(line.name, *(f"{size / MB:.1f}" for size in sizes))
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="duration of the load")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted models")
    return parser


if __name__ == "__main__":
    sys.exit(main())
