"""(m) Searches and uploads per second with one and with two API processes, and their CPU share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

from tests.bench.ack import form_body, open_connection, upload
from tests.bench.processes import CpuMeter
from tests.bench.report import Figure, Findings
from tests.bench.search import questions
from tests.bench.start import COLLECTION, started
from tests.made_library import fill_home
from tests.pdf_builder.random_papers import one_page_paper, with_mark

CLIENTS, SECONDS, CHUNKS, UPLOAD_BYTES = 8, 10.0, 20_000, 300_000
JSON = {"Content-Type": "application/json"}
Request = Callable[[HTTPConnection, int], None]


def measure(folder: Path, models: Path) -> Findings:
    """The ratios of two processes to one; the details state the CPU seconds by role."""
    home = folder / "apis"
    fill_home(home, COLLECTION, CHUNKS)
    one, cpu = _measured(home, models, 1)
    two, _ = _measured(home, models, 2)
    figures = [
        Figure(f"{name}, two processes", two[name], "1/s", one[name], "one process") for name in one
    ]
    return Findings(figures, {f"CPU ms per {name}, one process": cpu[name] for name in cpu})


def _measured(
    home: Path, models: Path, processes: int
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Returns requests per second, and CPU milliseconds by role of one request."""
    rates, cpu = dict[str, float](), dict[str, dict[str, float]]()
    with started(home, models, PAPERWORKS_HTTP__REPLICAS=str(processes)) as (url, pid):
        time.sleep(SECONDS)  # the first comparison of the stores
        for name, request in (("searches", _search_one), ("uploads", _upload_one)):
            with CpuMeter([pid]) as meter:
                done = _load(url, request)
            rates[name] = done / SECONDS
            cpu[name] = {role: 1000 * used / done for role, used in meter.by_role().items() if used}
    return rates, cpu


def _load(url: str, request: Request) -> int:
    """Returns the number of requests that the clients complete in SECONDS."""
    end = time.monotonic() + SECONDS

    def client(number: int) -> int:
        connection, done = open_connection(url), 0
        while time.monotonic() < end:
            request(connection, 100_000 * number + done)
            done += 1
        connection.close()
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(client, range(CLIENTS)))


QUERIES = list(questions(500))
PDF = one_page_paper(1, UPLOAD_BYTES)


def _search_one(connection: HTTPConnection, number: int) -> None:
    body = json.dumps({"query": QUERIES[number % len(QUERIES)], "collection": COLLECTION})
    connection.request("POST", "/api/v1/search", body, JSON)
    answer = connection.getresponse()
    if not json.loads(answer.read())["hits"]:
        raise RuntimeError("A search over a full collection found nothing.")


def _upload_one(connection: HTTPConnection, number: int) -> None:
    upload(connection, form_body(with_mark(PDF, f"apis {time.time_ns()} {number}"), "bench-apis"))
