"""Blobs in any file system that fsspec reaches (S3, memory).

Listings are never cached: several processes write to the same bucket. A bucket is never created
here, and one that is missing or closed to us is not an empty one: its blobs are not missing, the
store is unavailable.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import fsspec
from fsspec.config import conf as configured

from domain.consistency import ListedBlob
from stores.blobs.blob_backend import INCOMING, PIECE_BYTES, storage_errors
from stores.blobs.private_spool import PrivateSpool

# No folders to make; to make one in S3 would create the bucket.
S3 = frozenset({"s3", "s3a"})
OBJECT_STORES = S3 | {"gs", "gcs", "az", "abfs", "abfss"}
# The defaults ask five times five times, with 60 s each. An upload that meets an endpoint that is
# down is answered within about three seconds instead, one that hangs within a minute.
S3_CLIENT = {"connect_timeout": 1.5, "read_timeout": 15, "retries": {"total_max_attempts": 2}}
S3_TRIES = 2  # by s3fs around each of these, for what was throttled or cut off


class FsspecBackend:
    """Any file system of fsspec: a blob is uploaded in one go, so it appears as a whole."""

    def __init__(self, uri: str) -> None:
        scheme = uri.partition("://")[0]
        self._files, self._root = fsspec.core.url_to_fs(uri, **_options(scheme))
        if scheme in S3:
            self._files.retries = S3_TRIES
        self._bucket = self._root.split("/", 1)[0] if scheme in OBJECT_STORES else None
        self._spool = PrivateSpool()

    @property
    def spool(self) -> Path:
        return self._spool.path

    def make_spool(self) -> None:
        self.spool.is_dir()

    def check(self) -> None:
        """A blob can be written, read, listed and deleted. Raises BlobStoreUnavailable."""
        probe = self._path(f"{INCOMING}/{uuid.uuid4().hex}.part")
        with self._errors():
            self._require_bucket()
            self._files.pipe_file(probe, b"probe")
            try:
                if self._files.cat_file(probe) != b"probe" or not self._files.exists(probe):
                    raise OSError("what was written is not what is read")
            finally:
                self._files.rm_file(probe)

    def adopt(self, file: Path, key: str, size: int) -> None:
        """The spooled file is the blob `key`, also where one is already: it is young again."""
        with self._errors():
            path = self._path(key)
            self._make_folder(path)
            self._files.put_file(str(file), path)
            file.unlink()

    def create(self, file: Path, key: str) -> bool:
        """True when the spooled file became the blob `key`, False when there was one already.

        Checked and then written: of two processes at the same instant the later one wins, so read
        the blob afterwards.
        """
        with storage_errors():
            self._files.invalidate_cache()
            if self._files.exists(self._path(key)):
                return False
            self._files.makedirs(self._root, exist_ok=True)
            self._files.put_file(str(file), self._path(key))
            return True

    def read(self, key: str) -> bytes:
        with self._errors():
            return self._files.cat_file(self._path(key))

    def open(self, key: str) -> IO[bytes]:
        with self._errors():
            return self._files.open(self._path(key), "rb")

    def exists(self, key: str) -> bool:
        with self._errors():
            found = self._files.exists(self._path(key))
            if not found:
                self._require_bucket()
            return found

    def delete(self, key: str) -> None:
        with self._errors(), self._missing_is_fine():
            self._files.rm_file(self._path(key))

    def delete_older(self, key: str, seconds: float) -> bool:
        """True when the blob was that old; it is gone."""
        with self._errors(), self._missing_is_fine():
            if _age_seconds(self._files.info(self._path(key))) > seconds:
                self._files.rm_file(self._path(key))
                return True
        return False

    def move(self, source: str, target: str) -> bool:
        """True when there was such a blob; it has the other key now, and is as young as a new one.

        A copy, then a deletion: a process that dies in between leaves both.
        """
        with self._errors(), self._missing_is_fine():
            self._make_folder(self._path(target))
            self._files.cp_file(self._path(source), self._path(target))
            with suppress(FileNotFoundError):  # another process has moved it as well
                self._files.rm_file(self._path(source))
            return True
        return False

    def remove_empty(self, folder: str) -> None:
        """Nothing to do: a bucket has no folders."""

    def age_seconds(self, key: str) -> float | None:
        """Seconds since the blob was written, None when there is none."""
        with self._errors(), self._missing_is_fine():
            return _age_seconds(self._files.info(self._path(key)))
        return None

    def listed(self, folder: str) -> Iterator[ListedBlob]:
        """Every blob below the folder."""
        with self._errors():
            self._require_bucket()
            found: dict[str, dict[str, Any]] = self._files.find(self._path(folder), detail=True)
        for path, info in found.items():
            key = path.removeprefix(self._path(""))
            yield ListedBlob(key, info["size"] or 0, _age_seconds(info))

    def under(self, folder: str) -> list[str]:
        """The keys of the blobs directly in the folder, none where there is no such folder."""
        with self._errors(), self._missing_is_fine():
            names = self._files.ls(self._path(folder), detail=False)
            return [f"{folder}/{name.rstrip('/').rpartition('/')[2]}" for name in names]
        return []

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A copy of the blob, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="copy-", dir=self.spool) as folder:
            copy = Path(folder) / "blob"
            with self.open(key) as source, copy.open("wb") as target, storage_errors():
                shutil.copyfileobj(source, target, PIECE_BYTES)
            yield copy

    def _errors(self) -> AbstractContextManager[None]:
        return storage_errors(self._is_there)

    def _is_there(self) -> bool:
        """Whether the bucket exists. Raises PermissionError where we may not know."""
        with suppress(FileNotFoundError):
            return self._bucket is None or bool(self._files.info(self._bucket))
        return False

    def _require_bucket(self) -> None:
        if not self._is_there():
            raise FileNotFoundError(f"there is no bucket {self._bucket}")

    @contextmanager
    def _missing_is_fine(self) -> Iterator[None]:
        """A missing blob ends the block silently; a missing bucket does not."""
        try:
            yield
        except FileNotFoundError:
            self._require_bucket()

    def _make_folder(self, path: str) -> None:
        if self._bucket is None:
            self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)

    def _path(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key}"


def _options(scheme: str) -> dict[str, Any]:
    """Arguments of the file system; FSSPEC_S3_… and AWS_MAX_ATTEMPTS of the environment win."""
    if scheme not in OBJECT_STORES:
        return {}
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if scheme in S3 and "config_kwargs" not in configured.get("s3", {}):
        client = dict(S3_CLIENT)
        if "AWS_MAX_ATTEMPTS" in os.environ:
            del client["retries"]
        options["config_kwargs"] = client
    return options


def _age_seconds(info: Mapping[str, Any]) -> float:
    """How long ago fsspec's file was written, by what its file system says; 0 if it does not."""
    said = (info.get(name) for name in ("mtime", "LastModified", "last_modified", "created"))
    for when in said:
        if isinstance(when, datetime):
            return time.time() - when.timestamp()
        if isinstance(when, int | float):
            return time.time() - when
    return 0.0
