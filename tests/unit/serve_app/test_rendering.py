"""Renderer with real processes: bounded queue, cancellation, cache."""

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
from serve_app.library.rendering import LIMITS, ImageCache, Renderer
from stores.blobs.blob_store import BlobStore
from tests.pdf_builder.raw import MIB, assemble, deflate_repeated, one_page
from tests.unit.serve_app.library import API, Library
from tests.unit.serve_app.paper_fixtures import add_paper
from tests.unit.serve_app.renderers import wait_until_idle, wait_until_rendering, warm_processes

pytestmark = pytest.mark.slow  # starts renderer processes

# A page with 900,000 strokes takes minutes: with these limits it only ends by cancellation.
HEAVY = assemble(one_page(contents=deflate_repeated(b"0 0 m 612 792 l S\n", 16 * MIB)))
ENDLESS = replace(LIMITS, cpu_seconds=3600, silent_seconds=3600, document_seconds=3600)


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobStore:
    store = BlobStore(str(tmp_path_factory.mktemp("rendering") / "blobs"))
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
def renderers() -> Iterator[list[Renderer]]:
    """Collects renderers and closes them after the test."""
    created: list[Renderer] = []
    others = warm_processes()
    yield created
    for renderer in created:
        renderer.close()
    assert all(process in others for process in warm_processes())


def make_renderer(renderers: list[Renderer], limits: Limits = ENDLESS, **more: Any) -> Renderer:
    renderers.append(Renderer(limits=limits, **more))
    return renderers[-1]


async def leave(tasks: list[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_renderer_frees_slots_of_disconnected_clients(
    renderers: list[Renderer], blobs: BlobStore, heavy: str, light: str
) -> None:
    renderer = make_renderer(renderers)
    tasks = [asyncio.create_task(renderer.page(blobs, heavy, 1, 144 + n, ())) for n in range(4)]
    await asyncio.to_thread(wait_until_rendering, 2)
    await leave(tasks)
    assert (await renderer.page(blobs, light, 1, 36, ())).startswith(b"\x89PNG")
    await asyncio.to_thread(wait_until_rendering, 0)


async def test_renderer_rejects_when_its_queue_is_full(
    renderers: list[Renderer], blobs: BlobStore, heavy: str, light: str
) -> None:
    renderer = make_renderer(renderers, processes=1, max_queued=1)
    tasks = [asyncio.create_task(renderer.page(blobs, heavy, 1, 144 + n, ())) for n in range(2)]
    await asyncio.to_thread(wait_until_rendering, 1)
    with pytest.raises(Overloaded) as caught:
        await renderer.page(blobs, light, 1, 36, ())
    assert caught.value.retry_after_seconds
    await leave(tasks)
    assert await renderer.page(blobs, light, 1, 36, ())


async def test_renderer_rejects_request_after_queue_timeout(
    renderers: list[Renderer], blobs: BlobStore, light: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "MAX_QUEUE_SECONDS", -1)
    with pytest.raises(Overloaded):
        await make_renderer(renderers).page(blobs, light, 1, 36, ())
    assert not warm_processes()


@pytest.mark.parametrize(
    "limits", [replace(ENDLESS, cpu_seconds=1), replace(ENDLESS, document_seconds=0.5)]
)
async def test_renderer_times_out_slow_page(
    renderers: list[Renderer], blobs: BlobStore, heavy: str, light: str, limits: Limits
) -> None:
    renderer = make_renderer(renderers, limits)
    with pytest.raises(TookTooLong, match="takes too long"):
        await renderer.page(blobs, heavy, 1, 144, ())
    with pytest.raises(NotFound, match="no page 2"):
        await renderer.page(blobs, light, 2, 36, ())


async def test_renderer_ends_idle_process_and_replaces_it(
    renderers: list[Renderer], blobs: BlobStore, light: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "IDLE_SECONDS", 0.1)
    renderer = make_renderer(renderers, processes=1)
    await renderer.page(blobs, light, 1, 36, ())
    await asyncio.to_thread(wait_until_idle)
    assert await renderer.page(blobs, light, 1, 37, ())


async def test_renderer_caches_images(
    renderers: list[Renderer], blobs: BlobStore, light: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = make_renderer(renderers)
    first = await renderer.page(blobs, light, 1, 36, ())
    monkeypatch.setattr(rendering, "DRAW_PAGE", "nowhere:nothing")
    with pytest.raises(Exception, match="ModuleNotFoundError"):
        await renderer.page(blobs, light, 1, 36, ())
    monkeypatch.undo()
    monkeypatch.setattr(rendering, "MAX_QUEUE_SECONDS", -1)  # from here on, nothing can be rendered
    assert await renderer.page(blobs, light, 1, 36, ()) == first
    with pytest.raises(Overloaded):
        await renderer.page(blobs, light, 1, 37, ())


def test_image_cache_evicts_above_byte_limit() -> None:
    cache = ImageCache(10)
    for key, size in (("a", 4), ("b", 4), ("a", 5), ("c", 5)):
        cache.put(key, bytes(size))
    assert cache.get("b") is None and cache.get("a") == bytes(5) and cache.get("c") == bytes(5)
    cache.put("d", bytes(3))
    assert cache.get("a") is None and cache.held_bytes == 8
    cache.put("e", bytes(11))
    assert cache.get("e") is None and cache.held_bytes == 0


async def test_renderer_cancels_rendering_on_client_disconnect(
    library: Library, renderers: list[Renderer]
) -> None:
    name = await add_paper(library, content=HEAVY)
    renderer = make_renderer(renderers, processes=1, max_queued=0)
    library.app.state.services = replace(library.services, renderer=renderer)
    gone = asyncio.Event()
    request = asyncio.create_task(
        get_until_disconnect(library, f"{API}/documents/{name}/pages/1.png", gone)
    )
    await asyncio.to_thread(wait_until_rendering, 1)
    refused = await library.get(f"/documents/{name}/pages/1.png?dpi=50")
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["Retry-After"]) > 0
    gone.set()
    await request
    await asyncio.to_thread(wait_until_rendering, 0)


async def get_until_disconnect(library: Library, path: str, gone: asyncio.Event) -> None:
    """Sends a GET whose client disconnects when `gone` is set."""
    sent = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        """Discards the response."""

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
    scope |= {"query_string": b"", "headers": [(b"host", b"library")], "http_version": "1.1"}
    scope |= {
        "scheme": "http",
        "server": ("library", 80),
        "client": ("library", 1),
        "root_path": "",
    }
    await library.app({"asgi": {"version": "3.0"}, **scope}, receive, send)
