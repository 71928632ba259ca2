"""Blob backend for every file system that fsspec supports (S3, memory).

Listings are never cached, because several processes write to the same bucket. A bucket is never
created. If the bucket is missing or access is denied, the store is unavailable; it does not count
as an empty store.
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

# Object stores have no folders; makedirs on S3 would create the bucket.
S3 = frozenset({"s3", "s3a"})
OBJECT_STORES = S3 | {"gs", "gcs", "az", "abfs", "abfss"}
# The defaults are five times five attempts with a timeout of 60 s each. With these limits an upload
# fails after about three seconds if the endpoint is down, and within a minute if it hangs.
S3_CLIENT = {"connect_timeout": 1.5, "read_timeout": 15, "retries": {"total_max_attempts": 2}}
S3_TRIES = 2  # outer retries by s3fs, for throttled and interrupted requests


class FsspecBackend:
    """Blobs in an fsspec file system. A blob appears atomically when its upload completes."""

    def __init__(self, uri: str) -> None:
        scheme = uri.partition("://")[0]
        self._files, self._root = fsspec.core.url_to_fs(uri, **file_system_options(scheme))
        if scheme in S3:
            self._files.retries = S3_TRIES
        self._bucket = self._root.split("/", 1)[0] if scheme in OBJECT_STORES else None
        self._spool = PrivateSpool()

    @property
    def spool(self) -> Path:
        return self._spool.path

    def create_spool(self) -> None:
        self.spool.is_dir()

    def check(self) -> None:
        """Writes, reads, looks up and deletes a probe blob. Raises BlobStoreUnavailable."""
        probe = self._path(f"{INCOMING}/{uuid.uuid4().hex}.part")
        with self._errors():
            self._require_bucket()
            self._files.pipe_file(probe, b"probe")
            try:
                if self._files.cat_file(probe) != b"probe" or not self._files.exists(probe):
                    raise OSError("the probe blob could not be read back unchanged")
            finally:
                self._files.rm_file(probe)

    def commit(self, file: Path, key: str, size: int) -> None:
        """Uploads the spool file as blob `key`; an existing blob is replaced and gets a new age."""
        with self._errors():
            path = self._path(key)
            self._make_folder(path)
            self._files.put_file(str(file), path)
            file.unlink()

    def create(self, file: Path, key: str) -> bool:
        """Uploads the spool file as blob `key` unless it exists; True if uploaded.

        Not atomic (check, then write): in a race between two processes the later write wins. Read
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
        with self._errors(), self._ignore_missing():
            self._files.rm_file(self._path(key))

    def delete_older(self, key: str, seconds: float) -> bool:
        """Deletes the blob if it was written more than `seconds` ago; True if deleted."""
        with self._errors(), self._ignore_missing():
            if _age_seconds(self._files.info(self._path(key))) > seconds:
                self._files.rm_file(self._path(key))
                return True
        return False

    def move(self, source: str, target: str) -> bool:
        """Moves the blob to the key `target` and resets its age; True if it existed.

        Copies, then deletes: a crash in between leaves both blobs.
        """
        with self._errors(), self._ignore_missing():
            self._make_folder(self._path(target))
            self._files.cp_file(self._path(source), self._path(target))
            with suppress(FileNotFoundError):  # another process moved it at the same time
                self._files.rm_file(self._path(source))
            return True
        return False

    def remove_empty(self, folder: str) -> None:
        """Does nothing: a bucket has no folders."""

    def age_seconds(self, key: str) -> float | None:
        """Returns the seconds since the blob was written, None if it does not exist."""
        with self._errors(), self._ignore_missing():
            return _age_seconds(self._files.info(self._path(key)))
        return None

    def listed(self, folder: str) -> Iterator[ListedBlob]:
        """Yields every blob in the folder and its subfolders."""
        with self._errors():
            self._require_bucket()
            found: dict[str, dict[str, Any]] = self._files.find(self._path(folder), detail=True)
        for path, info in found.items():
            key = path.removeprefix(self._path(""))
            yield ListedBlob(key, info["size"] or 0, _age_seconds(info))

    def keys_in(self, folder: str) -> list[str]:
        """Returns the keys of the blobs directly in the folder; empty if it does not exist."""
        with self._errors(), self._ignore_missing():
            names = self._files.ls(self._path(folder), detail=False)
            return [f"{folder}/{name.rstrip('/').rpartition('/')[2]}" for name in names]
        return []

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yields the path of a local copy of the blob; deletes the copy at the end."""
        with tempfile.TemporaryDirectory(prefix="copy-", dir=self.spool) as folder:
            copy = Path(folder) / "blob"
            with self.open(key) as source, copy.open("wb") as target, storage_errors():
                shutil.copyfileobj(source, target, PIECE_BYTES)
            yield copy

    def _errors(self) -> AbstractContextManager[None]:
        return storage_errors(self._is_there)

    def _is_there(self) -> bool:
        """True if the bucket exists. Raises PermissionError if access is denied."""
        with suppress(FileNotFoundError):
            return self._bucket is None or bool(self._files.info(self._bucket))
        return False

    def _require_bucket(self) -> None:
        if not self._is_there():
            raise FileNotFoundError(f"bucket {self._bucket} does not exist")

    @contextmanager
    def _ignore_missing(self) -> Iterator[None]:
        """Suppresses FileNotFoundError of a missing blob, but not of a missing bucket."""
        try:
            yield
        except FileNotFoundError:
            self._require_bucket()

    def _make_folder(self, path: str) -> None:
        if self._bucket is None:
            self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)

    def _path(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key}"


def file_system_options(scheme: str) -> dict[str, Any]:
    """Returns the file system arguments; FSSPEC_S3_… and AWS_MAX_ATTEMPTS take precedence."""
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
    """Returns the seconds since the file was written; 0 if its file system has no such time."""
    candidates = (info.get(name) for name in ("mtime", "LastModified", "last_modified", "created"))
    for modified_at in candidates:
        if isinstance(modified_at, datetime):
            return time.time() - modified_at.timestamp()
        if isinstance(modified_at, int | float):
            return time.time() - modified_at
    return 0.0
