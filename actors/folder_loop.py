"""The loop that registers the folders of jobs, leased from PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from actors.folder_registration import FolderOptions, FolderRegistration
from actors.wake_signal import WakeSignal
from domain.errors import (
    Conflict,
    InvalidRequest,
    LeaseLost,
    PaperworksError,
    StoresDoNotMatch,
    Unavailable,
    failure_of,
)
from domain.folder_jobs import FolderJob, Registration
from domain.jobs import Lane
from stores.blobs.blob_store import BlobStore
from stores.postgres.audit_log import acting_as
from stores.protocols import FolderJobStore, JobStore

log = logging.getLogger(__name__)
PARALLEL = 2
"""Registrations at a time. Each may hold two database connections while it admits a batch."""
RECORD_SECONDS = 1.0
RETRY_SECONDS = 5.0  # delay after an error of a store


class FolderLoop:
    """Registers folders, PARALLEL at a time.

    A registration continues after the death of this process: another one claims it when its lease
    has expired, and skips the files that the job has.
    """

    def __init__(
        self,
        store: FolderJobStore,
        jobs: JobStore,
        blobs: BlobStore,
        options: FolderOptions,
        wake: Callable[[Lane], object],
        *,
        lease_seconds: float,
        poll_seconds: float,
    ) -> None:
        self.store = store
        self.jobs = jobs
        self.blobs = blobs
        self.options = options
        self.wake = wake
        self.lease_seconds = lease_seconds
        self.poll_seconds = poll_seconds
        self.signal = WakeSignal()
        self.may_claim = asyncio.Event()
        self.runs: set[asyncio.Task[None]] = set()
        self.draining = False

    async def run(self) -> None:
        """Registers folders until cancelled."""
        try:
            while True:
                await self.may_claim.wait()
                await self._start_next()
                await self.signal.sleep(self.poll_seconds)
        finally:
            for one in self.runs:
                one.cancel()

    async def drain(self) -> None:
        """Claims nothing more, stops the registrations and returns them to the queue."""
        self.draining = True
        runs = list(self.runs)
        for one in runs:
            one.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    async def _start_next(self) -> None:
        """Claims registrations for the free slots and starts them."""
        try:
            while len(self.runs) < PARALLEL and not self.draining:
                job = await self.store.claim(self.lease_seconds)
                if job is None:
                    return
                one = asyncio.get_running_loop().create_task(self.register(job))
                self.runs.add(one)
                one.add_done_callback(self.runs.discard)
        except Unavailable as error:
            log.warning("The registration of folders is postponed: %s", error)
        except Exception:
            log.exception("The claim of a folder failed; it stays in the queue")

    async def register(self, job: FolderJob) -> None:
        """Registers one folder to its end, or returns it to the queue after an error of a store."""
        confirm = partial(self._record, job)
        registration = FolderRegistration(
            job, self.options, self.blobs, self.jobs, self.wake, confirm
        )
        with acting_as(job.actor):
            try:
                await self._run(job, registration)
                await self.store.finish(job, registration.progress)
            except (LeaseLost, Conflict) as error:
                log.info("The registration of job %s was stopped: %s", job.job_id, error)
            except (Unavailable, StoresDoNotMatch) as error:
                log.warning("The registration of job %s is postponed: %s", job.job_id, error)
                await self._quietly(self.store.release(job, RETRY_SECONDS))
            except InvalidRequest as error:
                await self._fail(job, registration, error)
            except asyncio.CancelledError:
                await self._quietly(self.store.release(job))
                raise
            except Exception as error:
                log.exception("The registration of job %s failed", job.job_id)
                await self._fail(job, registration, error)

    async def _run(self, job: FolderJob, registration: FolderRegistration) -> None:
        """Runs the registration and records its progress meanwhile. Raises its error, LeaseLost."""
        work = asyncio.get_running_loop().create_task(registration.run())
        try:
            while not (await asyncio.wait({work}, timeout=RECORD_SECONDS))[0]:
                try:
                    await self._record(job, registration.progress)
                except Unavailable as error:
                    log.warning("Progress of job %s was not recorded: %s", job.job_id, error)
            work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _record(self, job: FolderJob, progress: Registration) -> None:
        await self.store.record(job, progress, self.lease_seconds)

    async def _fail(
        self, job: FolderJob, registration: FolderRegistration, error: Exception
    ) -> None:
        log.warning("The registration of job %s ended early: %s", job.job_id, error)
        ended = self.store.finish(job, registration.progress, failure_of(error))
        await self._quietly(ended)

    async def _quietly(self, change: Awaitable[None]) -> None:
        """Awaits a change of the row; after an error, its lease expires and it is claimed again."""
        try:
            await change
        except PaperworksError as error:
            log.warning("The state of a registration was not recorded: %s", error)
