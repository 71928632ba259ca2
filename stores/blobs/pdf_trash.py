"""Trash for PDFs that no document uses: kept under `trash/` for some days, restored on demand.

Neither a request nor a reconciliation unlinks a PDF. It moves from `pdf/ab/<sha256>.pdf` to
`trash/<date>/<sha256>.pdf`, and any reader that does not find it moves it back. A race between an
upload and the trash therefore cannot lose a paper. Only `purge` deletes.
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
    """A PDF in the trash. `day` is the UTC day of the move, `age_seconds` the time since then."""

    sha256: str
    day: date
    bytes: int
    age_seconds: float

    @property
    def key(self) -> str:
        """The blob key: `trash/2026-11-27/<sha256>.pdf`."""
        return f"{TRASH}/{self.day.isoformat()}/{self.sha256}.pdf"


class PdfTrash:
    """Moves PDFs of a backend into the trash and back. Raises BlobStoreUnavailable."""

    def __init__(self, backend: BlobBackend) -> None:
        self._backend = backend

    def put(self, sha256: str) -> bool:
        """Moves the PDF to the trash folder of the current UTC day; True if it existed."""
        return self._backend.move(pdf_key(sha256), _trash_key(sha256, datetime.now(UTC).date()))

    def put_older(self, sha256: str, seconds: float) -> bool:
        """Like `put`, but only if the PDF was written more than `seconds` ago."""
        age = self._backend.age_seconds(pdf_key(sha256))
        return age is not None and age > seconds and self.put(sha256)

    def restore(self, sha256: str) -> bool:
        """Moves the PDF back and resets its age; True if the PDF exists afterwards.

        Safe to run concurrently for the same PDF.
        """
        target = pdf_key(sha256)
        for folder in sorted(self._backend.keys_in(TRASH), reverse=True):
            if self._backend.move(f"{folder}/{sha256}.pdf", target):
                return True
        return self._backend.exists(target)

    def listed(self) -> Iterator[TrashedPdf]:
        """Yields every PDF in the trash."""
        for blob in self._backend.listed(TRASH):
            if (match := _TRASHED_KEY.fullmatch(blob.key)) and (day := _day(match["day"])):
                yield TrashedPdf(match["sha256"], day, blob.bytes, blob.age_seconds)

    def purge(self, trashed: TrashedPdf) -> None:
        """Deletes the PDF permanently, and its folder if that is empty and of a past day.

        Keeps the folder of today: another process may be about to move a PDF into it.
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
    """Moves those of the PDFs to the trash that no document uses; returns their digests.

    `in_use` queries the database. It is called again after the move, and PDFs that an upload has
    started to use in between are moved back. Raises Unavailable.
    """
    candidates = set(digests)
    unused = candidates - await in_use(candidates)
    moved = [
        sha256 for sha256 in sorted(unused) if await asyncio.to_thread(blobs.trash_pdf, sha256)
    ]
    needed = await in_use(moved) if moved else set()
    for sha256 in needed:
        await asyncio.to_thread(blobs.restore_pdf, sha256)
    return [sha256 for sha256 in moved if sha256 not in needed]


def pdf_key(sha256: str) -> str:
    """Returns the key of a PDF: `pdf/ab/<sha256>.pdf`.

    There are 256 folders, so that few uploads have to create one.
    """
    return f"{PDFS}/{sha256[:2]}/{sha256}.pdf"


def _trash_key(sha256: str, day: date) -> str:
    return f"{TRASH}/{day.isoformat()}/{sha256}.pdf"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
