"""Blobs in a folder: local disk or a mounted file system (NFS)."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from domain.consistency import ListedBlob
from domain.errors import BlobStoreUnavailable
from stores.blobs.blob_backend import INCOMING, storage_errors


class LocalBackend:
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

    def check(self) -> None:
        """Nothing to do: the spool, in the same folder, was just made."""

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

    def create(self, file: Path, key: str) -> bool:
        """True when the spooled file became the blob `key`, False when there was one already.

        Atomic: of several processes that create the same blob one gets True.
        """
        with self._errors():
            _make_durable(file)
            try:
                os.link(file, self.root / key)
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links
                if (self.root / key).exists():
                    return False
                os.replace(file, self.root / key)
            _make_durable(self.root)
            return True

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

    def move(self, source: str, target: str) -> bool:
        """True when there was such a blob; it has the other key now, and is as young as a new one.

        Atomic: of several processes that move the same blob one gets True.
        """
        with self._errors():
            origin, place = self.root / source, self.root / target
            if _size(origin) is None:
                if not self.spool.is_dir():
                    raise FileNotFoundError
                return False
            made = _make_folders(place.parent)
            _made_young(origin)
            try:
                os.replace(origin, place)
            except FileNotFoundError:  # another process was faster
                return False
            for folder in [place.parent, *made, origin.parent]:
                _make_durable(folder)
            return True

    def remove_empty(self, folder: str) -> None:
        """The folder is gone if nothing is in it."""
        with suppress(OSError):
            (self.root / folder).rmdir()

    def age_seconds(self, key: str) -> float | None:
        """Seconds since the blob was written, None when there is none."""
        with storage_errors(), suppress(FileNotFoundError):
            return time.time() - (self.root / key).stat().st_mtime
        return None

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
