"""Files that lie on disk -> blob store -> job: how folders get in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from domain.errors import QueueFull, RefusedUpload
from domain.jobs import Lane, Upload, new_job_id
from domain.labels import filename_label
from stores.blobs.blob_store import BlobStore
from stores.consistency.compare import ORPHAN_AFTER_SECONDS
from stores.postgres.job_store import ADMISSION_SECONDS
from stores.protocols import JobStore

log = logging.getLogger(__name__)
FILES_PER_TRANSACTION = 200
PART_SECONDS = ADMISSION_SECONDS / 4
ROOM_SECONDS = 2.0  # between two looks whether a full collection has room again
RENEW_SECONDS = ORPHAN_AFTER_SECONDS / 4  # stored and not admitted for so long: stored once more


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
    on_waiting: Callable[[int], None] | None = None,
) -> str:
    """Id of the job that holds the files; each is stored, then admitted with some hundred others.

    `on_registered` hears how many are in so far. While the collection is full the others wait, and
    `on_waiting` hears that instead. A file that is refused is logged and left out. Raises
    RefusedUpload when not one is accepted.
    """
    job_id = new_job_id()
    admit = partial(jobs.admit, collection, kind=kind, lane=lane, job_id=job_id)
    store = partial(store_file, blobs=blobs, limit_bytes=limit_bytes)
    parts = _Parts(admit, store, on_registered, on_waiting)
    refused: RefusedUpload | None = None
    for path in paths:
        if parts.is_due:
            await parts.send(more_to_come=True)
        try:
            await parts.take(path)
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
    store: Callable[[Path], Upload]
    on_registered: Callable[[int], None] | None
    on_waiting: Callable[[int], None] | None
    waiting: dict[Path, Upload] = field(default_factory=dict)
    registered: int = 0
    sent_at: float = field(default_factory=monotonic)
    stored_at: float = field(default_factory=monotonic)

    @property
    def accepted(self) -> int:
        return self.registered + len(self.waiting)

    @property
    def is_due(self) -> bool:
        """True when the part is full, or files came so slowly that the job would be given up."""
        is_late = monotonic() - self.sent_at > PART_SECONDS and self.accepted > 0
        return is_late or len(self.waiting) >= FILES_PER_TRANSACTION

    async def take(self, path: Path) -> None:
        """The file is stored and waits to be admitted. Raises RefusedUpload."""
        self.waiting[path] = await asyncio.to_thread(self.store, path)
        self.stored_at = monotonic()

    async def send(self, more_to_come: bool) -> None:
        while not await self._is_in(more_to_come):
            await self._wait_for_room()
        self.registered, self.waiting, self.sent_at = self.accepted, {}, monotonic()
        if self.on_registered:
            self.on_registered(self.registered)

    async def _is_in(self, more_to_come: bool) -> bool:
        try:
            uploads = list(self.waiting.values())
            await self.admit(uploads=uploads, more_to_come=more_to_come)
        except QueueFull:
            return False
        return True

    async def _wait_for_room(self) -> None:
        """Returns after a while, in which the job stays open."""
        if self.registered:
            await self.admit(uploads=[], more_to_come=True)
        if self.on_waiting:
            self.on_waiting(self.registered)
        await asyncio.sleep(ROOM_SECONDS)
        if monotonic() - self.stored_at > RENEW_SECONDS:
            await self._store_again()

    async def _store_again(self) -> None:
        """Files that no job knows yet are young again, or the reconciliation takes them for left
        over."""
        for path in list(self.waiting):
            with suppress(RefusedUpload):  # it is gone by now; what was stored is good
                await self.take(path)


def store_file(path: Path, blobs: BlobStore, limit_bytes: int) -> Upload:
    """The file at rest in the blob store. Raises RefusedUpload, BlobStoreUnavailable."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise RefusedUpload(f"{path} cannot be read: {error.strerror}.") from error
    stored = blobs.put_file(path, limit_bytes)
    return Upload(filename_label(path.name), stored.sha256, stored.bytes)
