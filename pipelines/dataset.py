"""A micro-batch as one Ray Data plan: read -> embed -> index, one row per task.

What is read depends on the task's step: the text layer, the scanned pages, tables and figures. An
error is a row with a failure in its `error` column, never a dropped block. Rows carry ids and what
the next stage needs, not the PDF. On one machine all is one map stage: between two stages Ray Data
builds a block of the row, also where it fuses them, which costs 30 ms a border. On a GPU cluster
embedding gets tasks of its own, which only wait for the actors.
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
from domain.jobs import Lane, Progress, Step, StepResult, Task
from pipelines.config import blob_store, vector_store
from pipelines.plan import LaneConfig, TaskResult
from runtime.niceness import lower_cpu_priority

log = logging.getLogger(__name__)

Row = dict[str, Any]
REPORT_EVERY_SECONDS = 0.25
WAITING_CPUS = 0.05  # of a task that only waits for an actor
TRIES_AFTER_A_CRASH = 2
LANE_READS = {Lane.OCR: "ocr", Lane.LAYOUT: "layout"}
BATCHES_IN_FLIGHT = 2  # per embedder: one at work, one on its way


def run(tasks: Sequence[Task], plan: LaneConfig) -> Iterator[TaskResult]:
    """The outcome of each task as it comes; a bounded Dataset, one block per task."""
    dataset = ray.data.from_items(
        [{"task": task} for task in tasks], override_num_blocks=len(tasks)
    )
    options = dataset.context.execution_options
    options.resource_limits = options.resource_limits.copy(cpu=plan.cpus)
    for stage, num_cpus in stages(plan):
        dataset = dataset.map(
            stage, fn_kwargs={"plan": plan}, num_cpus=num_cpus, max_retries=TRIES_AFTER_A_CRASH
        )
    for row in dataset.iter_rows():
        yield TaskResult(row["task"], row["finished"], row["error"])


def stages(plan: LaneConfig) -> list[tuple[Any, float]]:
    """The map stages of a lane, each with its share of a CPU."""
    if not plan.split_embed:
        return [(_named(read_embed_index, plan), plan.num_cpus)]
    return [(_named(read, plan), plan.num_cpus), (embed_index, WAITING_CPUS)]


def _named(
    stage: Callable[[Row, LaneConfig], Row], plan: LaneConfig
) -> Callable[[Row, LaneConfig], Row]:
    """The stage under the name that the dashboard shows: what this lane reads comes first."""
    what = LANE_READS.get(plan.lane, "read")

    def run_stage(row: Row, plan: LaneConfig) -> Row:
        return stage(row, plan)

    run_stage.__name__ = run_stage.__qualname__ = stage.__name__.replace("read", what, 1)
    return run_stage


def guarded(step: Callable[[Row, LaneConfig], Row]) -> Callable[[Row, LaneConfig], Row]:
    """The step, passing failed rows on and turning an exception into a failed row."""

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
    """Adds `prepared`: what was read, cut into chunks."""
    from pipelines.extract import extract_task

    report = Reporter(row["task"], plan)
    return {**row, "prepared": extract_task(row["task"], plan.recipe, report.pages)}


@guarded
def embed_index(row: Row, plan: LaneConfig) -> Row:
    """Leaves only `task`, `finished` and `error`: from here the paper can be found."""
    from pipelines.index import index_paper

    report = Reporter(row["task"], plan)
    report.read(row["prepared"].finished)
    finished = index_paper(
        row["task"],
        row["prepared"],
        lambda chunks: embed(chunks, plan, report),
        blobs=blob_store(plan.recipe),
        store=vector_store(plan.recipe),
        on_span=report.found,
    )
    return {"task": row["task"], "finished": finished, "error": None}


def embed(chunks: Sequence[Chunk], plan: LaneConfig, report: Reporter) -> np.ndarray:
    """The vectors of the chunks, (n, dimension), from the embedding actors."""
    from pipelines.embed import embed_texts

    vectors = embed_texts(
        [one.indexed_text for one in chunks],
        [one.tokens for one in chunks],
        lambda batches: encode_remotely(batches, plan),
        batch_tokens=plan.recipe.embed.batch_tokens,
        on_batch=report.chunks,
    )
    report.embedded += len(chunks)
    return vectors


def read_embed_index(row: Row, plan: LaneConfig) -> Row:
    """All of it, one after the other in one process."""
    return embed_index(read(row, plan), plan)


def encode_remotely(batches: Sequence[list[str]], plan: LaneConfig) -> Iterator[np.ndarray]:
    """The vectors of each batch, in order; every embedder has at most two of them at a time."""
    waiting: deque[ray.ObjectRef] = deque()
    window = BATCHES_IN_FLIGHT * len(plan.embedders)
    for number, batch in enumerate(batches):
        if len(waiting) == window:
            yield ray.get(waiting.popleft())
        embedder = plan.embedders[number % len(plan.embedders)]
        call = embedder.encode.options(concurrency_group=str(plan.lane))
        waiting.append(call.remote(batch, plan.lane))
    while waiting:
        yield ray.get(waiting.popleft())


class Reporter:
    """Tells the listener how far a task is, at most four times a second, and hears from it whether
    the task is still wanted; never waits.

    Only the first step tells of chunks: later ones add to a paper that can be searched already.
    """

    def __init__(self, task: Task, plan: LaneConfig) -> None:
        self.task = task
        self.listener = plan.listener
        self.tells_chunks = task.step is Step.READ_TEXT
        self.next_at = 0.0
        self.page_count = 0
        self.embedded = 0  # chunks of the spans before this one
        self.answer: ray.ObjectRef | None = None

    def pages(self, news: tuple[int, int] | None) -> None:
        """Pages read so far, of how many; None when there is nothing new. Raises LeaseLost."""
        done, total = news or (None, None)
        self._maybe(Progress(pages_done=done, pages_total=total), last=bool(news) and done == total)

    def read(self, finished: StepResult) -> None:
        """All pages are read; the chunks come next."""
        self.page_count = finished.pages
        chunks = finished.chunks if self.tells_chunks else None
        self.now(Progress(pages_done=finished.pages, chunks_total=chunks))

    def chunks(self, done: int) -> None:
        """Chunks of this span embedded so far. Raises LeaseLost."""
        self._maybe(Progress(chunks_done=self.embedded + done if self.tells_chunks else None))

    def found(self, done: int) -> None:
        """The first `done` chunks can be found; the others are on their way."""
        if self.tells_chunks:
            pages = self.page_count
            self.now(Progress(chunks_done=done, pages_total=pages, searchable=True))

    def now(self, progress: Progress) -> None:
        """Sent at once. Raises LeaseLost when the answer to an earlier word was that nobody wants
        the task any more."""
        if self.listener is None:
            return
        if self.answer is not None and ray.wait([self.answer], timeout=0)[0]:
            self._obey(self.answer)
        self.answer = self.listener.report.remote(self.task, progress)

    def _obey(self, answer: ray.ObjectRef) -> None:
        try:
            wanted = ray.get(answer)
        except RayError:  # the listener died; who comes after it decides
            wanted = True
        if not wanted:
            raise LeaseLost("The task was cancelled, or given to somebody else.")

    def _maybe(self, progress: Progress, last: bool = False) -> None:
        if last or time.monotonic() >= self.next_at:
            self.next_at = time.monotonic() + REPORT_EVERY_SECONDS
            self.now(progress)
