"""Uploads into a service under fault injection; failed requests are repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from serve_app.client import Client, PaperworksProblem

UNAVAILABLE = (0, 429, 503)  # no connection; full queue; unavailable component
SINGLE_UPLOAD_EVERY = 10  # every tenth paper is a job of its own

Result = TypeVar("Result")


class Ingest:
    """Uploads a folder as one job, and meanwhile every tenth paper as a separate job."""

    def __init__(self, url: str, papers: Sequence[Path], collection: str, pause: float) -> None:
        self.library = Client(url)
        self.collection = collection
        self.papers = len(papers)
        self.completed = 0
        self.jobs: list[str] = []
        self.single, self.folder = (
            papers[::SINGLE_UPLOAD_EVERY],
            [paper for number, paper in enumerate(papers) if number % SINGLE_UPLOAD_EVERY],
        )
        self.pause = pause
        self.thread = threading.Thread(target=self._upload_singles, daemon=True)

    def start(self) -> None:
        """Returns when the folder is accepted; a thread uploads the other papers."""
        self.jobs.append(self.library.upload_many(self.folder, self.collection).job_id)
        self.thread.start()

    def count_completed(self) -> int:
        """Returns the number of completed papers; the last known one if the API is unavailable."""
        try:
            jobs = self.library.jobs(collection=self.collection, limit=200).items
            self.completed = sum(job.counts.completed for job in jobs)
        except PaperworksProblem as problem:
            if problem.status not in UNAVAILABLE:
                raise
        return self.completed

    def is_finished(self) -> bool:
        """True if every paper was accepted and every job has ended."""
        if self.thread.is_alive():
            return False
        return all(
            retry_while_unavailable(lambda job=job: self.library.job(job)).is_final
            for job in self.jobs
        )

    def _upload_singles(self) -> None:
        for paper in self.single:
            time.sleep(self.pause)
            accepted = retry_while_unavailable(
                lambda paper=paper: self.library.upload(paper, self.collection)
            )
            self.jobs.append(accepted.job_id)


def retry_while_unavailable(request: Callable[[], Result], timeout_seconds: float = 120) -> Result:
    """Returns the result of the request, repeated while the service is unavailable.

    Raises PaperworksProblem for another error, or after `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            return request()
        except PaperworksProblem as problem:
            if problem.status not in UNAVAILABLE or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
