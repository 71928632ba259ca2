"""The bytes of an upload until they are stored: in a spool file, or in memory if they are few."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stores.blobs.blob_backend import BlobBackend, storage_errors

MEMORY_BYTES = 1024 * 1024
"""Of a request with one file; 64 concurrent ones (http.max_uploads) use at most 64 MiB. Creating
the file in the event loop of the API was 6 % of the CPU time of an upload, because the syncs of
other uploads hold the lock of the folder; `save` creates it in a thread."""


class UploadSpool:
    """Collects bytes; `save` writes them to a file of the backend's spool directory.

    More than `memory_bytes` are written to the file at once. A form may have 1,000 files that are
    all kept until it is complete, so the default is 0.

    `write` and `save` raise BlobStoreUnavailable. `discard` deletes the file.
    """

    def __init__(self, backend: BlobBackend, memory_bytes: int = 0) -> None:
        self._backend = backend
        self._memory_bytes = memory_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._path: Path | None = None

    def write(self, piece: bytes) -> None:
        """Appends the bytes."""
        if self._file is None:
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size > self._memory_bytes:
                self._spill()
        else:
            write_all(self._file, piece)

    def save(self) -> Path:
        """Returns the path of a file with all bytes, which is closed."""
        if self._path is None:
            self._spill()
        self._close()
        assert self._path is not None
        return self._path

    def discard(self) -> None:
        """Deletes the file, if there is one, and releases the memory."""
        self._close()
        self._pieces.clear()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _spill(self) -> None:
        file, path = new_spool_file(self._backend)
        try:
            for piece in self._pieces:
                write_all(file, piece)
        except BaseException:  # `save` never returns an incomplete file
            file.close()
            path.unlink(missing_ok=True)
            raise
        self._file, self._path = file, path
        self._pieces.clear()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()


@contextmanager
def spooled(backend: BlobBackend) -> Iterator[tuple[IO[bytes], Path]]:
    """Yields a new spool file and its path; deletes the file at the end unless it was moved."""
    file, path = new_spool_file(backend)
    try:
        with file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def new_spool_file(backend: BlobBackend) -> tuple[IO[bytes], Path]:
    """Returns a new file in the spool directory and its path. Raises BlobStoreUnavailable."""
    with storage_errors(lambda: backend.spool.is_dir()):
        backend.create_spool()
        path = backend.spool / f"{uuid.uuid4().hex}.part"
        return path.open("xb", buffering=0), path


def write_all(file: IO[bytes], data: bytes) -> None:
    """Writes all of the data to an unbuffered file. Raises BlobStoreUnavailable."""
    remaining = memoryview(data)
    with storage_errors():
        while remaining:
            remaining = remaining[file.write(remaining) :]
