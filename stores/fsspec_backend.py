"""Blobs in any file system that fsspec reaches (S3, memory)."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import fsspec

from domain.consistency import ListedBlob
from stores.blob_backend import PIECE_BYTES, storage_errors


class FsspecBackend:
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

    def move(self, source: str, target: str) -> bool:
        """True when there was such a blob; it has the other key now, and is as young as a new one.

        A copy, then a deletion: a process that dies in between leaves both.
        """
        with storage_errors():
            try:
                self._files.makedirs(self._path(target).rsplit("/", 1)[0], exist_ok=True)
                self._files.cp_file(self._path(source), self._path(target))
            except FileNotFoundError:
                return False
            with suppress(FileNotFoundError):  # another process has moved it as well
                self._files.rm_file(self._path(source))
            self._files.invalidate_cache()
            return True

    def remove_empty(self, folder: str) -> None:
        """Nothing to do: a bucket has no folders."""

    def age_seconds(self, key: str) -> float | None:
        """Seconds since the blob was written, None when there is none."""
        with storage_errors(), suppress(FileNotFoundError):
            self._files.invalidate_cache()
            return _age_seconds(self._files.info(self._path(key)))
        return None

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
            self._files.invalidate_cache()
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


def _age_seconds(info: Mapping[str, Any]) -> float:
    """How long ago fsspec's file was written, by what its file system says; 0 if it does not."""
    said = (info.get(name) for name in ("mtime", "LastModified", "last_modified", "created"))
    for when in said:
        if isinstance(when, datetime):
            return time.time() - when.timestamp()
        if isinstance(when, int | float):
            return time.time() - when
    return 0.0
