"""Pages and figures as PNG, drawn in sandboxes: MuPDF may crash or never end, and it keeps Python's
lock while it draws (0.2 s a page), so that the API could answer nobody meanwhile.

Few are drawn at once and few may wait; a picture that nobody waits for any more is not drawn.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from domain.errors import TookTooLong, WorkerCrashed
from domain.papers import Box
from runtime.sandbox.client import Sandbox
from runtime.sandbox.confine import SandboxMode
from runtime.sandbox.limits import Limits
from serve_app.http.errors import Overloaded
from stores.blobs.blob_store import BlobStore

MIB = 1024**2
WARM = "extraction.render_worker:warm"
DRAW_PAGE = "extraction.render_worker:draw_page"
DRAW_FIGURE = "extraction.render_worker:draw_figure"
IDLE_SECONDS = 60.0
QUEUE_SECONDS = 30.0
LIMITS = Limits(
    cpu_seconds=20.0,
    part_seconds=0.0,
    memory_bytes=2048 * MIB,
    output_bytes=64 * MIB,  # 16 million pixels that do not compress have 48 MB
    silent_seconds=30.0,
    document_seconds=30.0,
    max_parts=0,
)


class Abandoned(Exception):
    """Nobody waits for this picture any more."""


class PictureCache:
    """The pictures asked for last, of `limit_bytes` together; safe to forget."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._pictures: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """The picture, None when it is not here."""
        if key in self._pictures:
            self._pictures.move_to_end(key)
        return self._pictures.get(key)

    def put(self, key: Hashable, png: bytes) -> None:
        """Keeps the picture; those that nobody asked for the longest give way."""
        self.held_bytes += len(png) - len(self._pictures.pop(key, b""))
        self._pictures[key] = png
        while self.held_bytes > self.limit_bytes:
            _, oldest = self._pictures.popitem(last=False)
            self.held_bytes -= len(oldest)


class Renderer:
    """Draws `processes` pictures at once while at most `waiting` others wait.

    Each thread has a sandbox whose warm process ends when it had nothing to do for a minute. Holds
    nothing but these and a cache: one that died is replaced by the next picture.
    """

    def __init__(
        self,
        mode: SandboxMode = SandboxMode.AUTO,
        *,
        processes: int = 2,
        waiting: int = 16,
        cache_bytes: int = 64 * MIB,
        limits: Limits = LIMITS,
    ) -> None:
        self._mode, self._limits = mode, limits
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="render")
        self._room = threading.BoundedSemaphore(processes + waiting)
        self._of_thread = threading.local()
        self._sandboxes: list[Sandbox] = []
        self._cache = PictureCache(cache_bytes)

    async def page(
        self, blobs: BlobStore, sha256: str, number: int, dpi: int, highlights: Sequence[Box]
    ) -> bytes:
        """A page as PNG with the highlights that stand on it.

        Raises NotFound for a page that there is not, DamagedPdf, PasswordProtected, the errors of a
        sandbox, TookTooLong after 20 s of CPU or 30 s of the clock, Overloaded when enough pictures
        wait. Cancelling the call ends the drawing.
        """
        return await self._draw(blobs, sha256, DRAW_PAGE, number, dpi, tuple(highlights))

    async def figure(self, blobs: BlobStore, sha256: str, box: Box, dpi: int) -> bytes:
        """What the box of a page shows, as PNG. Errors as `page`."""
        return await self._draw(blobs, sha256, DRAW_FIGURE, box, dpi)

    async def _draw(self, blobs: BlobStore, sha256: str, work: str, *arguments: Any) -> bytes:
        key = (sha256, work, *arguments)
        if (known := self._cache.get(key)) is not None:
            return known
        abandoned = threading.Event()
        asked = time.monotonic()
        future = self._submitted(abandoned, asked, blobs, sha256, work, arguments)
        try:
            png = await asyncio.wrap_future(future)  # cancelled, it cancels one that waits
        except asyncio.CancelledError:
            abandoned.set()
            raise
        self._cache.put(key, png)
        return png

    def _submitted(self, *job: Any) -> Future[bytes]:
        if not self._room.acquire(blocking=False):
            raise Overloaded("Enough pictures wait to be drawn. Ask again in a few seconds.")
        try:
            future = self._threads.submit(self._drawn, *job)
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future

    def _drawn(
        self,
        abandoned: threading.Event,
        asked: float,
        blobs: BlobStore,
        sha256: str,
        work: str,
        arguments: tuple[Any, ...],
    ) -> bytes:
        if time.monotonic() - asked > QUEUE_SECONDS:
            raise Overloaded("This picture waited too long to be drawn. Ask again in some seconds.")

        def watch(_news: object) -> None:
            if abandoned.is_set():
                raise Abandoned

        watch(None)
        with blobs.open_local(sha256) as path:
            try:
                return self._sandbox().run(
                    work,
                    *arguments,
                    limits=self._limits,
                    file=path,
                    returns=bytes,
                    on_progress=watch,
                )
            except TookTooLong:
                raise TookTooLong(
                    "This page takes too long to draw; nothing is wrong with the rest of the "
                    "document. Download the PDF, or ask for fewer dots per inch."
                ) from None
            except WorkerCrashed:
                raise Overloaded("The process that drew this page was ended. Ask again.") from None

    def close(self) -> None:
        """Ends the processes, once what is drawn now has come to its end."""
        self._threads.shutdown(cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.close()

    def _sandbox(self) -> Sandbox:
        """The sandbox of this thread."""
        if not hasattr(self._of_thread, "sandbox"):
            self._of_thread.sandbox = Sandbox(WARM, mode=self._mode, idle_seconds=IDLE_SECONDS)
            self._sandboxes.append(self._of_thread.sandbox)
        return self._of_thread.sandbox
