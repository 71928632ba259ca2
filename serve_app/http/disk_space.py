"""A low-water mark for the disks: uploads are refused while there is little space left."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from serve_app.http.errors import InsufficientStorage

LOG = logging.getLogger(__name__)
CACHE_SECONDS = 1.0


class DiskSpace:
    """Free space of the file systems that hold these folders, asked at most once a second."""

    def __init__(self, folders: Sequence[Path], keep_free_bytes: int) -> None:
        self.folders = tuple(folders)
        self.keep_free_bytes = keep_free_bytes
        self._shortage: str | None = None
        self._cached_until = 0.0

    async def check(self) -> None:
        """Returns when every disk has room. Raises InsufficientStorage."""
        now = time.monotonic()
        if now >= self._cached_until:
            self._cached_until = now + CACHE_SECONDS
            self._shortage = await asyncio.to_thread(self._measure)
        if self._shortage is not None:
            raise InsufficientStorage(self._shortage)

    def _measure(self) -> str | None:
        """What is short, None when nothing is."""
        for folder in self.folders:
            free = _free_bytes(folder)
            if free is not None and free < self.keep_free_bytes:
                LOG.warning(
                    "Uploads are refused: %d bytes are free at %s",
                    free,
                    folder,
                    extra={"action": "disk_low", "free_bytes": free},
                )
                return (
                    f"A disk of the service has {free / 1e9:.2f} GB free, and uploads are refused "
                    f"below {self.keep_free_bytes / 1e9:.2f} GB (http.keep_free_bytes); what was "
                    "accepted is kept. Free some space or delete papers, then send the file again."
                )
        return None


def _free_bytes(folder: Path) -> int | None:
    """Free space where the folder is, or will be; None where nobody can say."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return shutil.disk_usage(there).free
    except (OSError, StopIteration):
        return None
