"""A file in which a starting server records how many rows it has loaded, for its supervisor."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

WRITE_SECONDS = 0.2  # between two writes


class LoadProgress:
    """The progress of a start. One process writes it, another one reads it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._next_write = 0.0

    def record(self, loaded: int, total: int) -> None:
        """Writes the numbers, at most once in WRITE_SECONDS."""
        now = time.monotonic()
        if now < self._next_write and loaded < total:
            return
        self._next_write = now + WRITE_SECONDS
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{loaded} {total}")
        fresh.replace(self._file)

    def read(self) -> tuple[int, int] | None:
        """Returns the loaded and the total rows; None if nothing was recorded."""
        with suppress(FileNotFoundError, ValueError):
            loaded, total = map(int, self._file.read_text().split())
            return loaded, total
        return None

    def clear(self) -> None:
        """Deletes the file."""
        self._file.unlink(missing_ok=True)
