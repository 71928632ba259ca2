"""(i) What origin check, admission control, body limits and deadlines cost a request.

Needs no service: the API over stores in memory and a blob folder, twice in this process, with and
without them, asked in turns over one connection each. PostgreSQL, Milvus and Ray Serve would add
the same to both, so the ratio is that of the cheapest request there is; `on top` holds everywhere.
CPU time of this process is given too, which other programs on the machine disturb less.
"""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from pathlib import Path

from runtime.http_options import HttpOptions
from serve_app.http.protocol import guarded_protocol
from serve_app.http.request_context import RequestContext
from tests.bench.report import Figure, Findings, quantile
from tests.pdf_builder.random_papers import one_page_paper, with_mark
from tests.unit.serve_app.library import Library
from tests.unit.serve_app.served import no_work, running_server

SIZE_BYTES, REQUESTS, WARM = 300_000, 400, 40
PDF = {"Content-Type": "application/pdf"}
JSON = {"Content-Type": "application/json"}
SEARCH = json.dumps({"query": "silver nanoparticles"}).encode()
Took = tuple[float, float]  # seconds by the clock, seconds of CPU time
Timed = list[tuple[Took, Took]]  # with and without the guards


def measure(place: Path) -> Findings:
    """Medians of an acknowledgement, a search and a health check, with and without the guards."""
    guarded, bare = _library(place / "guarded"), _library(place / "bare")
    bare.app.user_middleware[:] = [
        one for one in bare.app.user_middleware if one.cls is RequestContext
    ]
    with (
        running_server(guarded.app, guarded_protocol(HttpOptions()), no_work()) as ours,
        running_server(bare.app, "auto", no_work()) as raw,
    ):
        doors = HTTPConnection("127.0.0.1", ours), HTTPConnection("127.0.0.1", raw)
        pdf = one_page_paper(1, SIZE_BYTES)
        took = {
            "acknowledgement of 300 kB": [
                _both(doors, n, "POST", "/api/v1/upload-async", with_mark(pdf, str(n)), PDF)
                for n in range(REQUESTS)
            ],
            "search": [
                _both(doors, n, "POST", "/api/v1/search", SEARCH, JSON) for n in range(REQUESTS)
            ],
            "health check": [_both(doors, n, "GET", "/livez", None, {}) for n in range(REQUESTS)],
        }
    figures = [figure for name, times in took.items() for figure in _figures(name, times)]
    return Findings(figures, {"requests": f"{REQUESTS - WARM} of each kind, in turns"})


def _figures(name: str, times: Timed) -> list[Figure]:
    figures = []
    for kind, index in (("", 0), (" CPU", 1)):
        pairs = [(ours[index] * 1000, raw[index] * 1000) for ours, raw in times[WARM:]]
        ours, raw = (quantile(list(column), 0.5) for column in zip(*pairs, strict=True))
        on_top = quantile([one - other for one, other in pairs], 0.5)
        figures += [
            Figure(f"{name}, p50{kind}", ours, "ms", raw, "without the guards"),
            Figure(f"{name}, on top{kind}, p50 of the differences", on_top, "ms"),
        ]
    return figures


def _library(folder: Path) -> Library:
    """The API, with limits that the measure does not reach."""
    folder.mkdir()
    return Library(folder, http=HttpOptions(), upload_bytes=10 * SIZE_BYTES, files=1000)


def _both(
    doors: tuple[HTTPConnection, HTTPConnection],
    turn: int,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
) -> tuple[Took, Took]:
    """What a request takes with and without the guards; each comes first in every second turn."""
    order = (0, 1) if turn % 2 else (1, 0)
    took = {at: _took(doors[at], method, path, body, headers) for at in order}
    return took[0], took[1]


def _took(
    door: HTTPConnection, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> Took:
    began, worked = time.perf_counter(), time.process_time()
    door.request(method, path, body, headers)
    answer = door.getresponse()
    answer.read()
    took = time.perf_counter() - began, time.process_time() - worked
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path} was answered with {answer.status}")
    return took
