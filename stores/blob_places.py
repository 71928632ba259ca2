"""Where blobs can rest: a folder (local disk, NFS) or any place fsspec can reach (S3, memory)."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

import fsspec

from domain.consistency import ListedBlob
from domain.errors import BlobStoreUnavailable, NotFound, PaperworksError

PIECE_BYTES = 256 * 1024
INCOMING = "incoming"


class Place(Protocol):
    """Keeps bytes under keys. Raises `NotFound` for a missing key, `BlobStoreUnavailable` else."""

    spool: Path

    def make_spool(self) -> None: ...
    def adopt(self, file: Path, key: str, size: int) -> None: ...
    def read(self, key: str) -> bytes: ...
    def open(self, key: str) -> IO[bytes]: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def delete_older(self, key: str, seconds: float) -> bool: ...
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
        if not is_there():
            raise BlobStoreUnavailable() from error
        raise NotFound("The file is not in the file store any more.") from error
    except Exception as error:  # each fsspec backend has error classes of its own
        raise BlobStoreUnavailable() from error


class Folder:
    """A folder, local or mounted. A blob is there as a whole or not at all, also after a crash.

    Where uploads grow up is made by the first one of a process, and shows from then on that the
    folder is there: one that was mounted and is not any more holds nothing, and takes nothing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.spool = self.root / INCOMING  # on the same file system, so that a rename suffices
        self._is_made = False

    def make_spool(self) -> None:
        """The place where uploads grow up is there, unless it was and is gone."""
        if not self._is_made:
            self.spool.mkdir(parents=True, exist_ok=True)
            self._is_made = True

    def _errors(self) -> AbstractContextManager[None]:
        return storage_errors(self.spool.is_dir)

    def adopt(self, file: Path, key: str, size: int) -> None:
        """The spooled file is the blob `key`; one of the same size that is there already stays.

        It is as young as a new one then: it is not taken for one that nobody asked for.
        """
        with self._errors():
            target = self.root / key
            if _size(target) == size and _made_young(target):
                file.unlink()
                return
            _make_durable(file)
            made = _make_folders(target.parent)
            os.replace(file, target)
            for folder in [target.parent, *made]:
                _make_durable(folder)

    def read(self, key: str) -> bytes:
        with self._errors():
            return (self.root / key).read_bytes()

    def open(self, key: str) -> IO[bytes]:
        with self._errors():
            return (self.root / key).open("rb")

    def exists(self, key: str) -> bool:
        found = _size(self.root / key) is not None
        if not found and not self.spool.is_dir():
            raise BlobStoreUnavailable
        return found

    def delete(self, key: str) -> None:
        with storage_errors():
            (self.root / key).unlink(missing_ok=True)

    def delete_older(self, key: str, seconds: float) -> bool:
        """True when the blob was that old; it is gone."""
        with storage_errors(), suppress(FileNotFoundError):
            path = self.root / key
            if time.time() - path.stat().st_mtime > seconds:
                path.unlink()
                return True
        return False

    def listed(self, folder: str) -> Iterator[ListedBlob]:
        """Every blob below the folder."""
        with self._errors():
            if not self.spool.is_dir():
                raise FileNotFoundError
            for path in (self.root / folder).rglob("*"):
                with suppress(FileNotFoundError):  # gone since it was listed
                    found = path.stat()
                    if stat.S_ISREG(found.st_mode):
                        key = path.relative_to(self.root).as_posix()
                        yield ListedBlob(key, found.st_size, time.time() - found.st_mtime)

    def under(self, folder: str) -> list[str]:
        """The keys of the blobs directly in the folder, none where there is no such folder."""
        with storage_errors(), suppress(FileNotFoundError):
            return [f"{folder}/{path.name}" for path in (self.root / folder).iterdir()]
        return []

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A path that leads to the blob until the context ends, whatever becomes of its folder:
        who opens it in a process of his own a moment later does not meet a file that is not there.
        """
        with self.open(key) as file:
            held = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
            yield held if held.exists() else self.root / key


class Bucket:
    """Any file system of fsspec: a blob is uploaded in one go, so it appears as a whole."""

    def __init__(self, uri: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(uri)
        self.spool = Path(tempfile.gettempdir()) / f"paperworks-incoming-{os.getuid()}"

    def make_spool(self) -> None:
        self.spool.mkdir(parents=True, exist_ok=True)

    def adopt(self, file: Path, key: str, size: int) -> None:
        """The spooled file is the blob `key`, also where one is already: it is young again."""
        with storage_errors():
            path = self._path(key)
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

    def delete_older(self, key: str, seconds: float) -> bool:
        """True when the blob was that old; it is gone."""
        with storage_errors(), suppress(FileNotFoundError):
            self._files.invalidate_cache()
            if _age_seconds(self._files.info(self._path(key))) > seconds:
                self._files.rm_file(self._path(key))
                return True
        return False

    def listed(self, folder: str) -> Iterator[ListedBlob]:
        """Every blob below the folder."""
        with storage_errors():
            self._files.invalidate_cache()
            found: dict[str, dict[str, Any]] = self._files.find(self._path(folder), detail=True)
        for path, info in found.items():
            key = path.removeprefix(self._path(""))
            yield ListedBlob(key, info["size"] or 0, _age_seconds(info))

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
def spooled(place: Place) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file to write into, removed afterwards unless it has found a place."""
    path = place.spool / f"{uuid.uuid4().hex}.part"
    with storage_errors(place.spool.is_dir):
        place.make_spool()
        file = path.open("xb", buffering=0)
    try:
        with file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _made_young(path: Path) -> bool:
    """True when the file counts as written just now; False when it is gone, or another user's."""
    try:
        os.utime(path)
    except (FileNotFoundError, PermissionError):
        return False
    return True


def _age_seconds(info: Mapping[str, Any]) -> float:
    """How long ago fsspec's file was written, by what its file system says; 0 if it does not."""
    said = (info.get(name) for name in ("mtime", "LastModified", "last_modified", "created"))
    for when in said:
        if isinstance(when, datetime):
            return time.time() - when.timestamp()
        if isinstance(when, int | float):
            return time.time() - when
    return 0.0


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
