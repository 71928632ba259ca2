"""(m) Searches and uploads per second that two API processes answer, as ratio to one of them.

One service with two processes: the clients have connections either to both processes or to one of
them, in turns. The CPU seconds by role are those of the turns with one process.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

from tests.bench.ack import form_body, open_connection, upload
from tests.bench.processes import CpuMeter
from tests.bench.report import Figure, Findings
from tests.bench.search import new_question, search_once
from tests.bench.start import COLLECTION, started
from tests.made_library import fill_home
from tests.pdf_builder.random_papers import one_page_paper, with_mark

CLIENTS, TURNS, TURN_SECONDS, CHUNKS, UPLOAD_BYTES = 8, 3, 5.0, 3_000, 300_000
SETTLING_SECONDS = 5.0  # the first comparison of the stores
Request = Callable[[HTTPConnection, int], None]


def measure(folder: Path, models: Path) -> Findings:
    """The ratios of two processes to one, and the CPU time of a request by role."""
    home = folder / "apis"
    fill_home(home, COLLECTION, CHUNKS)
    figures, details = list[Figure](), dict[str, dict[str, float]]()
    with started(home, models, PAPERWORKS_HTTP__REPLICAS="2") as (url, pid):
        time.sleep(SETTLING_SECONDS)
        for name, request in (("searches", _search_one), ("uploads", _upload_one)):
            one, two, cpu = _alternate(url, pid, request)
            figures.append(Figure(f"{name}, two processes", two, "1/s", one, "one process"))
            details[f"CPU ms of {name}, one process"] = cpu
    return Findings(figures, details)


def _alternate(url: str, pid: int, request: Request) -> tuple[float, float, dict[str, float]]:
    """Returns requests per second at one process and at two, and CPU ms by role of a request."""
    by_process = _connections(url)
    first = next(iter(by_process.values()))
    both = [one for group in by_process.values() for one in group[: CLIENTS // 2]]
    done = {"one": 0, "two": 0}
    cpu: dict[str, float] = {}
    for turn in range(TURNS):
        with CpuMeter([pid]) as meter:
            done["one"] += _load(first, request, 2 * turn)
        for role, seconds in meter.by_role().items():
            cpu[role] = cpu.get(role, 0.0) + 1000 * seconds
        done["two"] += _load(both, request, 2 * turn + 1)
    shares = {role: milliseconds / done["one"] for role, milliseconds in cpu.items()}
    seconds = TURNS * TURN_SECONDS
    return done["one"] / seconds, done["two"] / seconds, shares


def _connections(url: str) -> dict[int, list[HTTPConnection]]:
    """Returns CLIENTS open connections to each of the two processes, by process id."""
    found: dict[int, list[HTTPConnection]] = {}
    while len(found) < 2 or min(map(len, found.values())) < CLIENTS:
        connection = open_connection(url)
        connection.request("GET", "/livez")
        process = json.loads(connection.getresponse().read())["process"]
        found.setdefault(process, []).append(connection)
    return {process: group[:CLIENTS] for process, group in found.items()}


def _load(connections: Sequence[HTTPConnection], request: Request, turn: int) -> int:
    """Returns the number of requests that the clients complete in TURN_SECONDS."""
    end = time.monotonic() + TURN_SECONDS

    def client(number: int) -> int:
        done = 0
        while time.monotonic() < end:
            request(connections[number], 1_000_000 * turn + 100_000 * number + done)
            done += 1
        return done

    with ThreadPoolExecutor(len(connections)) as pool:
        return sum(pool.map(client, range(len(connections))))


PDF = one_page_paper(1, UPLOAD_BYTES)


def _search_one(connection: HTTPConnection, _number: int) -> None:
    search_once(connection, new_question(), COLLECTION)


def _upload_one(connection: HTTPConnection, number: int) -> None:
    upload(connection, form_body(with_mark(PDF, f"apis {number}"), "bench-apis"))
