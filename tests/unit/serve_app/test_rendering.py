"""The renderer with real processes: bounded, abandoned, cached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from domain.errors import NotFound, TookTooLong
from runtime.sandbox.limits import Limits
from serve_app.http.errors import Overloaded
from serve_app.library import rendering
from serve_app.library.rendering import LIMITS, PictureCache, Renderer
from stores.blobs.blob_store import BlobStore
from tests.pdf_builder.raw import MIB, assemble, one_page, swollen
from tests.unit.serve_app.library import API, Library
from tests.unit.serve_app.renderers import renderers, wait_until_drawing, wait_until_idle
from tests.unit.serve_app.shelved import shelve

# A page of 900,000 strokes takes minutes: with these limits it ends only when it is ended.
HEAVY = assemble(one_page(contents=swollen(b"0 0 m 612 792 l S\n", 16 * MIB)))
ENDLESS = replace(LIMITS, cpu_seconds=3600, silent_seconds=3600, document_seconds=3600)


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobStore:
    store = BlobStore(str(tmp_path_factory.mktemp("pictures") / "blobs"))
    store.prepare()
    return store


@pytest.fixture(scope="module")
def heavy(blobs: BlobStore, tmp_path_factory: pytest.TempPathFactory) -> str:
    return stored(blobs, tmp_path_factory.mktemp("heavy"), HEAVY)


@pytest.fixture(scope="module")
def light(blobs: BlobStore, tmp_path_factory: pytest.TempPathFactory) -> str:
    return stored(blobs, tmp_path_factory.mktemp("light"), assemble(one_page()))


def stored(blobs: BlobStore, folder: Path, content: bytes) -> str:
    path = folder / "paper.pdf"
    path.write_bytes(content)
    return blobs.put_file(path, 64 * MIB).sha256


@pytest.fixture
def made() -> Iterator[list[Renderer]]:
    """Renderers to be closed."""
    some: list[Renderer] = []
    others = renderers()
    yield some
    for one in some:
        one.close()
    assert all(one in others for one in renderers())


def renderer(made: list[Renderer], limits: Limits = ENDLESS, **more: Any) -> Renderer:
    made.append(Renderer(limits=limits, **more))
    return made[-1]


async def leave(tasks: list[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_clients_that_leave_do_not_delay_the_next_picture(
    made: list[Renderer], blobs: BlobStore, heavy: str, light: str
) -> None:
    one = renderer(made)
    tasks = [asyncio.create_task(one.page(blobs, heavy, 1, 144 + n, ())) for n in range(4)]
    await asyncio.to_thread(wait_until_drawing, 2)
    await leave(tasks)
    assert (await one.page(blobs, light, 1, 36, ())).startswith(b"\x89PNG")
    await asyncio.to_thread(wait_until_drawing, 0)


async def test_no_more_wait_than_there_is_room_for(
    made: list[Renderer], blobs: BlobStore, heavy: str, light: str
) -> None:
    one = renderer(made, processes=1, waiting=1)
    tasks = [asyncio.create_task(one.page(blobs, heavy, 1, 144 + n, ())) for n in range(2)]
    await asyncio.to_thread(wait_until_drawing, 1)
    with pytest.raises(Overloaded) as caught:
        await one.page(blobs, light, 1, 36, ())
    assert caught.value.retry_after_seconds
    await leave(tasks)
    assert await one.page(blobs, light, 1, 36, ())


async def test_a_picture_that_waited_too_long_is_not_drawn(
    made: list[Renderer], blobs: BlobStore, light: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "QUEUE_SECONDS", -1)
    with pytest.raises(Overloaded):
        await renderer(made).page(blobs, light, 1, 36, ())
    assert not renderers()


@pytest.mark.parametrize(
    "limits", [replace(ENDLESS, cpu_seconds=1), replace(ENDLESS, document_seconds=0.5)]
)
async def test_a_page_that_takes_too_long_is_said_to(
    made: list[Renderer], blobs: BlobStore, heavy: str, light: str, limits: Limits
) -> None:
    one = renderer(made, limits)
    with pytest.raises(TookTooLong, match="too long to draw"):
        await one.page(blobs, heavy, 1, 144, ())
    with pytest.raises(NotFound, match="no page 2"):
        await one.page(blobs, light, 2, 36, ())


async def test_an_idle_process_ends_and_is_replaced(
    made: list[Renderer], blobs: BlobStore, light: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "IDLE_SECONDS", 0.1)
    one = renderer(made, processes=1)
    await one.page(blobs, light, 1, 36, ())
    await asyncio.to_thread(wait_until_idle)
    assert await one.page(blobs, light, 1, 37, ())


async def test_a_picture_is_drawn_once(
    made: list[Renderer], blobs: BlobStore, light: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = renderer(made)
    first = await one.page(blobs, light, 1, 36, ())
    monkeypatch.setattr(rendering, "DRAW_PAGE", "nowhere:nothing")
    with pytest.raises(Exception, match="ModuleNotFoundError"):
        await one.page(blobs, light, 1, 36, ())
    monkeypatch.undo()
    monkeypatch.setattr(rendering, "QUEUE_SECONDS", -1)  # nothing can be drawn any more
    assert await one.page(blobs, light, 1, 36, ()) == first
    with pytest.raises(Overloaded):
        await one.page(blobs, light, 1, 37, ())


def test_the_cache_holds_so_many_bytes() -> None:
    cache = PictureCache(10)
    for key, size in (("a", 4), ("b", 4), ("a", 5), ("c", 5)):
        cache.put(key, bytes(size))
    assert cache.get("b") is None and cache.get("a") == bytes(5) and cache.get("c") == bytes(5)
    cache.put("d", bytes(3))
    assert cache.get("a") is None and cache.held_bytes == 8
    cache.put("e", bytes(11))
    assert cache.get("e") is None and cache.held_bytes == 0


async def test_a_request_whose_client_disconnects_is_not_drawn_on(
    library: Library, made: list[Renderer]
) -> None:
    name = await shelve(library, content=HEAVY)
    one = renderer(made, processes=1, waiting=0)
    library.app.state.services = replace(library.services, renderer=one)
    gone = asyncio.Event()
    request = asyncio.create_task(asked(library, f"{API}/documents/{name}/pages/1.png", gone))
    await asyncio.to_thread(wait_until_drawing, 1)
    refused = await library.get(f"/documents/{name}/pages/1.png?dpi=50")
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["Retry-After"]) > 0
    gone.set()
    await request
    await asyncio.to_thread(wait_until_drawing, 0)


async def asked(library: Library, path: str, gone: asyncio.Event) -> None:
    """Sends a GET whose client disconnects when `gone` is set."""
    sent = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        """Nobody reads the answer."""

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
    scope |= {"query_string": b"", "headers": [(b"host", b"library")], "http_version": "1.1"}
    scope |= {
        "scheme": "http",
        "server": ("library", 80),
        "client": ("library", 1),
        "root_path": "",
    }
    await library.app({"asgi": {"version": "3.0"}, **scope}, receive, send)
