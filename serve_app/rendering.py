"""Pages and figures as PNG, drawn by processes that may die of a hostile PDF without harm.

MuPDF keeps Python's lock while it draws (0.2 s a page) and knows no threads: in the process of the
API, nobody else would get an answer meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from domain.errors import DamagedPdf, InternalError, NotFound, PasswordProtected
from domain.papers import Box
from stores.blob_store import BlobStore
from stores.child import die_with_parent

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "serve_app.render_process")
ERRORS = {kind.code: kind for kind in (NotFound, DamagedPdf, PasswordProtected)}


class Renderer:
    """Draws `processes` pictures at once, the others wait; a process ends when it has no work.

    Holds nothing but these processes: one that died is replaced by the next picture.
    """

    def __init__(self, processes: int = 2) -> None:
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="render")
        self._of_thread = threading.local()

    async def page(
        self, blobs: BlobStore, sha256: str, number: int, dpi: int, highlights: Sequence[Box]
    ) -> bytes:
        """A page as PNG with the highlights that stand on it.

        Raises NotFound for a page that there is not, DamagedPdf, PasswordProtected.
        """
        request = {"page": number, "dpi": dpi, "boxes": [asdict(box) for box in highlights]}
        return await self._draw(blobs, sha256, request)

    async def figure(self, blobs: BlobStore, sha256: str, box: Box, dpi: int) -> bytes:
        """What the box of a page shows, as PNG. Raises NotFound, DamagedPdf, PasswordProtected."""
        request = {"page": None, "dpi": dpi, "boxes": [asdict(box)]}
        return await self._draw(blobs, sha256, request)

    async def _draw(self, blobs: BlobStore, sha256: str, request: dict[str, Any]) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._drawn, blobs, sha256, request)

    def _drawn(self, blobs: BlobStore, sha256: str, request: dict[str, Any]) -> bytes:
        with blobs.open_local(sha256) as path:
            line = json.dumps({**request, "path": str(path)}).encode() + b"\n"
            head, png = self._asked(line)
        if "code" in head:
            raise ERRORS.get(head["code"], InternalError)(head["message"], head["page"])
        return png

    def _asked(self, line: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer of this thread's process. Raises DamagedPdf when a fresh one ends instead."""
        process: subprocess.Popen[bytes] | None = getattr(self._of_thread, "process", None)
        if process is not None and (answer := _exchange(process, line)):
            return answer
        process = self._of_thread.process = _start()  # the other was idle for too long, or killed
        answer = _exchange(process, line)
        if answer is None:
            LOG.warning("Drawing a page ended its process", extra={"action": "render_died"})
            raise DamagedPdf("This page cannot be drawn: its PDF is damaged, or asks for too much.")
        return answer


def _exchange(process: subprocess.Popen[bytes], line: bytes) -> tuple[dict[str, Any], bytes] | None:
    """The head and the PNG that answer the line, None when the process has ended."""
    assert process.stdin is not None and process.stdout is not None
    with suppress(OSError, ValueError):
        process.stdin.write(line)
        process.stdin.flush()
        head = json.loads(process.stdout.readline())
        png = process.stdout.read(head.get("bytes", 0))
        if len(png) == head.get("bytes", 0):
            return head, png
    process.kill()
    with suppress(OSError, ValueError):
        process.communicate()
    return None


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
