"""Files that lie on disk -> blob store -> job: how folders get in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from domain.errors import RefusedUpload
from domain.jobs import Lane, Upload, new_job_id
from domain.labels import filename_label
from stores.blob_store import BlobStore
from stores.job_store import ADMISSION_SECONDS, JobStore

log = logging.getLogger(__name__)
FILES_PER_TRANSACTION = 200
PART_SECONDS = ADMISSION_SECONDS / 4


def pdfs_under(folder: Path) -> list[Path]:
    """Every file named *.pdf in the folder and below, in order of path, upper case endings too."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")


async def register_files(
    paths: Sequence[Path],
    *,
    collection: str,
    lane: Lane,
    blobs: BlobStore,
    jobs: JobStore,
    limit_bytes: int,
    kind: str = "folder",
    on_registered: Callable[[int], None] | None = None,
) -> str:
    """Id of the job that holds the files; each is stored, then admitted with some hundred others.

    `on_registered` hears how many are in so far. A file that is refused is logged and left out.
    Raises RefusedUpload when not one is accepted.
    """
    job_id = new_job_id()
    admit = partial(jobs.admit, collection, kind=kind, lane=lane, job_id=job_id)
    parts = _Parts(admit, on_registered)
    refused: RefusedUpload | None = None
    for path in paths:
        if parts.is_due:
            await parts.send(more_to_come=True)
        try:
            parts.waiting.append(await asyncio.to_thread(store_file, path, blobs, limit_bytes))
        except RefusedUpload as error:
            log.warning("%s was refused: %s", path, error, extra={"action": "refused"})
            refused = error
    if not parts.accepted:
        raise refused or RefusedUpload("There is no PDF among the given files.")
    await parts.send(more_to_come=False)
    return job_id


@dataclass(slots=True)
class _Parts:
    """A job that is admitted part by part; a part in time keeps it open, even an empty one."""

    admit: Callable[..., Awaitable[object]]
    on_registered: Callable[[int], None] | None
    waiting: list[Upload] = field(default_factory=list)
    registered: int = 0
    sent_at: float = field(default_factory=monotonic)

    @property
    def accepted(self) -> int:
        return self.registered + len(self.waiting)

    @property
    def is_due(self) -> bool:
        """True when the part is full, or files came so slowly that the job would be given up."""
        is_late = monotonic() - self.sent_at > PART_SECONDS and self.accepted > 0
        return is_late or len(self.waiting) >= FILES_PER_TRANSACTION

    async def send(self, more_to_come: bool) -> None:
        await self.admit(uploads=self.waiting, more_to_come=more_to_come)
        self.registered, self.waiting, self.sent_at = self.accepted, [], monotonic()
        if self.on_registered:
            self.on_registered(self.registered)


def store_file(path: Path, blobs: BlobStore, limit_bytes: int) -> Upload:
    """The file at rest in the blob store. Raises RefusedUpload, BlobStoreUnavailable."""
    stored = blobs.put_file(path, limit_bytes)
    return Upload(filename_label(path.name), stored.sha256, stored.bytes)
