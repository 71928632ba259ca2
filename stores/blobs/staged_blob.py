"""Uploads that were received and validated but not yet stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from domain.errors import EmptyFile, FileTooLarge, NotAPdf
from stores.blobs.blob_backend import BlobBackend
from stores.blobs.pdf_trash import pdf_key
from stores.blobs.upload_spool import UploadSpool

HEADER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A stored upload: SHA-256 in hexadecimal, size in bytes, and key in the store."""

    sha256: str
    bytes: int
    key: str


class StagedBlob:
    """A complete, validated PDF of one request. A context manager that discards its bytes at the
    end unless they were committed.

    `commit` raises BlobStoreUnavailable and may be called from another thread.
    """

    def __init__(self, backend: BlobBackend, spool: UploadSpool, blob: StoredBlob) -> None:
        self.blob = blob
        self._backend = backend
        self._spool = spool
        self._is_stored = False

    def commit(self) -> StoredBlob:
        """Stores the PDF durably; keeps an existing blob with the same bytes. Idempotent."""
        if not self._is_stored:
            self._backend.commit(self._spool.save(), self.blob.key, self.blob.bytes)
            self._is_stored = True
            self._spool.discard()
        return self.blob

    def discard(self) -> None:
        """Discards the bytes; a committed blob is kept."""
        if not self._is_stored:
            self._spool.discard()

    def __enter__(self) -> StagedBlob:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


@dataclass(slots=True)
class UploadValidator:
    """Computes hash and size of an upload incrementally, and checks the limit and the PDF header.

    Raises FileTooLarge, NotAPdf and EmptyFile.
    """

    limit_bytes: int
    size: int = 0
    head: bytes = b""
    is_pdf: bool = False
    digest: Any = field(default_factory=hashlib.sha256)

    def update(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.limit_bytes:
            raise FileTooLarge(
                f"The file is larger than {self.limit_bytes:,} bytes, the most that this service "
                "accepts. Nothing was kept."
            )
        self.digest.update(piece)
        if not self.is_pdf:
            self._check_header(piece)

    def finish(self) -> StoredBlob:
        if not self.size:
            raise EmptyFile()
        if not self.is_pdf:
            raise NotAPdf()
        sha256 = self.digest.hexdigest()
        return StoredBlob(sha256, self.size, pdf_key(sha256))

    def _check_header(self, piece: bytes) -> None:
        self.head += piece[: HEADER_BYTES - len(self.head)]
        self.is_pdf = b"%PDF-" in self.head
        if not self.is_pdf and len(self.head) == HEADER_BYTES:
            raise NotAPdf()
