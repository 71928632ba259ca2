"""(a) How long an upload takes until it is acknowledged, on an idle and on a busy service."""

from __future__ import annotations

import asyncio
import json
import os
import time
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path

import asyncpg

from serve_app.client import Client
from tests.bench.report import Figure, Findings, quantile
from tests.bench.stage import Stage, settle
from tests.pdf_builder.random_papers import one_page_paper, with_mark

SIZE_BYTES = 300_000
IDLE_UPLOADS, CLIENTS, UPLOADS_OF_A_CLIENT = 80, 8, 25
BOUNDARY = "paperworks-bench"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
CREATE = "CREATE TABLE IF NOT EXISTS uploads (id text PRIMARY KEY, name text, bytes bigint)"
INSERT = "INSERT INTO uploads VALUES ($1, $2, $3)"


def measure(stage: Stage) -> Findings:
    """Acknowledgement idle and busy, over write, fsync, rename and INSERT."""
    pdf = one_page_paper(1, SIZE_BYTES)
    asyncio.run(_prepare(stage))
    idle = asyncio.run(_idle(stage, pdf))
    settle()
    with stage.client() as client:
        folder = client.upload_many(stage.papers, collection="bench-ack-folder").job_id
        busy = asyncio.run(_busy(stage, pdf))
        still_busy = not client.job(folder).is_final
        _drain(client)
    details = {"uploads": f"{len(idle[0])} idle, {len(busy[0])} busy, {len(pdf)} bytes each"}
    if not still_busy:
        details["note"] = "the folder was done before the uploads were: give it more papers"
    return Findings([*_figures("idle", *idle), *_figures("busy", *busy)], details)


def _figures(name: str, ours: list[float], raw: list[float]) -> list[Figure]:
    peers = {"idle": ("7.6 ms", "13.2 ms"), "busy": ("43-59 ms", "124-210 ms")}
    way = "one after the other" if name == "idle" else f"{CLIENTS} clients while a folder runs"
    return [
        Figure(
            f"{name}, {title} ({way})",
            quantile(ours, share) * 1000,
            "ms",
            quantile(raw, share) * 1000,
            "write + fsync + rename + INSERT",
            peer=peer,
        )
        for title, share, peer in zip(("p50", "p99"), (0.5, 0.99), peers[name], strict=True)
    ]


async def _prepare(stage: Stage) -> None:
    (stage.folder / "raw-uploads").mkdir(exist_ok=True)
    connection = await asyncpg.connect(stage.plain_postgres.url)
    await connection.execute(CREATE)
    await connection.close()


async def _idle(stage: Stage, pdf: bytes) -> tuple[list[float], list[float]]:
    """Seconds of the service's and of raw uploads, in turns; each paper is done before the next."""
    ours, raw = list[float](), list[float]()
    connection = await asyncpg.connect(stage.plain_postgres.url)
    http = open_connection(stage.url)
    with stage.client() as client:
        for number in range(IDLE_UPLOADS):
            body = form_body(with_mark(pdf, f"idle {number}"), "bench-ack")
            job, seconds = upload(http, body)
            ours.append(seconds)
            client.wait(job)
            raw.append(await _raw(stage, connection, pdf, f"idle-{number}"))
    http.close()
    await connection.close()
    return ours, raw


async def _busy(stage: Stage, pdf: bytes) -> tuple[list[float], list[float]]:
    """As `_idle`, by eight clients at once while a folder is ingested; in turns, twice each."""
    ours, raw = list[float](), list[float]()
    for turn in range(2):
        ours += await _ours_at_once(stage, pdf, f"busy-{turn}")
        raw += await _raw_at_once(stage, pdf, f"busy-{turn}")
    return ours, raw


async def _ours_at_once(stage: Stage, pdf: bytes, mark: str) -> list[float]:
    def client(number: int) -> list[float]:
        bodies = [
            form_body(with_mark(pdf, f"{mark} {number} {turn}"), "bench-ack")
            for turn in range(UPLOADS_OF_A_CLIENT // 2)
        ]
        http = open_connection(stage.url)
        seconds = [upload(http, body)[1] for body in bodies]
        http.close()
        return seconds

    threads = [asyncio.to_thread(client, number) for number in range(CLIENTS)]
    return list(chain(*await asyncio.gather(*threads)))


async def _raw_at_once(stage: Stage, pdf: bytes, mark: str) -> list[float]:
    async def client(number: int) -> list[float]:
        connection = await asyncpg.connect(stage.plain_postgres.url)
        try:
            return [
                await _raw(stage, connection, pdf, f"{mark}-{number}-{turn}")
                for turn in range(UPLOADS_OF_A_CLIENT // 2)
            ]
        finally:
            await connection.close()

    return list(chain(*await asyncio.gather(*map(client, range(CLIENTS)))))


def open_connection(url: str) -> HTTPConnection:
    """A plain connection: httpx takes 2.5 ms for such an upload, a third of what is measured."""
    return HTTPConnection(url.removeprefix("http://"), timeout=60)


def upload(connection: HTTPConnection, body: bytes) -> tuple[str, float]:
    """Id of the job, and the seconds until it was told. Raises RuntimeError for a refusal."""
    began = time.perf_counter()
    connection.request("POST", "/api/v1/upload-async", body, HEADERS)
    answer = connection.getresponse()
    told = answer.read()
    seconds = time.perf_counter() - began
    if answer.status != HTTPStatus.ACCEPTED:
        raise RuntimeError(f"The upload was answered with {answer.status}: {told[:200]!r}")
    return json.loads(told)["job_id"], seconds


async def _raw(stage: Stage, connection: asyncpg.Connection, pdf: bytes, name: str) -> float:
    """Seconds to put the file on the disk, durable, and a row into PostgreSQL."""
    began = time.perf_counter()
    await asyncio.to_thread(_write, stage.folder / "raw-uploads" / f"{name}.pdf", pdf)
    await connection.execute(INSERT, name, f"{name}.pdf", len(pdf))
    return time.perf_counter() - began


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(data)
        os.fsync(file.fileno())
    fresh.rename(path)


def form_body(pdf: bytes, collection: str) -> bytes:
    """The form, made before the clock starts: the client's own work is not the service's."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="collection"\r\n\r\n{collection}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="paper.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    )
    return head.encode() + pdf + f"\r\n--{BOUNDARY}--\r\n".encode()


def _drain(client: Client) -> None:
    """Returns when nothing waits and nothing runs."""
    for status in ("running", "queued"):
        while open_jobs := client.jobs(status=status, limit=50).items:
            for job in open_jobs:
                client.wait(job.job_id)
