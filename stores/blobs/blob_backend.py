"""The interface of a blob backend, its error mapping and its spool."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from domain.consistency import ListedBlob
from domain.errors import BlobStoreRefused, BlobStoreUnavailable, NotFound, PaperworksError
from runtime.outage_log import OutageLog

PIECE_BYTES = 256 * 1024
INCOMING = "incoming"
OUTAGES = OutageLog("The file store")


class BlobBackend(Protocol):
    """Keeps bytes under keys. Raises `NotFound` for a missing key, `BlobStoreUnavailable` else."""

    @property
    def spool(self) -> Path: ...

    def make_spool(self) -> None: ...
    def check(self) -> None: ...
    def create(self, file: Path, key: str) -> bool: ...
    def adopt(self, file: Path, key: str, size: int) -> None: ...
    def read(self, key: str) -> bytes: ...
    def open(self, key: str) -> IO[bytes]: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def delete_older(self, key: str, seconds: float) -> bool: ...
    def move(self, source: str, target: str) -> bool: ...
    def remove_empty(self, folder: str) -> None: ...
    def age_seconds(self, key: str) -> float | None: ...
    def under(self, folder: str) -> list[str]: ...
    def listed(self, folder: str) -> Iterator[ListedBlob]: ...
    def local(self, key: str) -> Any: ...


@contextmanager
def storage_errors(is_there: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Errors of the storage below get their names: missing, or away (full, broken, unreachable).

    Where the whole store is not there, as when nobody has mounted it, no file of it is missing.
    """
    try:
        yield
    except PaperworksError:
        raise
    except FileNotFoundError as error:
        if _is_there(is_there):
            raise NotFound("The file is not in the file store any more.") from error
        OUTAGES.note(error)
        raise BlobStoreRefused() from error
    except PermissionError as error:
        OUTAGES.note(error)
        raise BlobStoreRefused() from error
    except Exception as error:  # each fsspec backend has error classes of its own
        OUTAGES.note(error)
        raise BlobStoreUnavailable() from error


def _is_there(is_there: Callable[[], bool]) -> bool:
    """Whether the whole store is there. Raises BlobStoreUnavailable where that cannot be known."""
    with storage_errors():
        return is_there()


@contextmanager
def spooled(backend: BlobBackend) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file to write into, removed afterwards unless it has found a backend."""
    with new_spool_file(backend) as (file, path):
        try:
            yield file, path
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def new_spool_file(backend: BlobBackend) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file to write into, removed when the block raises; it is closed after the block."""
    with storage_errors(lambda: backend.spool.is_dir()):
        backend.make_spool()
        path = backend.spool / f"{uuid.uuid4().hex}.part"
        file = path.open("xb", buffering=0)
    try:
        with file:
            yield file, path
    except BaseException:
        path.unlink(missing_ok=True)
        raise
