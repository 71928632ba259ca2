"""PDFs that no document uses any more: kept under `trash/` for a while, restored on demand.

A PDF is never unlinked by a request or by a comparison of the stores. It moves from
`pdf/ab/<sha256>.pdf` to `trash/<date>/<sha256>.pdf`, and every reader that misses it moves it back.
So a race between an upload and the trash cannot lose a paper. Only `purge` deletes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from stores.blobs.blob_backend import BlobBackend

PDFS, TRASH = "pdf", "trash"
_TRASHED_KEY = re.compile(
    rf"{TRASH}/(?P<day>\d{{4}}-\d{{2}}-\d{{2}})/(?P<sha256>[0-9a-f]{{64}})\.pdf"
)


@dataclass(frozen=True, slots=True)
class TrashedPdf:
    """A PDF in the trash: the UTC day on which it was moved there, and for how long it is there."""

    sha256: str
    day: date
    bytes: int
    age_seconds: float

    @property
    def key(self) -> str:
        """Where it lies: `trash/2026-11-27/<sha256>.pdf`."""
        return f"{TRASH}/{self.day.isoformat()}/{self.sha256}.pdf"


class PdfTrash:
    """Moves PDFs of one backend into the trash and back. Raises BlobStoreUnavailable."""

    def __init__(self, backend: BlobBackend) -> None:
        self._backend = backend

    def put(self, sha256: str) -> bool:
        """True when the PDF was there; it is in the trash now, in the folder of this UTC day."""
        return self._backend.move(pdf_key(sha256), _trash_key(sha256, datetime.now(UTC).date()))

    def put_older(self, sha256: str, seconds: float) -> bool:
        """As `put`, for a PDF that was written longer ago than that."""
        age = self._backend.age_seconds(pdf_key(sha256))
        return age is not None and age > seconds and self.put(sha256)

    def restore(self, sha256: str) -> bool:
        """True when the PDF is in its place again; it counts as written just now.

        Several processes may restore the same PDF at once.
        """
        target = pdf_key(sha256)
        for folder in sorted(self._backend.under(TRASH), reverse=True):
            if self._backend.move(f"{folder}/{sha256}.pdf", target):
                return True
        return self._backend.exists(target)

    def listed(self) -> Iterator[TrashedPdf]:
        """Every PDF in the trash."""
        for blob in self._backend.listed(TRASH):
            if (made := _TRASHED_KEY.fullmatch(blob.key)) and (day := _day(made["day"])):
                yield TrashedPdf(made["sha256"], day, blob.bytes, blob.age_seconds)

    def purge(self, trashed: TrashedPdf) -> None:
        """The PDF is gone for good, and the folder of its day if it was the last one of a past day.

        Today's folder stays: another process may be about to move a PDF into it.
        """
        self._backend.delete(trashed.key)
        if trashed.day < datetime.now(UTC).date():
            self._backend.remove_empty(f"{TRASH}/{trashed.day.isoformat()}")


class TrashingStore(Protocol):
    """A blob store with a trash."""

    def trash_pdf(self, sha256: str) -> bool: ...
    def restore_pdf(self, sha256: str) -> bool: ...


async def trash_unused(
    digests: Iterable[str],
    blobs: TrashingStore,
    in_use: Callable[[Collection[str]], Awaitable[set[str]]],
) -> list[str]:
    """The SHA-256 digests of the PDFs that are in the trash now because no document uses them.

    `in_use` asks the database. It is asked again after the move: what an upload has begun to use
    in between is moved back. Raises Unavailable.
    """
    wanted = set(digests)
    unused = wanted - await in_use(wanted)
    moved = [one for one in sorted(unused) if await asyncio.to_thread(blobs.trash_pdf, one)]
    needed = await in_use(moved) if moved else set()
    for one in needed:
        await asyncio.to_thread(blobs.restore_pdf, one)
    return [one for one in moved if one not in needed]


def pdf_key(sha256: str) -> str:
    """The key of a PDF: `pdf/ab/<sha256>.pdf`; 256 folders, so that an upload seldom makes one."""
    return f"{PDFS}/{sha256[:2]}/{sha256}.pdf"


def _trash_key(sha256: str, day: date) -> str:
    return f"{TRASH}/{day.isoformat()}/{sha256}.pdf"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
