"""Body guard: a maximum size and a minimum speed of request bodies on every route."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import httpx
import pytest

from runtime.http_options import HttpOptions
from serve_app.http import body_guard
from serve_app.http.disk_space import DiskSpace
from tests.unit.serve_app.library import API, Library, pdf

SMALL = HttpOptions(hosts=["library"], body_limit_bytes=10_000, body_piece_seconds=0.2).model_copy(
    update={"form_limit_bytes": 50_000}
)
UPLOAD_BYTES = 20_000
PDF = {"Content-Type": "application/pdf"}


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """A library with small limits and a timeout of 0.2 s per piece of a body."""
    made = Library(tmp_path, http=SMALL, upload_bytes=UPLOAD_BYTES)
    yield made
    await made.http.aclose()


async def in_pieces(pieces: Iterable[bytes], pause_seconds: float = 0) -> AsyncIterator[bytes]:
    """Yields a body without a Content-Length."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(pause_seconds)


async def unread() -> AsyncIterator[bytes]:
    """Fails the test if the body is read."""
    pytest.fail("the body was read")
    yield b""


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.json()["detail"]) > 20


def is_empty(library: Library) -> bool:
    return not [path for path in (library.folder / "blobs").rglob("*") if path.is_file()]


@pytest.mark.parametrize("path", ["/search", "/consistency/repair", "/jobs/job_1/cancel"])
async def test_body_guard_rejects_large_content_length_before_reading(
    library: Library, path: str
) -> None:
    headers = {"Content-Length": "10001", "Content-Type": "application/json"}
    answer = await library.http.post(API + path, content=unread(), headers=headers)
    assert_refused(answer, 413, "body_too_large")


async def test_body_guard_rejects_large_chunked_body_while_reading(library: Library) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            yield b'"' + b"x" * 999

    headers = {"Content-Type": "application/json"}
    answer = await library.http.post(f"{API}/search", content=endless(), headers=headers)
    assert_refused(answer, 413, "body_too_large")
    assert answer.headers["connection"] == "close"
    assert read <= 12_000


async def test_body_guard_limits_form_size_including_epilogue(library: Library) -> None:
    def form(files: int, epilogue: bytes = b"") -> list[bytes]:
        head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
        parts = [head + pdf(str(n), 15_000) + b"\r\n" for n in range(files)]
        return [*parts, b"--b--\r\n", epilogue]

    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    async def send(pieces: list[bytes]) -> httpx.Response:
        url = f"{API}/documents"
        return await library.http.post(url, content=in_pieces(pieces), headers=headers)

    assert (await send(form(3))).status_code == 202
    assert_refused(await send(form(4)), 413, "body_too_large")
    length = {**headers, "Content-Length": "50001"}
    answer = await library.http.post(f"{API}/documents", content=in_pieces([]), headers=length)
    assert_refused(answer, 413, "body_too_large")


async def test_body_guard_limits_single_file_in_any_encoding(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = {**PDF, "Content-Length": str(UPLOAD_BYTES + 5_000_000)}
    answer = await library.http.post(f"{API}/upload-async", content=in_pieces([]), headers=length)
    assert_refused(answer, 413, "file_too_large")
    pieces = in_pieces([pdf(), *[b"x" * 1000] * 50])
    answer = await library.http.post(f"{API}/upload-async", content=pieces, headers=PDF)
    assert_refused(answer, 413, "file_too_large")
    assert is_empty(library)


async def test_body_guard_times_out_stalled_body_and_keeps_nothing(library: Library) -> None:
    stopping = in_pieces([pdf(), b"more"], pause_seconds=60)
    answer = await library.http.post(f"{API}/upload-async", content=stopping, headers=PDF)
    assert_refused(answer, 408, "request_timeout")
    assert answer.headers["connection"] == "close"
    assert is_empty(library)
    headers = {"Content-Type": "application/json"}
    stopping = in_pieces([b"{", b"}"], pause_seconds=60)
    answer = await library.http.post(f"{API}/search", content=stopping, headers=headers)
    assert_refused(answer, 408, "request_timeout")  # not FastAPI's own error


async def test_body_guard_rejects_body_below_minimum_speed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_guard, "SPEED_GRACE_SECONDS", 0.1)
    trickle = in_pieces([pdf(), *[b"x"] * 1000], pause_seconds=0.02)
    answer = await library.http.post(f"{API}/upload-async", content=trickle, headers=PDF)
    assert_refused(answer, 408, "request_timeout")
    assert "16,000 bytes per second" in answer.json()["detail"]
    assert is_empty(library)


async def test_body_guard_accepts_body_at_minimum_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_guard, "SPEED_GRACE_SECONDS", 0.1)
    limits = HttpOptions(hosts=["library"], min_body_bytes_per_second=10)
    library = Library(tmp_path, http=limits)
    slow = in_pieces([pdf(), *[b"x"] * 20], pause_seconds=0.02)
    answer = await library.http.post(f"{API}/upload-async", content=slow, headers=PDF)
    assert answer.status_code == 202


async def test_disk_space_check_rejects_only_uploads(
    tmp_path: Path,
) -> None:
    disk = DiskSpace([tmp_path / "blobs", tmp_path / "made" / "later"], keep_free_bytes=1 << 60)
    library = Library(tmp_path, http=SMALL, check_disk_space=disk.check)
    library.checks["disk"] = disk.check

    for path in ("/upload-async", "/documents"):
        answer = await library.http.post(API + path, content=unread(), headers=PDF)
        assert_refused(answer, 507, "insufficient_storage")
        assert "http.keep_free_bytes" in answer.json()["detail"]
        assert str(tmp_path) not in answer.text
    assert (await library.get("/documents")).status_code == 200
    ready = await library.http.get("/readyz")
    assert ready.status_code == 503
    assert "GB free" in ready.json()["checks"]["disk"]


async def test_disk_space_check_expires_its_cached_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = DiskSpace([tmp_path], keep_free_bytes=1 << 60)
    library = Library(tmp_path, check_disk_space=disk.check)
    assert (await library.upload(pdf())).status_code == 507
    disk.keep_free_bytes = 0
    assert (await library.upload(pdf())).status_code == 507, "the result was not cached"
    monkeypatch.setattr("serve_app.http.disk_space.CACHE_SECONDS", 0)
    disk._cached_until = 0
    assert (await library.upload(pdf())).status_code == 202
