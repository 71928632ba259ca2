"""What is still to be erased from the vector store and the blob store after a commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Versions of a document that nobody will show again, from `first` to `last`, both included.

    Version numbers of a document only grow, also through its deletion and a new upload: what comes
    later is above `last`, so erasing a range twice, late or in any order harms nothing.
    """

    document_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StoreDeletion:
    """A row of the deletion queue; with `sha256` the PDF goes too, unless a document uses it."""

    deletion_id: int
    versions: VersionRange
    sha256: str | None = None
