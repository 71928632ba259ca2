"""Renders pages and figures as PNG in sandboxed processes.

MuPDF can crash or loop forever on a hostile PDF. It also holds the GIL while it renders (0.2 s per
page), which would block the API. The number of concurrent and of queued renderings is bounded, and
a rendering whose client has disconnected is cancelled.
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
MAX_QUEUE_SECONDS = 30.0
LIMITS = Limits(
    cpu_seconds=20.0,
    part_seconds=0.0,
    memory_bytes=2048 * MIB,
    output_bytes=64 * MIB,  # 16 million incompressible RGB pixels take 48 MB
    silent_seconds=30.0,
    document_seconds=30.0,
    max_parts=0,
)


class RenderCancelled(Exception):
    """The caller of this rendering was cancelled."""


class ImageCache:
    """LRU cache of PNG images with a total size of up to `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._images: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """Returns the image, None if it is not cached."""
        if key in self._images:
            self._images.move_to_end(key)
        return self._images.get(key)

    def put(self, key: Hashable, png: bytes) -> None:
        """Stores the image and evicts the least recently used images above the limit."""
        self.held_bytes += len(png) - len(self._images.pop(key, b""))
        self._images[key] = png
        while self.held_bytes > self.limit_bytes:
            _, oldest = self._images.popitem(last=False)
            self.held_bytes -= len(oldest)


class Renderer:
    """Renders up to `processes` images at once, with up to `max_queued` more in the queue.

    Each thread has a sandbox with a warm process, which ends after 60 idle seconds. A process that
    died is replaced at the next rendering.
    """

    def __init__(
        self,
        mode: SandboxMode = SandboxMode.AUTO,
        *,
        processes: int = 2,
        max_queued: int = 16,
        cache_bytes: int = 64 * MIB,
        limits: Limits = LIMITS,
    ) -> None:
        self._mode, self._limits = mode, limits
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="render")
        self._queue_slots = threading.BoundedSemaphore(processes + max_queued)
        self._thread_local = threading.local()
        self._sandboxes: list[Sandbox] = []
        self._cache = ImageCache(cache_bytes)

    async def page(
        self, blobs: BlobStore, sha256: str, number: int, dpi: int, highlights: Sequence[Box]
    ) -> bytes:
        """Returns a page as PNG with its highlights.

        Raises NotFound for a missing page, DamagedPdf, PasswordProtected, the errors of the
        sandbox, TookTooLong after 20 s of CPU time or 30 s of wall-clock time, Overloaded if the
        queue is full. Cancelling the call cancels the rendering.
        """
        return await self._cached_or_rendered(
            blobs, sha256, DRAW_PAGE, number, dpi, tuple(highlights)
        )

    async def figure(self, blobs: BlobStore, sha256: str, box: Box, dpi: int) -> bytes:
        """Returns the contents of a box as PNG. Raises the errors of `page`."""
        return await self._cached_or_rendered(blobs, sha256, DRAW_FIGURE, box, dpi)

    async def _cached_or_rendered(
        self, blobs: BlobStore, sha256: str, work: str, *arguments: Any
    ) -> bytes:
        key = (sha256, work, *arguments)
        if (cached := self._cache.get(key)) is not None:
            return cached
        cancelled = threading.Event()
        queued_at = time.monotonic()
        future = self._submit(cancelled, queued_at, blobs, sha256, work, arguments)
        try:
            png = await asyncio.wrap_future(future)  # a cancellation removes a queued rendering
        except asyncio.CancelledError:
            cancelled.set()
            raise
        self._cache.put(key, png)
        return png

    def _submit(self, *job: Any) -> Future[bytes]:
        if not self._queue_slots.acquire(blocking=False):
            raise Overloaded("The rendering queue is full. Try again in a few seconds.")
        try:
            future = self._threads.submit(self._render, *job)
        except BaseException:
            self._queue_slots.release()
            raise
        future.add_done_callback(lambda _: self._queue_slots.release())
        return future

    def _render(
        self,
        cancelled: threading.Event,
        queued_at: float,
        blobs: BlobStore,
        sha256: str,
        work: str,
        arguments: tuple[Any, ...],
    ) -> bytes:
        if time.monotonic() - queued_at > MAX_QUEUE_SECONDS:
            raise Overloaded("The rendering waited too long in the queue. Try again later.")

        def watch(_progress: object) -> None:
            if cancelled.is_set():
                raise RenderCancelled

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
                    "Rendering this page takes too long; the rest of the document is not affected. "
                    "Download the PDF, or request a lower dpi."
                ) from None
            except WorkerCrashed:
                raise Overloaded("The process that rendered this page died. Try again.") from None

    def close(self) -> None:
        """Cancels queued renderings, waits for running ones, and ends the processes."""
        self._threads.shutdown(cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.close()

    def _sandbox(self) -> Sandbox:
        """Returns the sandbox of the current thread."""
        if not hasattr(self._thread_local, "sandbox"):
            self._thread_local.sandbox = Sandbox(WARM, mode=self._mode, idle_seconds=IDLE_SECONDS)
            self._sandboxes.append(self._thread_local.sandbox)
        return self._thread_local.sandbox
