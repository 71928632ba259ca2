"""A service under work for some minutes, and what its memory does: `python -m tests.soak.run`.

Takes made papers in, folders and single ones in turn, and prints the PSS of every process at the
start, in the middle and at the end, with its slope per 100 papers. Asserts nothing.
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
from tests.crowd import write_crowd
from tests.pdf_builder.random_papers import with_mark
from tests.service import SHORT_LEASES, own_service
from tests.soak.memory import MB, Line, MemoryOverPapers

KINDS = 20  # papers that are made; others are the same in other bytes
SINGLES = 5  # after each folder of all kinds
COLLECTION = "soak"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when every paper was taken in."""
    options = _parser().parse_args(arguments)
    with own_service(options.models, **SHORT_LEASES) as (service, folder):
        papers = [path.read_bytes() for path in write_crowd(folder / "papers", KINDS)]
        memory = MemoryOverPapers(service.process.pid)
        with Client(service.url) as library:
            done = soak(library, papers, memory, 60 * options.minutes)
        show(memory.shown(), done)
        service.stop()
    return 0


def soak(library: Client, papers: Sequence[bytes], memory: MemoryOverPapers, seconds: float) -> int:
    """Number of papers taken in within that time. Raises AssertionError when one was not."""
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
    """A folder, then single papers, for ever; no two files alike."""
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
    parser.add_argument("--minutes", type=float, default=5, help="of work, after the start")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted ones")
    return parser


if __name__ == "__main__":
    sys.exit(main())
