"""Bytes by their SHA-256: uploaded PDFs, and what was read from them.

An upload is hashed while it is spooled to a file, checked on the way, made durable, and then
appears under its key by one rename (or one upload): the same bytes have the same key, and a blob
that can be seen is whole. The name a file had on somebody's computer never comes near a path.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TypeVar

from domain.consistency import ListedBlob
from domain.errors import InternalError, NotFound
from stores.blobs.blob_backend import (
    INCOMING,
    PIECE_BYTES,
    BlobBackend,
    new_spool_file,
    spooled,
    storage_errors,
)
from stores.blobs.fsspec_backend import FsspecBackend
from stores.blobs.local_backend import LocalBackend
from stores.blobs.pdf_trash import PDFS, PdfTrash, TrashedPdf, pdf_key
from stores.blobs.staged_blob import Intake, StagedBlob, StoredBlob

ARTIFACTS = "artifacts"
LIBRARY_KEY = "library.json"
_PDF_KEY = re.compile(rf"{PDFS}/[0-9a-f]{{2}}/(?P<sha256>[0-9a-f]{{64}})\.pdf")
_ARTIFACT_KEY = re.compile(rf"{ARTIFACTS}/[^/]+/(?P<document>[^/-]+)-(?P<version>\d+)-[^/]*")
_SPOOLED_KEY = re.compile(rf"{INCOMING}/[0-9a-f]{{32}}\.part")
Found = TypeVar("Found")
_KEY = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")


class BlobStore:
    """Blobs in a folder (`/path`, `file:///path`) or a bucket (`s3://…`, `memory://…`).

    Every method raises `BlobStoreUnavailable` when the storage is away or full, and `NotFound` for
    a key that is not there. Holds no state: any number of processes may use the same place.
    """

    def __init__(self, uri: str) -> None:
        scheme, separator, path = uri.partition("://")
        is_folder = not separator or scheme in ("file", "local")
        local = Path(path if separator else uri)
        self._backend: BlobBackend = LocalBackend(local) if is_folder else FsspecBackend(uri)
        self._trash = PdfTrash(self._backend)

    def prepare(self) -> None:
        """The store is there: from now on one that is empty is one that is away.

        A bucket must exist and let us write, read, list and delete; it is not created.
        """
        with storage_errors():
            self._backend.make_spool()
            self._backend.check()

    async def put_stream(self, pieces: AsyncIterable[bytes], limit_bytes: int) -> StoredBlob:
        """The PDF that arrives in these pieces, stored and durable; twice the same is stored once.

        Raises as `stage_stream`.
        """
        with await self.stage_stream(pieces, limit_bytes) as staged:
            # An fsync takes 0.3 ms on an idle disk, 4 ms on a busy one: others go on meanwhile.
            return await asyncio.to_thread(staged.commit)

    def put_file(self, path: Path, limit_bytes: int) -> StoredBlob:
        """As `put_stream`, for a file of this machine."""
        with self.stage_file(path, limit_bytes) as staged:
            return staged.commit()

    async def stage_stream(self, pieces: AsyncIterable[bytes], limit_bytes: int) -> StagedBlob:
        """The PDF that arrives in these pieces, hashed and checked, in a spool file of its own.

        It is stored by its `commit`. Raises `FileTooLarge`, `NotAPdf` or `EmptyFile` as soon as it
        is known, before reading on; nothing is left of a refused or interrupted upload.
        """
        with new_spool_file(self._backend) as (file, spool):
            intake = Intake(limit_bytes)
            async for piece in pieces:
                intake.take(piece)
                _write(file, piece)
            return StagedBlob(self._backend, spool, intake.finish())

    def stage_file(self, path: Path, limit_bytes: int) -> StagedBlob:
        """As `stage_stream`, for a file of this machine."""
        with new_spool_file(self._backend) as (file, spool):
            intake = Intake(limit_bytes)
            for piece in _pieces(path.open("rb")):
                intake.take(piece)
                _write(file, piece)
            return StagedBlob(self._backend, spool, intake.finish())

    def put_artifact(self, key: str, data: bytes) -> None:
        """The bytes are the blob `key`, durable; what was there is replaced in one step."""
        _check(key)
        with spooled(self._backend) as (file, path):
            _write(file, data)
            self._backend.adopt(path, key, size=-1)

    def library_id(self) -> str | None:
        """The id of the library that the store belongs to, None as long as it has none.

        Raises InternalError for a `library.json` that is none of ours.
        """
        try:
            content = self._backend.read(LIBRARY_KEY)
        except NotFound:
            return None
        try:
            return str(uuid.UUID(json.loads(content)["library_id"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InternalError(
                f"{LIBRARY_KEY} of the blob store does not hold a library id. Nothing was changed; "
                "restore the file from a backup."
            ) from error

    def set_library_id(self, library_id: str, *, replace: bool = False) -> None:
        """The store belongs to that library; one that it has already stays unless `replace`."""
        content = json.dumps({"library_id": library_id}).encode()
        if replace:
            self.put_artifact(LIBRARY_KEY, content)
            return
        with spooled(self._backend) as (file, path):
            _write(file, content)
            self._backend.create(path, LIBRARY_KEY)

    def some_pdfs(self, limit: int = 200) -> set[str]:
        """SHA-256 digests of some PDFs that are stored."""
        found = (_sha256_of(blob.key) for blob in self._backend.listed(PDFS))
        return set(islice(filter(None, found), limit))

    def read(self, key: str) -> bytes:
        """The whole blob."""
        return self._restoring(key, self._backend.read)

    def stream(self, key: str) -> Iterator[bytes]:
        """The blob in pieces of 256 KiB; a missing one is reported here, not at the first piece."""
        return _pieces(self._restoring(key, self._backend.open))

    @contextmanager
    def open_local(self, sha256: str) -> Iterator[Path]:
        """A context whose value is a path where the PDF can be read: the blob itself or a copy."""
        with ExitStack() as stack:
            yield self._restoring(
                pdf_key(sha256), lambda key: stack.enter_context(self._backend.local(key))
            )

    def check_readable(self, sha256: str) -> None:
        """Returns when the PDF can be read to its last byte."""
        for _ in self.stream(pdf_key(sha256)):
            pass

    def exists(self, key: str) -> bool:
        """Whether there is such a blob; a PDF in the trash is restored."""
        if self._backend.exists(_check(key)):
            return True
        sha256 = _sha256_of(key)
        return sha256 is not None and self._trash.restore(sha256)

    def ping(self) -> None:
        """Returns when the store answers whether it has a blob."""
        self.exists(pdf_key("0" * 64))

    def delete(self, key: str) -> None:
        """The blob is gone, if it was there."""
        self._backend.delete(_check(key))

    def delete_older(self, key: str, seconds: float) -> bool:
        """True when the blob was written longer ago than that; it is gone."""
        return self._backend.delete_older(_check(key), seconds)

    def trash_pdf(self, sha256: str) -> bool:
        """True when the PDF was there; it is in the trash, from where every reader restores it."""
        return self._trash.put(sha256)

    def trash_older(self, sha256: str, seconds: float) -> bool:
        """True when the PDF was written longer ago than that; it is in the trash."""
        return self._trash.put_older(sha256, seconds)

    def restore_pdf(self, sha256: str) -> bool:
        """True when the PDF is in its place, restored from the trash or there all the time."""
        return self._trash.restore(sha256)

    def trashed(self) -> Iterator[TrashedPdf]:
        """Every PDF in the trash."""
        return self._trash.listed()

    def purge(self, trashed: TrashedPdf) -> None:
        """The PDF is deleted from the trash, for good."""
        self._trash.purge(trashed)

    def listed(self) -> Iterator[ListedBlob]:
        """Every PDF, every artifact, and what uploads that were cut off have left."""
        for folder in (PDFS, ARTIFACTS, INCOMING):
            yield from self._backend.listed(folder)

    def delete_artifacts(self, document_id: str, first: int, last: int) -> None:
        """What was read for the versions from `first` to `last`, both included, is gone."""
        folder = artifact_key(document_id, 0, "").rpartition("/")[0]
        mine = f"{folder}/{document_id}-"
        for key in self._backend.under(folder):
            version = key.removeprefix(mine).partition("-")[0]
            if key.startswith(mine) and version.isdecimal() and first <= int(version) <= last:
                self._backend.delete(key)

    def _restoring(self, key: str, find: Callable[[str], Found]) -> Found:
        """What `find` gives for the key; a PDF that it misses is looked for in the trash."""
        try:
            return find(_check(key))
        except NotFound:
            sha256 = _sha256_of(key)
            if sha256 is None or not self._trash.restore(sha256):
                raise
            return find(key)


def artifact_key(document_id: str, version: int, digest: str) -> str:
    """The key of what was read from a document version by the pipeline with that digest."""
    return f"{ARTIFACTS}/{document_id[-2:]}/{document_id}-{version}-{digest}"


def owner_of(key: str) -> str | tuple[str, int] | None:
    """Whose blob it is: a PDF's digest, or an artifact's document and version; else None."""
    if made := _PDF_KEY.fullmatch(key):
        return made["sha256"]
    made = _ARTIFACT_KEY.fullmatch(key)
    return (made["document"], int(made["version"])) if made else None


def _sha256_of(key: str) -> str | None:
    made = _PDF_KEY.fullmatch(key)
    return made["sha256"] if made else None


def is_cut_off(key: str) -> bool:
    """True for what is left of an upload that did not come to its end."""
    return _SPOOLED_KEY.fullmatch(key) is not None


def _check(key: str) -> str:
    """The key, when it is one of ours and not a way out of the store."""
    if not _KEY.fullmatch(key):
        raise NotFound("There is no file of that key.")
    return key


def _write(file: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    with storage_errors():
        while rest:
            rest = rest[file.write(rest) :]


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    with source:
        while piece := _next_piece(source):
            yield piece


def _next_piece(source: IO[bytes]) -> bytes:
    with storage_errors():
        return source.read(PIECE_BYTES)
