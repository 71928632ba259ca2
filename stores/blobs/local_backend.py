"""Blob backend for a folder on a local disk or a mounted file system (NFS)."""

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
    """Blobs in a folder. Writes are atomic and durable, also across a crash.

    The spool directory `incoming/` is created once per process and doubles as a mount check: if it
    disappears, the volume counts as unmounted and every call raises BlobStoreUnavailable.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.spool = self.root / INCOMING  # on the same file system, so that a rename is atomic
        self._spool_created = False

    def create_spool(self) -> None:
        """Creates the spool directory once; does not recreate it after an unmount."""
        if not self._spool_created:
            self.spool.mkdir(parents=True, exist_ok=True)
            self._spool_created = True

    def check(self) -> None:
        """Does nothing: `create_spool` has already written to the folder."""

    def _errors(self) -> AbstractContextManager[None]:
        return storage_errors(self.spool.is_dir)

    def commit(self, file: Path, key: str, size: int) -> None:
        """Moves the spool file to `key` atomically and durably.

        Keeps an existing blob of the same size, but resets its age, so that it does not count as an
        orphan before its row is committed.
        """
        with self._errors():
            target = self.root / key
            if _size(target) == size and _touch(target):
                file.unlink()
                return
            _fsync(file)
            changed = _create_folders(target.parent)
            os.replace(file, target)
            for folder in [target.parent, *changed]:
                _fsync(folder)

    def create(self, file: Path, key: str) -> bool:
        """Moves the spool file to `key` unless the blob exists; True if moved.

        Atomic: if several processes create the same blob, exactly one gets True.
        """
        with self._errors():
            _fsync(file)
            try:
                os.link(file, self.root / key)
            except FileExistsError:
                return False
            except OSError:  # the file system does not support hard links
                if (self.root / key).exists():
                    return False
                os.replace(file, self.root / key)
            _fsync(self.root)
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
        """Deletes the blob if it was written more than `seconds` ago; True if deleted."""
        with storage_errors(), suppress(FileNotFoundError):
            path = self.root / key
            if time.time() - path.stat().st_mtime > seconds:
                path.unlink()
                return True
        return False

    def move(self, source: str, target: str) -> bool:
        """Moves the blob to the key `target` and resets its age; True if it existed.

        Atomic: if several processes move the same blob, exactly one gets True.
        """
        with self._errors():
            old_path, new_path = self.root / source, self.root / target
            if _size(old_path) is None:
                if not self.spool.is_dir():
                    raise FileNotFoundError
                return False
            changed = _create_folders(new_path.parent)
            _touch(old_path)
            try:
                os.replace(old_path, new_path)
            except FileNotFoundError:  # another process won the race
                return False
            for folder in [new_path.parent, *changed, old_path.parent]:
                _fsync(folder)
            return True

    def remove_empty(self, folder: str) -> None:
        """Deletes the folder if it is empty."""
        with suppress(OSError):
            (self.root / folder).rmdir()

    def age_seconds(self, key: str) -> float | None:
        """Returns the seconds since the blob was written, None if it does not exist."""
        with storage_errors(), suppress(FileNotFoundError):
            return time.time() - (self.root / key).stat().st_mtime
        return None

    def listed(self, folder: str) -> Iterator[ListedBlob]:
        """Yields every blob in the folder and its subfolders."""
        with self._errors():
            if not self.spool.is_dir():
                raise FileNotFoundError
            for path in (self.root / folder).rglob("*"):
                with suppress(FileNotFoundError):  # deleted since it was listed
                    status = path.stat()
                    if stat.S_ISREG(status.st_mode):
                        key = path.relative_to(self.root).as_posix()
                        yield ListedBlob(key, status.st_size, time.time() - status.st_mtime)

    def keys_in(self, folder: str) -> list[str]:
        """Returns the keys of the blobs directly in the folder; empty if it does not exist."""
        with storage_errors(), suppress(FileNotFoundError):
            return [f"{folder}/{path.name}" for path in (self.root / folder).iterdir()]
        return []

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yields a path that stays valid inside the context.

        The path refers to an open descriptor under /proc, so other processes can open it even if
        the volume is unmounted or the file is unlinked in the meantime. Without /proc, yields the
        path of the blob.
        """
        with self.open(key) as file:
            descriptor = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
            yield descriptor if descriptor.exists() else self.root / key


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _touch(path: Path) -> bool:
    """Sets the modification time to now. False if the file is gone or owned by another user."""
    try:
        os.utime(path)
    except (FileNotFoundError, PermissionError):
        return False
    return True


def _create_folders(folder: Path) -> list[Path]:
    """Creates the folder and its parents; returns the folders with a new entry, to be synced."""
    changed = []
    ancestor = folder
    while not ancestor.is_dir():
        ancestor = ancestor.parent
        changed.append(ancestor)
    if changed:
        folder.mkdir(parents=True, exist_ok=True)
    return changed


def _fsync(path: Path) -> None:
    """Flushes a file or a directory to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
