"""Where blobs can rest: a folder (local disk, NFS) or any place fsspec can reach (S3, memory)."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

import fsspec

from domain.errors import BlobStoreUnavailable, NotFound, PaperworksError

PIECE_BYTES = 256 * 1024


class Place(Protocol):
    """Keeps bytes under keys. Raises `NotFound` for a missing key, `BlobStoreUnavailable` else."""

    spool: Path

    def adopt(self, file: Path, key: str, size: int) -> None: ...
    def read(self, key: str) -> bytes: ...
    def open(self, key: str) -> IO[bytes]: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def under(self, folder: str) -> list[str]: ...
    def local(self, key: str) -> Any: ...


@contextmanager
def storage_errors() -> Iterator[None]:
    """Errors of the storage below get their names: missing, or away (full, broken, unreachable)."""
    try:
        yield
    except PaperworksError:
        raise
    except FileNotFoundError as error:
        raise NotFound("The file is not in the file store any more.") from error
    except Exception as error:  # each fsspec backend has error classes of its own
        raise BlobStoreUnavailable() from error


class Folder:
    """A folder, local or mounted. A blob is there as a whole or not at all, also after a crash."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.spool = self.root / "incoming"  # on the same file system, so that a rename suffices

    def adopt(self, file: Path, key: str, size: int) -> None:
        """The spooled file is the blob `key`; one of the same size that is there already stays."""
        with storage_errors():
            target = self.root / key
            if _size(target) == size:
                file.unlink()
                return
            _make_durable(file)
            made = _make_folders(target.parent)
            os.replace(file, target)
            for folder in [target.parent, *made]:
                _make_durable(folder)

    def read(self, key: str) -> bytes:
        with storage_errors():
            return (self.root / key).read_bytes()

    def open(self, key: str) -> IO[bytes]:
        with storage_errors():
            return (self.root / key).open("rb")

    def exists(self, key: str) -> bool:
        return _size(self.root / key) is not None

    def delete(self, key: str) -> None:
        with storage_errors():
            (self.root / key).unlink(missing_ok=True)

    def under(self, folder: str) -> list[str]:
        """The keys of the blobs directly in the folder, none where there is no such folder."""
        with storage_errors(), suppress(FileNotFoundError):
            return [f"{folder}/{path.name}" for path in (self.root / folder).iterdir()]
        return []

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """The path of the blob itself."""
        if not self.exists(key):
            raise NotFound("The file is not in the file store any more.")
        yield self.root / key


class Bucket:
    """Any file system of fsspec: a blob is uploaded in one go, so it appears as a whole."""

    def __init__(self, uri: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(uri)
        self.spool = Path(tempfile.gettempdir()) / f"paperworks-incoming-{os.getuid()}"

    def adopt(self, file: Path, key: str, size: int) -> None:
        """The spooled file is the blob `key`; one that is there already stays."""
        with storage_errors():
            path = self._path(key)
            if not (self._files.exists(path) and self._files.size(path) == size):
                self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
                self._files.put_file(str(file), path)
            file.unlink()

    def read(self, key: str) -> bytes:
        with storage_errors():
            return self._files.cat_file(self._path(key))

    def open(self, key: str) -> IO[bytes]:
        with storage_errors():
            return self._files.open(self._path(key), "rb")

    def exists(self, key: str) -> bool:
        with storage_errors():
            return self._files.exists(self._path(key))

    def delete(self, key: str) -> None:
        with storage_errors(), suppress(FileNotFoundError):
            self._files.rm_file(self._path(key))

    def under(self, folder: str) -> list[str]:
        """The keys of the blobs directly in the folder, none where there is no such folder."""
        with storage_errors(), suppress(FileNotFoundError):
            names = self._files.ls(self._path(folder), detail=False)
            return [f"{folder}/{name.rstrip('/').rpartition('/')[2]}" for name in names]
        return []

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A copy of the blob, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="paperworks-") as folder:
            copy = Path(folder) / "blob"
            with self.open(key) as source, copy.open("wb") as target, storage_errors():
                shutil.copyfileobj(source, target, PIECE_BYTES)
            yield copy

    def _path(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key}"


@contextmanager
def spooled(folder: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file to write into, removed afterwards unless it has found a place."""
    with storage_errors():
        path = folder / f"{uuid.uuid4().hex}.part"
        file = _new_file(path)
    try:
        with file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def _new_file(path: Path) -> IO[bytes]:
    try:
        return path.open("xb", buffering=0)
    except FileNotFoundError:  # the first upload of all
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb", buffering=0)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _make_folders(folder: Path) -> list[Path]:
    """Makes the folder; the folders that got a new entry by that, which must be synced."""
    touched = []
    missing = folder
    while not missing.is_dir():
        missing = missing.parent
        touched.append(missing)
    if touched:
        folder.mkdir(parents=True, exist_ok=True)
    return touched


def _make_durable(path: Path) -> None:
    """What was written to the file, or into the folder, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
