"""(l) Seconds from `paperworks up` to a ready service, for an empty home and one with many chunks.

The stores of each home exist before. Measures until /readyz is 200, and the
seconds of the first search after that; the phases are those of the log.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from runtime.ports import free_port
from runtime.processes import stop, tail
from serve_app.process.readiness import NotReady, wait_until_ready
from tests.bench.report import Figure, Findings, Grid
from tests.bench.stage import STOP_WITHIN_SECONDS, start_service
from tests.made_library import fill_home

CHUNKS = (0, 20_000)
COLLECTION = "bench-start"
COLUMNS = ("ready s", "ray s", "serve s", "warm-up s", "first search ms")
QUERY = {"query": "function", "collection": COLLECTION}


def measure(folder: Path, models: Path) -> Findings:
    """A row of the table for each number of chunks; the ratio is to the empty home."""
    rows = {f"{chunks:,} chunks": _measured(folder, models, chunks) for chunks in CHUNKS}
    empty = next(iter(rows.values()))[0]
    figures = [
        Figure(f"up until ready, {name}", row[0], "s", empty, "an empty home")
        for name, row in rows.items()
    ]
    return Findings(figures, grids=[Grid("start", COLUMNS, rows)])


def _measured(folder: Path, models: Path, chunks: int) -> list[float]:
    home = folder / f"start-{chunks}"
    fill_home(home, COLLECTION, chunks)
    began = time.monotonic()
    with started(home, models) as (url, _):
        ready = time.monotonic() - began
        began = time.monotonic()
        httpx.post(f"{url}/api/v1/search", json=QUERY, timeout=60).raise_for_status()
        first_search = time.monotonic() - began
    return [ready, *_phases(home.with_suffix(".log")), 1000 * first_search]


def _phases(log: Path) -> list[float]:
    lines = re.findall(r"Started: (?:ray|serve|warm-up) after ([\d.]+) s", log.read_text())
    return list(map(float, lines))


@contextmanager
def started(home: Path, models: Path, **environment: str) -> Iterator[tuple[str, int]]:
    """Yields the URL and the pid of a ready service on the home; stops it after the block."""
    home.mkdir(exist_ok=True)
    models.mkdir(parents=True, exist_ok=True)  # the first run on a machine converts the model
    if not (home / "models").exists():
        (home / "models").symlink_to(models.resolve())
    port, log = free_port(), home.with_suffix(".log")
    process = start_service(home, port, log, {**os.environ, **environment})
    try:
        url = f"http://127.0.0.1:{port}"
        processes = int(environment.get("PAPERWORKS_HTTP__REPLICAS", "1"))
        try:
            wait_until_ready(url, processes=processes, is_alive=lambda: process.poll() is None)
        except NotReady as error:
            raise RuntimeError(f"{error}.{tail(log)}") from error
        yield url, process.pid
    finally:
        stop(process, timeout=STOP_WITHIN_SECONDS)
