"""Registers the folder of one job, and continues what an earlier run has registered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from domain.errors import FolderWithoutPdf, RefusedUpload
from domain.folder_jobs import MAX_LISTED_REFUSALS, FolderJob, RefusedFile, Registration
from domain.jobs import Lane, Task
from domain.wording import plural
from stores.blobs.blob_store import BlobStore
from stores.folders.folder_upload import FolderFile, FolderUpload
from stores.folders.server_folders import find_folder
from stores.postgres.admission import admission_of
from stores.protocols import JobStore

BATCH_SECONDS = 2.0  # so that the first papers of a folder are read soon
MAX_TASKS = 10_000_000


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """The folders that the service may read, the size limit of a file, and the queue limit."""

    roots: Sequence[str] = ()
    upload_limit_bytes: int = 200 * 1024**2
    queue_limit: int | None = None


@dataclass(slots=True)
class FolderRegistration:
    """The registration of one folder. `confirm` is awaited in the transaction of each batch, and
    raises LeaseLost if the lease is over; then nothing of the batch is admitted."""

    job: FolderJob
    options: FolderOptions
    blobs: BlobStore
    jobs: JobStore
    wake: Callable[[Lane], object]
    confirm: Callable[[Registration], Awaitable[None]]
    _before: Registration = field(default_factory=Registration)
    _upload: FolderUpload | None = None
    _refused: list[RefusedFile] = field(default_factory=list)

    @property
    def progress(self) -> Registration:
        """The files that this and earlier runs have registered, and those that were refused."""
        if self._upload is None:
            job = self.job
            return Registration(job.registered, job.known, job.refused_files, job.refused)
        upload, before = self._upload, self._before
        return Registration(
            before.registered + upload.registered,
            before.known + upload.known,
            upload.refused,
            tuple(self._refused),
        )

    async def run(self) -> None:
        """Registers the files of the folder that the job does not have yet.

        Raises FolderNotFound, FolderNotAllowed, FolderUnreadable, FolderWithoutPdf, QuotaExceeded,
        Conflict for a job that was cancelled, LeaseLost, and Unavailable.
        """
        folder = await asyncio.to_thread(find_folder, self.job.folder, self.options.roots)
        files = await asyncio.to_thread(folder.files)
        if not files:
            raise FolderWithoutPdf("The folder contains no file whose name ends with .pdf.")
        tasks = await self.jobs.tasks(self.job.job_id, limit=MAX_TASKS)
        self._before = self._registered_before(tasks)
        upload = self._upload = self._new_upload(tasks)
        try:
            await upload.register(files)
        except RefusedUpload as error:  # no file of this run was accepted
            if not tasks and upload.refused:
                raise FolderWithoutPdf(
                    f"None of {plural(len(files), 'file')} was accepted; the job lists the refused "
                    "files with the reasons."
                ) from error

    def _registered_before(self, tasks: Sequence[Task]) -> Registration:
        """Returns what earlier runs have registered; a batch may be missing in their record."""
        known = sum(admission_of(task).duplicate_of is not None for task in tasks)
        return Registration(len(tasks), max(self.job.known, known))

    def _new_upload(self, tasks: Sequence[Task]) -> FolderUpload:
        return FolderUpload(
            self.blobs,
            self.jobs,
            self.options.upload_limit_bytes,
            self.wake,
            self.job.collection,
            on_refused=self._on_refused,
            before_commit=self._confirm,
            admitted=Counter((task.filename, task.sha256) for task in tasks),
            batch_seconds=BATCH_SECONDS,
            job_id=self.job.job_id,
        )

    async def _confirm(self) -> None:
        await self.confirm(self.progress)

    def _on_refused(self, file: FolderFile, error: RefusedUpload) -> None:
        if len(self._refused) < MAX_LISTED_REFUSALS:
            refused = RefusedFile(filename=str(file), code=error.code, detail=error.message)
            self._refused.append(refused)
