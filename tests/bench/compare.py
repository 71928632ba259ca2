"""The service of this checkout over that of another one: `python -m tests.bench.compare OTHER`.

Starts both services side by side and alternates between them request by request, so that the load
of the machine is the same for both. Prints the median of each, and the median of the ratios of the
pairs with its 95 % interval (percentile bootstrap, Efron 1979). OTHER is a folder with the sources
of another commit: `git worktree add OTHER COMMIT`. Both run with the packages of this interpreter.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from runtime.ports import free_port
from serve_app.client import Client
from tests.bench.ack import form_body, open_connection, upload
from tests.bench.search import questions
from tests.paths import ROOT
from tests.pdf_builder.random_papers import one_page_paper, with_mark, write_random_papers
from tests.service import READY, RunningService

UPLOADS, SEARCHES, FOLDERS, WARM_UP = 200, 400, 2, 10
PAPERS = 40
UPLOAD_BYTES = 300_000
RESAMPLES = 10_000

Timer = Callable[[RunningService, int], float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table and returns 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compare", description=__doc__)
    parser.add_argument("other", type=Path, help="a checkout of another commit")
    parser.add_argument("--home", type=Path, default=Path("var"), help="converted models lie here")
    parser.add_argument("--only", nargs="*", choices=("search", "acknowledgement", "folder"))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="paperworks-compare-") as name, ExitStack() as stack:
        papers = write_random_papers(Path(name) / "papers", PAPERS)
        services = [
            stack.enter_context(_service(checkout, Path(name) / side, options.home / "models"))
            for side, checkout in (("other", options.other), ("this", ROOT))
        ]
        timers = {
            "search": (_search_timer(), SEARCHES, WARM_UP),
            "acknowledgement": (_upload_timer(), UPLOADS, WARM_UP),
            "folder": (_folder_timer(papers, "folder"), FOLDERS, 0),
        }
        wanted = options.only or list(timers)
        if "search" in wanted:
            _in_turns(services, _folder_timer(papers, "search"), 0, 1)
        rows = {what: _in_turns(services, *timers[what]) for what in wanted}
    _show(rows)
    return 0


@contextmanager
def _service(checkout: Path, home: Path, models: Path) -> Iterator[RunningService]:
    """Yields the service of the checkout, ready; ends it afterwards."""
    checkout, port = checkout.resolve(), free_port()
    script = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = script["paperworks"].split(":")
    start = f"import {module} as command; command.{function}()"
    environment = ["env", "-C", str(checkout), f"PYTHONPATH={checkout}"]
    address = ["up", "--port", str(port), "--home", str(home)]
    command = [*environment, sys.executable, "-c", start, *address]
    service = RunningService(home, models=models.resolve(), command=command, port=port)
    try:
        service.wait_for(READY)
        yield service
    finally:
        service.kill()


def _in_turns(
    services: Sequence[RunningService], timer: Timer, count: int, warm_up: int
) -> np.ndarray:
    """Returns the seconds of each call: (count, services). The first one alternates."""
    seconds = np.zeros((count + warm_up, len(services)))
    for number in range(count + warm_up):
        order = range(len(services)) if number % 2 else reversed(range(len(services)))
        for index in order:
            seconds[number, index] = timer(services[index], number)
    return seconds[warm_up:]


def _upload_timer() -> Timer:
    pdf = one_page_paper(1, UPLOAD_BYTES)
    connect = cache(open_connection)  # clients keep their connection

    def time_upload(service: RunningService, number: int) -> float:
        """Seconds until the upload is acknowledged; returns after the paper is searchable."""
        body = form_body(with_mark(pdf, str(number)), "acknowledgement")
        job, seconds = upload(connect(service.url), body)
        with Client(service.url) as client:
            client.wait(job)
        return seconds

    return time_upload


def _search_timer() -> Timer:
    texts = list(questions(SEARCHES + WARM_UP))
    connect = cache(lambda url: httpx.Client(base_url=url, timeout=60))

    def time_search(service: RunningService, number: int) -> float:
        query = {"query": texts[number], "collection": "search-0"}
        began = time.perf_counter()
        connect(service.url).post("/api/v1/search", json=query).raise_for_status()
        return time.perf_counter() - began

    return time_search


def _folder_timer(papers: Sequence[Path], name: str) -> Timer:
    def time_folder(service: RunningService, number: int) -> float:
        """Seconds until the folder is searchable. Raises RuntimeError if a paper failed."""
        with Client(service.url) as client:
            began = time.perf_counter()
            job = client.wait(client.upload_many(papers, collection=f"{name}-{number}").job_id)
            seconds = time.perf_counter() - began
        if job.counts.completed != len(papers):
            raise RuntimeError(f"Of {len(papers)} papers {job.counts.completed} were completed.")
        return seconds

    return time_folder


def _show(rows: dict[str, np.ndarray]) -> None:
    table = Table("what", "pairs", "other", "this", "ratio", "95 % interval")
    for what, seconds in rows.items():
        other, this = np.median(seconds, axis=0) * 1000
        ratios = seconds[:, 1] / seconds[:, 0]
        low, high = _interval(ratios)
        cells = (f"{other:.4g} ms", f"{this:.4g} ms", f"{np.median(ratios):.3f}")
        table.add_row(what, str(len(seconds)), *cells, f"{low:.3f} - {high:.3f}")
    Console(width=100).print(table)


def _interval(ratios: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % interval of the median."""
    chance = random.Random(1)
    medians = [np.median(chance.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES)]
    low, high = np.percentile(medians, (2.5, 97.5))
    return float(low), float(high)


if __name__ == "__main__":
    sys.exit(main())
