"""How many searches and acknowledged uploads a second, and how late, with 1, 50 and 200 clients.

Every client sends its next request when it has the response to the last one. What a response waits
for others follows from the rate: 200 clients at 100 responses a second wait two seconds each. The
service refuses requests that would wait too long (503 with Retry-After); a client waits as long and
goes on. Accepted papers are read at the same time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx

from tests.bench.ack import HEADERS, form_body
from tests.bench.report import Findings, Grid, quantile
from tests.bench.search import questions
from tests.bench.stage import Stage, settle
from tests.pdf_builder.random_papers import one_page_paper, with_mark

CLIENTS = (1, 50, 200)
REQUESTS = 300
SIZE_BYTES = 20_000
COLLECTION = "bench-clients"
COLUMNS = ("per second", "p50 ms", "p99 ms", "refused")

Send = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


def measure(stage: Stage) -> Findings:
    """Rates and delays of searches in the papers of the stage, then of uploads."""
    with stage.client() as client:
        client.wait(client.upload_many(stage.papers, collection=COLLECTION).job_id)
    settle()
    searches = {f"searches, {count} clients": _row(stage, count, _search) for count in CLIENTS}
    uploads = {}
    for count in CLIENTS:
        _drain(stage)  # the papers of the last row are read
        uploads[f"uploads, {count} clients"] = _row(stage, count, _upload_of(count))
    details = {"papers": len(stage.papers), "requests": REQUESTS, "upload bytes": SIZE_BYTES}
    return Findings([], details, [Grid("clients", COLUMNS, searches | uploads)])


def _row(stage: Stage, clients: int, send: Send) -> list[float]:
    seconds, refused, elapsed = asyncio.run(_load(stage.url, clients, send))
    delays = [1000 * quantile(seconds, share) for share in (0.5, 0.99)]
    return [len(seconds) / elapsed, *delays, float(refused)]


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


async def _search(http: httpx.AsyncClient, number: int) -> httpx.Response:
    body = {"query": QUESTIONS[number], "collection": COLLECTION}
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


QUESTIONS = list(questions(REQUESTS))
