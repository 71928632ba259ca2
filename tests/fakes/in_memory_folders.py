"""A fake of `stores.postgres.folder_jobs.FolderJobs`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from domain.errors import Failure, LeaseLost
from domain.folder_jobs import CANCELLED, FolderJob, Registration
from stores.postgres.audit_log import actor
from tests.fakes.in_memory_state import State


class InMemoryFolderJobs:
    """Leases the registrations of folders."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.leased_until: dict[str, datetime] = {}

    async def open(self, job_id: str, folder: str, collection: str) -> None:
        """Like `FolderJobs.open`."""
        own = FolderJob(job_id=job_id, folder=folder, collection=collection, actor=actor())
        self.state.folders[job_id] = own

    async def get(self, job_id: str) -> FolderJob | None:
        """Like `FolderJobs.get`."""
        return self.state.folders.get(job_id)

    async def claim(self, lease_seconds: float) -> FolderJob | None:
        """Like `FolderJobs.claim`."""
        now = self.state.clock()
        for job in self.state.folders.values():
            until = self.leased_until.get(job.job_id)
            if job.finished_at is None and (until is None or until < now):
                self.leased_until[job.job_id] = now + timedelta(seconds=lease_seconds)
                return _set(self.state, job.job_id, lease_token=job.lease_token + 1)
        return None

    async def record(self, job: FolderJob, progress: Registration, lease_seconds: float) -> None:
        """Like `FolderJobs.record`."""
        self._change(job, **_columns(progress))
        self._lease(job, lease_seconds)

    async def release(self, job: FolderJob, delay_seconds: float = 0) -> None:
        """Like `FolderJobs.release`."""
        self._change(job)
        self._lease(job, delay_seconds)

    async def finish(
        self, job: FolderJob, progress: Registration, error: Failure | None = None
    ) -> None:
        """Like `FolderJobs.finish`."""
        ended = {"error": error, "finished_at": self.state.clock()}
        self._change(job, **_columns(progress), **ended)
        self.state.admitting_until.pop(job.job_id, None)
        self.state.close_if_done(job.job_id)

    def _change(self, job: FolderJob, **values: Any) -> None:
        current = self.state.folders[job.job_id]
        if current.finished_at is not None or current.lease_token != job.lease_token:
            raise LeaseLost
        _set(self.state, job.job_id, **values)

    def _lease(self, job: FolderJob, seconds: float) -> None:
        self.leased_until[job.job_id] = self.state.clock() + timedelta(seconds=seconds)


def stop_registration(state: State, job_id: str) -> None:
    """Like `stores.postgres.folder_jobs.stop_registration`."""
    folder = state.folders.get(job_id)
    if folder is not None and folder.finished_at is None:
        _set(state, job_id, finished_at=state.clock(), error=CANCELLED)


def _set(state: State, job_id: str, **values: Any) -> FolderJob:
    state.folders[job_id] = state.folders[job_id].model_copy(update=values)
    return state.folders[job_id]


def _columns(progress: Registration) -> dict[str, Any]:
    return asdict(progress) | {"refused": progress.refused}
