"""What both clients offer for jobs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from domain.jobs import WaitFor
from serve_app.client import calls
from serve_app.client.calls import ApiRequest, Deadline, R
from serve_app.schemas import core as schemas

LOOK_SECONDS = 25.0  # one look at a job nobody watches; the service answers earlier when it ends


def _watched(on_progress: object) -> float:
    return 0.5 if on_progress else LOOK_SECONDS


class Jobs:
    """The part of `Client` that follows jobs and tells them what to do."""

    def job(
        self, job_id: str, wait_seconds: float = 0, until: WaitFor = WaitFor.DONE
    ) -> schemas.Job:
        """The job as soon as it has ended, or its papers can be found, or as it is after
        `wait_seconds` (60 at most)."""
        return self._send(calls.job(job_id, wait_seconds, until))

    def wait(
        self,
        job_id: str,
        timeout_seconds: float | None = None,
        on_progress: Callable[[schemas.Job], object] | None = None,
    ) -> schemas.Job:
        """The job when it has ended. Raises TimeoutError; `on_progress` sees it twice a second."""
        deadline = Deadline.after(timeout_seconds)
        while True:
            job = self.job(job_id, deadline.at_most(_watched(on_progress)))
            if on_progress:
                on_progress(job)
            if job.is_final:
                return job
            if deadline.has_passed:
                raise TimeoutError(f"{job_id} is still {job.status} after {timeout_seconds:g} s.")

    def jobs(
        self,
        *,
        status: str | None = None,
        collection: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> schemas.Listed[schemas.JobSummary]:
        """Jobs, newest first."""
        return self._send(
            calls.jobs(status=status, collection=collection, cursor=cursor, limit=limit)
        )

    def cancel(self, job_id: str, *, keep_chunks: bool = False) -> schemas.CancelAccepted:
        """Ends a job; what can be searched of papers read in part goes, or stays if so asked."""
        return self._send(calls.cancel(job_id, keep_chunks))

    def retry(self, job_id: str) -> schemas.RetryAccepted:
        """Takes up what failed or was cancelled; follow the same job."""
        return self._send(calls.retry(job_id))

    def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> schemas.Listed[schemas.IncompleteTask]:
        """Papers of a job that failed or have pages that could not be read, latest first."""
        return self._send(calls.failures(job_id, cursor=cursor, limit=limit))

    @abstractmethod
    def _send(self, call: ApiRequest[R]) -> R: ...


class AsyncJobs:
    """The part of `AsyncClient` that follows jobs and tells them what to do."""

    async def job(
        self, job_id: str, wait_seconds: float = 0, until: WaitFor = WaitFor.DONE
    ) -> schemas.Job:
        """As `Client.job`."""
        return await self._send(calls.job(job_id, wait_seconds, until))

    async def wait(
        self,
        job_id: str,
        timeout_seconds: float | None = None,
        on_progress: Callable[[schemas.Job], object] | None = None,
    ) -> schemas.Job:
        """As `Client.wait`."""
        deadline = Deadline.after(timeout_seconds)
        while True:
            job = await self.job(job_id, deadline.at_most(_watched(on_progress)))
            if on_progress:
                on_progress(job)
            if job.is_final:
                return job
            if deadline.has_passed:
                raise TimeoutError(f"{job_id} is still {job.status} after {timeout_seconds:g} s.")

    async def jobs(
        self,
        *,
        status: str | None = None,
        collection: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> schemas.Listed[schemas.JobSummary]:
        """As `Client.jobs`."""
        return await self._send(
            calls.jobs(status=status, collection=collection, cursor=cursor, limit=limit)
        )

    async def cancel(self, job_id: str, *, keep_chunks: bool = False) -> schemas.CancelAccepted:
        """As `Client.cancel`."""
        return await self._send(calls.cancel(job_id, keep_chunks))

    async def retry(self, job_id: str) -> schemas.RetryAccepted:
        """As `Client.retry`."""
        return await self._send(calls.retry(job_id))

    async def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> schemas.Listed[schemas.IncompleteTask]:
        """As `Client.failures`."""
        return await self._send(calls.failures(job_id, cursor=cursor, limit=limit))

    @abstractmethod
    async def _send(self, call: ApiRequest[R]) -> R: ...
