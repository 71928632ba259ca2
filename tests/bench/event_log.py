"""(i) What the log of a job costs: moves of a task with the triggers that write it, and without.

Needs no service but a PostgreSQL of its own. Some tasks with, some without, in turn: what the
machine does besides hits both alike.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from sqlalchemy import text

from domain.jobs import Progress
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres.database import Database
from tests.bench.report import Figure, Findings
from tests.stores.postgres import Stores, make_template, postgres_stores, url_of
from tests.stores.work import DONE, admit, claim

ROUNDS, TASKS = 6, 60
MOVES = ("admit", "claim", "report", "finish")
Times = dict[str, list[float]]


def measure(folder: Path) -> Findings:
    """Milliseconds of each move with the log over those without it, medians."""
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        ours, raw = asyncio.run(_measured(server))
    finally:
        server.stop()
    figures = [
        Figure(move, 1000 * median(ours[move]), "ms", 1000 * median(raw[move]), "without the log")
        for move in MOVES
    ]
    return Findings(figures, {"tasks": ROUNDS * TASKS, "rounds": ROUNDS})


async def _measured(server: EmbeddedPostgres) -> tuple[Times, Times]:
    await make_template(server)
    database = Database(url_of(server, "migrated"))
    stores = postgres_stores(database)
    ours, raw = Times(), Times()
    await _moved(stores)  # connections and plans are made once
    for _ in range(ROUNDS):
        for state, times in (("ENABLE", ours), ("DISABLE", raw)):
            async with database.begin() as connection:
                for table in ("tasks", "jobs"):
                    await connection.execute(text(f"ALTER TABLE {table} {state} TRIGGER USER"))
            for move, took in (await _moved(stores)).items():
                times.setdefault(move, []).extend(took)
    await database.close()
    return ours, raw


async def _moved(stores: Stores) -> Times:
    """Seconds of each move of some tasks."""
    times: Times = defaultdict(list)
    for _ in range(TASKS):
        marks = [time.perf_counter()]
        await admit(stores)
        marks.append(time.perf_counter())
        [task] = await claim(stores)
        marks.append(time.perf_counter())
        await stores.queue.report(task, Progress(pages_done=1, pages_total=3))
        marks.append(time.perf_counter())
        await stores.queue.finish(task, DONE)
        marks.append(time.perf_counter())
        for move, began, ended in zip(MOVES, marks[:-1], marks[1:], strict=True):
            times[move].append(ended - began)
    return times
