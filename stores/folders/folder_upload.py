"""Registers files on disk as a job: stores them in the blob store and admits them in batches."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import IO, Protocol

from domain.errors import QueueFull, RefusedUpload
from domain.folder_jobs import FOLDER
from domain.jobs import Lane, Upload, new_job_id
from domain.labels import upload_label
from stores.blobs.blob_store import BlobStore
from stores.consistency.compare import ORPHAN_AFTER_SECONDS
from stores.postgres.admission import BeforeCommit, no_callback
from stores.postgres.job_store import ADMISSION_SECONDS
from stores.protocols import JobStore

log = logging.getLogger(__name__)
BATCH_FILES = 200
MAX_BATCH_SECONDS = ADMISSION_SECONDS / 4
QUEUE_POLL_SECONDS = 2.0  # poll interval while the queue of the collection is full
# Blobs that were not admitted for this long are stored again, or they would count as orphans.
RENEW_BLOBS_SECONDS = ORPHAN_AFTER_SECONDS / 4


class FolderFile(Protocol):
    """A file of a folder, such as a Path; hashable. Its string is its name in the log."""

    @property
    def name(self) -> str: ...
    def open(self, mode: str, /) -> IO[bytes]: ...


@dataclass(slots=True)
class FolderUpload:
    """One job of PDFs that lie on disk. `wake` notifies the JobManager of work in a lane.

    `on_registered` is called with the number of admitted files after each batch. While the queue of
    the collection is full, admission waits (backpressure) and `on_waiting` is called instead.
    Regular batches keep the job open. An empty batch is enough. `known` of the `registered` files
    were in the collection already; `refused` files are not among them, `on_refused` is called for
    each. A batch has files of at most `batch_seconds`.

    `admitted` counts the files of the job, by label and SHA-256, that a run before this one has
    admitted; they are skipped. `before_commit` is awaited in the transaction of each batch.
    """

    blobs: BlobStore
    jobs: JobStore
    limit_bytes: int
    wake: Callable[[Lane], object]
    collection: str
    lane: Lane = Lane.BULK
    on_registered: Callable[[int], object] = lambda _count: None
    on_waiting: Callable[[int], object] = lambda _count: None
    on_refused: Callable[[FolderFile, RefusedUpload], object] = lambda _file, _error: None
    before_commit: BeforeCommit = no_callback
    admitted: Counter[tuple[str, str]] = field(default_factory=Counter)
    batch_seconds: float | None = None
    job_id: str = field(default_factory=new_job_id)
    registered: int = 0
    known: int = 0
    refused: int = 0
    _stored: dict[FolderFile, Upload] = field(default_factory=dict)
    _last_batch_at: float = field(default_factory=monotonic)
    _last_stored_at: float = field(default_factory=monotonic)

    async def register(self, files: Iterable[FolderFile]) -> str:
        """Stores the files, admits them in batches of up to 200, and returns the id of their job.

        Rejected files are logged and skipped. Raises RefusedUpload if no file is accepted.
        """
        refused: RefusedUpload | None = None
        for file in files:
            if self._is_due:
                await self._admit_batch(more_to_come=True)
            try:
                await self._store(file)
            except RefusedUpload as error:
                log.warning("Rejected %s: %s", file, error, extra={"action": "refused"})
                refused, self.refused = error, self.refused + 1
                self.on_refused(file, error)
        if not self._accepted:
            raise refused or RefusedUpload("The given files contain no PDF.")
        await self._admit_batch(more_to_come=False)
        return self.job_id

    @property
    def _accepted(self) -> int:
        return self.registered + len(self._stored)

    @property
    def _is_due(self) -> bool:
        """True if the batch is full, or the job would soon count as abandoned."""
        limit = MAX_BATCH_SECONDS if self.batch_seconds is None else self.batch_seconds
        is_late = monotonic() - self._last_batch_at > limit and self._accepted > 0
        return is_late or len(self._stored) >= BATCH_FILES

    async def _store(self, file: FolderFile) -> None:
        """Stores the file and adds it to the next batch, or skips it. Raises RefusedUpload."""
        if upload := await asyncio.to_thread(self._put, file):
            self._stored[file] = upload
        self._last_stored_at = monotonic()

    def _put(self, file: FolderFile) -> Upload | None:
        """Returns the stored file, None if the job has it already."""
        try:
            file.open("rb").close()
        except OSError as error:
            raise RefusedUpload(f"{file} cannot be read: {error.strerror}.") from error
        label = upload_label(file.name)
        with self.blobs.stage_file(file, self.limit_bytes) as staged:
            if self.admitted[label, staged.blob.sha256]:
                self.admitted[label, staged.blob.sha256] -= 1
                return None
            blob = staged.commit()
        return Upload(label, blob.sha256, blob.bytes)

    async def _admit_batch(self, more_to_come: bool) -> None:
        """Admits the stored files; waits while the queue of the collection is full."""
        while True:
            with suppress(QueueFull):
                await self._admit(list(self._stored.values()), more_to_come)
                break
            await self._wait_for_queue()
        self.registered, self._stored, self._last_batch_at = self._accepted, {}, monotonic()
        self.wake(self.lane)
        self.on_registered(self.registered)

    async def _admit(self, uploads: list[Upload], more_to_come: bool) -> None:
        admitted = await self.jobs.admit(
            self.collection,
            uploads,
            kind=FOLDER,
            lane=self.lane,
            job_id=self.job_id,
            more_to_come=more_to_come,
            before_commit=self.before_commit,
        )
        self.known += sum(one.duplicate_of is not None for one in admitted)

    async def _wait_for_queue(self) -> None:
        """Waits for one poll interval and keeps the job and its blobs alive."""
        if self.registered:
            await self._admit([], more_to_come=True)
        self.on_waiting(self.registered)
        await asyncio.sleep(QUEUE_POLL_SECONDS)
        if monotonic() - self._last_stored_at > RENEW_BLOBS_SECONDS:
            # Otherwise the reconciler would delete the blobs as orphans.
            for file in list(self._stored):
                with suppress(RefusedUpload):  # the file was removed since; its blob is valid
                    await self._store(file)
