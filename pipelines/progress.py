"""Progress reports of a stage to the JobManager."""

from __future__ import annotations

import time

import ray
from ray.exceptions import RayError

from domain.errors import LeaseLost
from domain.jobs import FIRST_STEP, Progress, StepResult, Task
from pipelines.lane_config import LaneConfig

REPORT_EVERY_SECONDS = 0.25


class ProgressReporter:
    """Reports the progress of a task to the listener actor, without blocking.

    Periodic reports are throttled to four a second; work that takes less time sends none. The
    listener's reply says whether the lease of the task is still valid. Only the first step reports
    chunks: later steps add to a paper that is searchable already.
    """

    def __init__(self, task: Task, lane: LaneConfig) -> None:
        self.task = task
        self.listener = lane.listener
        self.reports_chunks = task.step is FIRST_STEP
        self.next_at = time.monotonic() + REPORT_EVERY_SECONDS
        self.page_count = 0
        self.embedded_before = 0  # chunks of the spans before this one
        self.reply: ray.ObjectRef | None = None

    def pages_read(self, progress: tuple[int, int] | None) -> None:
        """Reports pages read and their total; None is a heartbeat. Raises LeaseLost.

        The end of reading is reported by `read_completed`.
        """
        done, total = progress or (None, None)
        self._send_throttled(Progress(pages_done=done, pages_total=total))

    def read_completed(self, finished: StepResult) -> None:
        """Reports that all pages are read and how many chunks there are. Raises LeaseLost."""
        self.page_count = finished.pages
        chunks = finished.chunks if self.reports_chunks else None
        self.send(Progress(pages_done=finished.pages, chunks_total=chunks))

    def chunks_embedded(self, done: int) -> None:
        """Reports the embedded chunks of this span. Raises LeaseLost."""
        total = self.embedded_before + done if self.reports_chunks else None
        self._send_throttled(Progress(chunks_done=total))

    def chunks_searchable(self, done: int) -> None:
        """Reports that the first `done` chunks are searchable. Raises LeaseLost."""
        if self.reports_chunks:
            pages = self.page_count
            self.send(Progress(chunks_done=done, pages_total=pages, searchable=True))

    def send(self, progress: Progress) -> None:
        """Sends a report immediately.

        Raises LeaseLost when the reply to an earlier report said that the lease is lost.
        """
        if self.listener is None:
            return
        if self.reply is not None and ray.wait([self.reply], timeout=0)[0]:
            self._check_reply(self.reply)
        self.reply = self.listener.report.remote(self.task, progress)

    def _check_reply(self, reply: ray.ObjectRef) -> None:
        try:
            has_lease = ray.get(reply)
        except RayError:  # the listener died; its successor decides
            has_lease = True
        if not has_lease:
            raise LeaseLost("The task was cancelled, or another worker holds its lease.")

    def _send_throttled(self, progress: Progress) -> None:
        if time.monotonic() >= self.next_at:
            self.next_at = time.monotonic() + REPORT_EVERY_SECONDS
            self.send(progress)
