"""How many searches and acknowledged uploads a second, and how late, with 1, 50 and 200 clients.

Saturated: every client sends its next request when it has the response to the last one. What a
response waits for others follows from the rate: 200 clients at 100 responses a second wait two
seconds each. The service refuses requests that would wait too long (503 with Retry-After); a client
waits as long and goes on.

Paced: the clients together send at a fixed rate, each in its turn, and a delay counts from the time
at which the request was due. The highest rate of RATES is reported whose p99 is below 100 ms, with
no request refused. Each rate begins when the papers accepted before are read.

Accepted papers are read at the same time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from itertools import count

import httpx

from tests.bench.ack import HEADERS, form_body
from tests.bench.report import Findings, Grid, quantile
from tests.bench.search import new_question
from tests.bench.stage import Stage, settle
from tests.pdf_builder.random_papers import one_page_paper, with_mark

CLIENTS = (1, 50, 200)
REQUESTS = 300
SIZE_BYTES = 20_000
COLLECTION = "bench-clients"
COLUMNS = ("per second", "p50 ms", "p99 ms", "refused", "per second with p99 < 100 ms")
RATES = (5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100)
MAX_P99_SECONDS = 0.1
PACED_REQUESTS, PACED_SECONDS = 60, 5  # of one rate, at least

Send = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


def measure(stage: Stage) -> Findings:
    """Rates and delays of searches in the papers of the stage, then of uploads."""
    with stage.client() as client:
        client.wait(client.upload_many(stage.papers, collection=COLLECTION).job_id)
    settle()
    searches = {f"searches, {number} clients": _row(stage, number, _search) for number in CLIENTS}
    uploads = {}
    for number in CLIENTS:
        _drain(stage)  # the papers of the last row are read
        uploads[f"uploads, {number} clients"] = _row(stage, number, _upload_of(number))
    details = {"papers": len(stage.papers), "requests": REQUESTS, "upload bytes": SIZE_BYTES}
    return Findings([], details, [Grid("clients", COLUMNS, searches | uploads)])


def _row(stage: Stage, clients: int, send: Send) -> list[float]:
    seconds, refused, elapsed = asyncio.run(_load(stage.url, clients, send))
    delays = [1000 * quantile(seconds, share) for share in (0.5, 0.99)]
    highest = asyncio.run(_highest_rate(stage, clients, send))
    return [len(seconds) / elapsed, *delays, float(refused), highest]


async def _load(url: str, clients: int, send: Send) -> tuple[list[float], int, float]:
    """Returns the seconds of each accepted request, the number of refused ones, and of all."""
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    numbers, seconds, refused = iter(range(REQUESTS)), list[float](), 0

    async def work(http: httpx.AsyncClient) -> None:
        nonlocal refused
        for number in numbers:
            began = time.perf_counter()
            response = await send(http, number)
            if response.status_code in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
                seconds.append(time.perf_counter() - began)
            else:
                refused += 1
                await asyncio.sleep(float(response.headers.get("Retry-After", 1)))

    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120) as http:
        began = time.perf_counter()
        await asyncio.gather(*(work(http) for _ in range(clients)))
        return seconds, refused, time.perf_counter() - began


async def _highest_rate(stage: Stage, clients: int, send: Send) -> float:
    """Returns the highest rate of RATES that is answered in time, found by bisection; else 0."""
    numbers = count(REQUESTS)  # no request of an earlier run is repeated

    async def is_in_time(rate: int) -> bool:
        await asyncio.to_thread(_drain, stage)  # what the last rate left over is done
        seconds = await _paced(stage.url, clients, rate, send, numbers)
        return quantile(seconds, 0.99) < MAX_P99_SECONDS

    low, high = 0, len(RATES)  # RATES[:low] are answered in time, RATES[high:] are not
    while low < high:
        middle = (low + high) // 2
        if await is_in_time(RATES[middle]):
            low = middle + 1
        else:
            high = middle
    return float(RATES[low - 1]) if low else 0.0


async def _paced(
    url: str, clients: int, rate: int, send: Send, numbers: Iterator[int]
) -> list[float]:
    """Returns the seconds of each request after the time at which it was due; refused ones: inf."""
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    free = asyncio.Semaphore(clients)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120) as http:
        began = time.perf_counter()

        async def request(due: float) -> float:
            await asyncio.sleep(began + due - time.perf_counter())
            async with free:
                response = await send(http, next(numbers))
            is_accepted = response.status_code in (HTTPStatus.OK, HTTPStatus.ACCEPTED)
            return time.perf_counter() - began - due if is_accepted else math.inf

        total = max(PACED_REQUESTS, PACED_SECONDS * rate)
        return await asyncio.gather(*(request(place / rate) for place in range(total)))


async def _search(http: httpx.AsyncClient, _number: int) -> httpx.Response:
    body = {"query": new_question(), "collection": COLLECTION}
    return await http.post("/api/v1/search", json=body)


def _upload_of(clients: int) -> Send:
    pdf = one_page_paper(clients, SIZE_BYTES)

    async def upload(http: httpx.AsyncClient, number: int) -> httpx.Response:
        body = form_body(with_mark(pdf, f"{clients} {number}"), f"{COLLECTION}-uploads")
        return await http.post("/api/v1/upload-async", content=body, headers=HEADERS)

    return upload


def _drain(stage: Stage) -> None:
    with stage.client() as client:
        while client.jobs(status="queued", limit=1).items:
            settle()
        while client.jobs(status="running", limit=1).items:
            settle()
