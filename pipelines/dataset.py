"""Runs a micro-batch as one Ray Data plan: read -> embed -> index, one row per task.

The task's step decides what is read: the text layer, the scanned pages, or tables and figures. An
error becomes a row with a failure in its `error` column, never a dropped block. Rows carry ids and
the input of the next stage, not the PDF. On one machine there is a single map stage: between two
stages Ray Data builds a block of the row, even for fused ones, which costs 30 ms per boundary. On a
GPU cluster embedding has its own stage, whose tasks only wait for the actors.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import ray
import ray.data
from ray.exceptions import RayError

from domain.documents import Chunk
from domain.errors import LeaseLost, PaperworksError, failure_of
from domain.jobs import FIRST_STEP, LANE_OF_STEP, Progress, StepResult, Task
from pipelines.config import blob_store, vector_store
from pipelines.plan import LaneConfig, TaskResult
from runtime.niceness import lower_cpu_priority

log = logging.getLogger(__name__)

Row = dict[str, Any]
REPORT_EVERY_SECONDS = 0.25
WAITING_CPUS = 0.05  # of a task that only waits for an actor
MAX_CRASH_RETRIES = 2  # of a stage whose worker process died
BATCHES_IN_FLIGHT = 2  # per embedder: one is encoded, one is in transit (backpressure)


def run(tasks: Sequence[Task], plan: LaneConfig) -> Iterator[TaskResult]:
    """Yields the results of the tasks as they complete; a bounded Dataset, one block per task."""
    dataset = ray.data.from_items(
        [{"task": task} for task in tasks], override_num_blocks=len(tasks)
    )
    options = dataset.context.execution_options
    options.resource_limits = options.resource_limits.copy(cpu=plan.cpus)
    for stage, num_cpus in stages(plan):
        dataset = dataset.map(
            stage, fn_kwargs={"plan": plan}, num_cpus=num_cpus, max_retries=MAX_CRASH_RETRIES
        )
    for row in dataset.iter_rows():
        yield TaskResult(row["task"], row["finished"], row["error"])


def stages(plan: LaneConfig) -> list[tuple[Any, float]]:
    """Returns the map stages of a lane, each with its share of a CPU."""
    if not plan.split_embed:
        return [(_named(read_embed_index, plan), plan.num_cpus)]
    return [(_named(read, plan), plan.num_cpus), (embed_index, WAITING_CPUS)]


def _named(
    stage: Callable[[Row, LaneConfig], Row], plan: LaneConfig
) -> Callable[[Row, LaneConfig], Row]:
    """The stage, renamed for the Ray dashboard so that its name begins with the lane's step."""
    name = str(plan.lane) if plan.lane in LANE_OF_STEP.values() else "read"

    def run_stage(row: Row, plan: LaneConfig) -> Row:
        return stage(row, plan)

    run_stage.__name__ = run_stage.__qualname__ = stage.__name__.replace("read", name, 1)
    return run_stage


def guarded(step: Callable[[Row, LaneConfig], Row]) -> Callable[[Row, LaneConfig], Row]:
    """Wraps a step: passes failed rows through and turns an exception into a failed row."""

    def run_step(row: Row, plan: LaneConfig) -> Row:
        lower_cpu_priority()
        if row.get("error") is not None:
            return row
        try:
            return step(row, plan)
        except Exception as error:
            _log_failure(row["task"], step.__name__, error)
            return {"task": row["task"], "finished": None, "error": failure_of(error)}

    run_step.__name__ = run_step.__qualname__ = step.__name__
    return run_step


def _log_failure(task: Task, step: str, error: Exception) -> None:
    expected = isinstance(error, PaperworksError)
    fields = {"action": "step_failed", "step": step, "task_id": str(task.task_id)}
    log.warning(
        "%s failed for %s: %s", step, task.document_id, error, extra=fields, exc_info=not expected
    )


@guarded
def read(row: Row, plan: LaneConfig) -> Row:
    """Adds the extracted paper with its chunks to the row as `extracted`."""
    from pipelines.extract import extract_task

    reporter = ProgressReporter(row["task"], plan)
    return {**row, "extracted": extract_task(row["task"], plan.config, reporter.pages_read)}


@guarded
def embed_index(row: Row, plan: LaneConfig) -> Row:
    """Embeds and indexes the extracted paper; the row keeps `task`, `finished` and `error` only."""
    from pipelines.index import index_paper

    reporter = ProgressReporter(row["task"], plan)
    reporter.read_completed(row["extracted"].finished)
    finished = index_paper(
        row["task"],
        row["extracted"],
        lambda chunks: embed(chunks, plan, reporter),
        blobs=blob_store(plan.config),
        store=vector_store(plan.config),
        on_span=reporter.chunks_searchable,
    )
    return {"task": row["task"], "finished": finished, "error": None}


def embed(chunks: Sequence[Chunk], plan: LaneConfig, reporter: ProgressReporter) -> np.ndarray:
    """Returns the vectors of the chunks from the embedding actors: (n, dimension)."""
    from pipelines.embed import embed_texts

    vectors = embed_texts(
        [chunk.indexed_text for chunk in chunks],
        [chunk.tokens for chunk in chunks],
        lambda batches: encode_remotely(batches, plan),
        batch_tokens=plan.config.embed.batch_tokens,
        on_batch=reporter.chunks_embedded,
    )
    reporter.embedded_before += len(chunks)
    return vectors


def read_embed_index(row: Row, plan: LaneConfig) -> Row:
    """Runs all steps of a task in one process."""
    return embed_index(read(row, plan), plan)


def encode_remotely(batches: Sequence[list[str]], plan: LaneConfig) -> Iterator[np.ndarray]:
    """Yields the vectors of each batch in order; at most two batches per embedder are in flight."""
    pending: deque[ray.ObjectRef] = deque()
    window = BATCHES_IN_FLIGHT * len(plan.embedders)
    for number, batch in enumerate(batches):
        if len(pending) == window:
            yield ray.get(pending.popleft())
        embedder = plan.embedders[number % len(plan.embedders)]
        call = embedder.encode.options(concurrency_group=str(plan.lane))
        pending.append(call.remote(batch, plan.lane))
    while pending:
        yield ray.get(pending.popleft())


class ProgressReporter:
    """Reports the progress of a task to the listener actor, without blocking.

    Periodic reports are throttled to four a second. The listener's reply says whether the lease of
    the task is still valid. Only the first step reports chunks: later steps add to a paper that is
    searchable already.
    """

    def __init__(self, task: Task, plan: LaneConfig) -> None:
        self.task = task
        self.listener = plan.listener
        self.reports_chunks = task.step is FIRST_STEP
        self.next_at = 0.0
        self.page_count = 0
        self.embedded_before = 0  # chunks of the spans before this one
        self.reply: ray.ObjectRef | None = None

    def pages_read(self, progress: tuple[int, int] | None) -> None:
        """Reports pages read and their total; None is a heartbeat. Raises LeaseLost."""
        done, total = progress or (None, None)
        is_last = bool(progress) and done == total
        self._send_throttled(Progress(pages_done=done, pages_total=total), is_last)

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

    def _send_throttled(self, progress: Progress, is_last: bool = False) -> None:
        if is_last or time.monotonic() >= self.next_at:
            self.next_at = time.monotonic() + REPORT_EVERY_SECONDS
            self.send(progress)
