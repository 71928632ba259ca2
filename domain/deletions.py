"""Rows of the deletion queue: versions to delete from the vector store and the blob store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Obsolete versions of a document, from `first` to `last` inclusive.

    Version numbers of a document are monotonic, also across a deletion and a new upload. Later
    versions are always above `last`, so deleting a range is idempotent and independent of order
    and delay.
    """

    document_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StoreDeletion:
    """A row of the deletion queue. `sha256`: also trash this PDF unless a document uses it."""

    deletion_id: int
    versions: VersionRange
    sha256: str | None = None
