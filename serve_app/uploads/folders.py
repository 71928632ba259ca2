"""Registers files on disk as a job: stores them in the blob store and admits them in batches."""

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
BATCH_FILES = 200
MAX_BATCH_SECONDS = ADMISSION_SECONDS / 4
QUEUE_POLL_SECONDS = 2.0  # poll interval while the queue of the collection is full
# Blobs that were not admitted for this long are stored again, or they would count as orphans.
RENEW_BLOBS_SECONDS = ORPHAN_AFTER_SECONDS / 4


def pdfs_under(folder: Path) -> list[Path]:
    """Returns all *.pdf files below the folder (any letter case), sorted by path."""
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
    """Stores the files, admits them in batches of up to 200, and returns the id of their job.

    `on_registered` is called with the number of admitted files after each batch. While the queue of
    the collection is full, admission waits (backpressure) and `on_waiting` is called instead.
    Rejected files are logged and skipped. Raises RefusedUpload if no file is accepted.
    """
    job_id = new_job_id()
    admit = partial(jobs.admit, collection, kind=kind, lane=lane, job_id=job_id)
    store = partial(store_file, blobs=blobs, limit_bytes=limit_bytes)
    batches = _BatchedAdmission(admit, store, on_registered, on_waiting)
    refused: RefusedUpload | None = None
    for path in paths:
        if batches.is_due:
            await batches.admit_batch(more_to_come=True)
        try:
            await batches.add(path)
        except RefusedUpload as error:
            log.warning("Rejected %s: %s", path, error, extra={"action": "refused"})
            refused = error
    if not batches.accepted:
        raise refused or RefusedUpload("The given files contain no PDF.")
    await batches.admit_batch(more_to_come=False)
    return job_id


@dataclass(slots=True)
class _BatchedAdmission:
    """Admits the files of one job in batches.

    Regular batches keep the job open. An empty batch is enough.
    """

    admit: Callable[..., Awaitable[object]]
    store: Callable[[Path], Upload]
    on_registered: Callable[[int], None] | None
    on_waiting: Callable[[int], None] | None
    stored: dict[Path, Upload] = field(default_factory=dict)
    registered: int = 0
    last_batch_at: float = field(default_factory=monotonic)
    last_stored_at: float = field(default_factory=monotonic)

    @property
    def accepted(self) -> int:
        return self.registered + len(self.stored)

    @property
    def is_due(self) -> bool:
        """True if the batch is full, or the job would soon count as abandoned."""
        is_late = monotonic() - self.last_batch_at > MAX_BATCH_SECONDS and self.accepted > 0
        return is_late or len(self.stored) >= BATCH_FILES

    async def add(self, path: Path) -> None:
        """Stores the file and adds it to the next batch. Raises RefusedUpload."""
        self.stored[path] = await asyncio.to_thread(self.store, path)
        self.last_stored_at = monotonic()

    async def admit_batch(self, more_to_come: bool) -> None:
        """Admits the stored files; waits while the queue of the collection is full."""
        while not await self._try_admit(more_to_come):
            await self._wait_for_queue()
        self.registered, self.stored, self.last_batch_at = self.accepted, {}, monotonic()
        if self.on_registered:
            self.on_registered(self.registered)

    async def _try_admit(self, more_to_come: bool) -> bool:
        try:
            uploads = list(self.stored.values())
            await self.admit(uploads=uploads, more_to_come=more_to_come)
        except QueueFull:
            return False
        return True

    async def _wait_for_queue(self) -> None:
        """Waits for one poll interval and keeps the job and its blobs alive."""
        if self.registered:
            await self.admit(uploads=[], more_to_come=True)
        if self.on_waiting:
            self.on_waiting(self.registered)
        await asyncio.sleep(QUEUE_POLL_SECONDS)
        if monotonic() - self.last_stored_at > RENEW_BLOBS_SECONDS:
            await self._renew_blobs()

    async def _renew_blobs(self) -> None:
        """Stores the files again, so that the reconciler does not delete them as orphans."""
        for path in list(self.stored):
            with suppress(RefusedUpload):  # the file was removed since; its stored blob is valid
                await self.add(path)


@dataclass(frozen=True, slots=True)
class FolderUploads:
    """Registers PDFs that lie on disk, with the stores and the limits of one service.

    `serve_app.bulk` and `submit` of the deployment share it; `wake` notifies the JobManager.
    """

    blobs: BlobStore
    jobs: JobStore
    limit_bytes: int
    wake: Callable[[Lane], object]

    async def register(
        self,
        paths: Sequence[Path],
        collection: str,
        lane: Lane = Lane.BULK,
        *,
        on_registered: Callable[[int], None] | None = None,
        on_waiting: Callable[[int], None] | None = None,
    ) -> str:
        """Returns the id of the job that holds the files; see `register_files`."""

        def notify(count: int) -> None:
            self.wake(lane)
            if on_registered:
                on_registered(count)

        return await register_files(
            paths,
            collection=collection,
            lane=lane,
            blobs=self.blobs,
            jobs=self.jobs,
            limit_bytes=self.limit_bytes,
            on_registered=notify,
            on_waiting=on_waiting,
        )


def store_file(path: Path, blobs: BlobStore, limit_bytes: int) -> Upload:
    """Stores the file in the blob store. Raises RefusedUpload, BlobStoreUnavailable."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise RefusedUpload(f"{path} cannot be read: {error.strerror}.") from error
    stored = blobs.put_file(path, limit_bytes)
    return Upload(filename_label(path.name), stored.sha256, stored.bytes)
