"""An upload that was received and checked but is not stored yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from domain.errors import EmptyFile, FileTooLarge, NotAPdf
from stores.blobs.blob_backend import BlobBackend
from stores.blobs.pdf_trash import pdf_key

HEADER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """An upload at rest: its SHA-256 in hexadecimal, its size and its key in the store."""

    sha256: str
    bytes: int
    key: str


class StagedBlob:
    """A whole PDF in a spool file, which belongs to one request; as a context it is discarded at
    the end unless it was committed.

    `commit` raises BlobStoreUnavailable; it may be called from another thread.
    """

    def __init__(self, backend: BlobBackend, spool: Path, blob: StoredBlob) -> None:
        self.blob = blob
        self._backend = backend
        self._spool = spool
        self._is_stored = False

    def commit(self) -> StoredBlob:
        """The PDF is stored and durable; one with the same bytes that is there already stays."""
        if not self._is_stored:
            self._backend.adopt(self._spool, self.blob.key, self.blob.bytes)
            self._is_stored = True
        return self.blob

    def discard(self) -> None:
        """The spool file is gone; what was committed stays."""
        self._spool.unlink(missing_ok=True)

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
class Intake:
    """Hash, size and kind of an upload, kept while it passes by."""

    limit_bytes: int
    size: int = 0
    head: bytes = b""
    is_pdf: bool = False
    digest: Any = field(default_factory=hashlib.sha256)

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.limit_bytes:
            raise FileTooLarge(
                f"The file is larger than {self.limit_bytes:,} bytes, the most that this service "
                "accepts. Nothing was kept."
            )
        self.digest.update(piece)
        if not self.is_pdf:
            self._look_for_header(piece)

    def finish(self) -> StoredBlob:
        if not self.size:
            raise EmptyFile()
        if not self.is_pdf:
            raise NotAPdf()
        sha256 = self.digest.hexdigest()
        return StoredBlob(sha256, self.size, pdf_key(sha256))

    def _look_for_header(self, piece: bytes) -> None:
        self.head += piece[: HEADER_BYTES - len(self.head)]
        self.is_pdf = b"%PDF-" in self.head
        if not self.is_pdf and len(self.head) == HEADER_BYTES:
            raise NotAPdf()
