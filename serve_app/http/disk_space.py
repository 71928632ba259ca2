"""Low-water mark for disk space: uploads are rejected below it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from runtime.disk_usage import free_bytes
from serve_app.http.errors import InsufficientStorage

LOG = logging.getLogger(__name__)
CACHE_SECONDS = 1.0


class DiskSpace:
    """Checks the free space of the file systems of these folders, at most once per second."""

    def __init__(self, folders: Sequence[Path], keep_free_bytes: int) -> None:
        self.folders = tuple(folders)
        self.keep_free_bytes = keep_free_bytes
        self._shortage: str | None = None
        self._cached_until = 0.0

    async def check(self) -> None:
        """Raises InsufficientStorage if a file system has too little free space."""
        now = time.monotonic()
        if now >= self._cached_until:
            self._cached_until = now + CACHE_SECONDS
            self._shortage = await asyncio.to_thread(self._measure)
        if self._shortage is not None:
            raise InsufficientStorage(self._shortage)

    def _measure(self) -> str | None:
        """Returns the message for the first file system that is short of space, else None."""
        for folder in self.folders:
            if (free := free_bytes(folder)) < self.keep_free_bytes:
                LOG.warning(
                    "Uploads are rejected: only %d bytes are free at %s",
                    free,
                    folder,
                    extra={"action": "disk_low", "free_bytes": free},
                )
                return (
                    f"A disk of the service has {free / 1e9:.2f} GB free, and uploads are rejected "
                    f"below {self.keep_free_bytes / 1e9:.2f} GB (http.keep_free_bytes). Accepted "
                    "uploads are kept. Free disk space or delete papers, then send the file again."
                )
        return None
