"""Papers on their way into a service that is being hurt: uploads that do not give up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from serve_app.client import Client, PaperworksProblem

AWAY = (0, 429, 503)  # nothing answers; the queue is full; something is away
ONE_BY_ONE = 10  # one paper of so many is uploaded by itself, while the others are at work

Answer = TypeVar("Answer")


class Ingest:
    """A folder as one job, and every tenth paper as a job of its own while that is at work."""

    def __init__(self, url: str, papers: Sequence[Path], collection: str, pause: float) -> None:
        self.library = Client(url)
        self.collection = collection
        self.papers = len(papers)
        self.done = 0
        self.jobs: list[str] = []
        self.single, self.folder = (
            papers[::ONE_BY_ONE],
            [paper for number, paper in enumerate(papers) if number % ONE_BY_ONE],
        )
        self.pause = pause
        self.thread = threading.Thread(target=self._upload_singles, daemon=True)

    def start(self) -> None:
        """Returns when the folder has been accepted; the other papers follow."""
        self.jobs.append(self.library.upload_many(self.folder, self.collection).job_id)
        self.thread.start()

    def look(self) -> int:
        """Papers that are completed, as far as anybody can tell at the moment."""
        try:
            jobs = self.library.jobs(collection=self.collection, limit=200).items
            self.done = sum(job.counts.completed for job in jobs)
        except PaperworksProblem as problem:
            if problem.status not in AWAY:
                raise
        return self.done

    def is_over(self) -> bool:
        """True when everything was accepted and no job has anything left to do."""
        if self.thread.is_alive():
            return False
        return all(patiently(lambda job=job: self.library.job(job)).is_final for job in self.jobs)

    def _upload_singles(self) -> None:
        for paper in self.single:
            time.sleep(self.pause)
            accepted = patiently(lambda paper=paper: self.library.upload(paper, self.collection))
            self.jobs.append(accepted.job_id)


def patiently(ask: Callable[[], Answer], within_seconds: float = 120) -> Answer:
    """What is answered as soon as the service can. Raises PaperworksProblem when it cannot."""
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            return ask()
        except PaperworksProblem as problem:
            if problem.status not in AWAY or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
