"""The interface of a blob backend, and its error mapping."""

from __future__ import annotations

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
    """Stores bytes under keys. Raises `NotFound` for a missing key, else `BlobStoreUnavailable`."""

    @property
    def spool(self) -> Path: ...

    def create_spool(self) -> None: ...
    def check(self) -> None: ...
    def create(self, file: Path, key: str) -> bool: ...
    def commit(self, file: Path, key: str, size: int) -> None: ...
    def read(self, key: str) -> bytes: ...
    def open(self, key: str) -> IO[bytes]: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def delete_older(self, key: str, seconds: float) -> bool: ...
    def move(self, source: str, target: str) -> bool: ...
    def remove_empty(self, folder: str) -> None: ...
    def age_seconds(self, key: str) -> float | None: ...
    def keys_in(self, folder: str) -> list[str]: ...
    def listed(self, folder: str) -> Iterator[ListedBlob]: ...
    def local(self, key: str) -> Any: ...


@contextmanager
def storage_errors(is_there: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Maps storage errors in the block to `NotFound` or `BlobStoreUnavailable`.

    Full, broken and unreachable storage counts as unavailable. If `is_there()` is False (for
    example, the volume is not mounted), a missing file raises `BlobStoreRefused`, not `NotFound`.
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
    except Exception as error:  # each fsspec backend has its own error classes
        OUTAGES.note(error)
        raise BlobStoreUnavailable() from error


def _is_there(is_there: Callable[[], bool]) -> bool:
    """Returns `is_there()`. Raises BlobStoreUnavailable if the check itself fails."""
    with storage_errors():
        return is_there()
