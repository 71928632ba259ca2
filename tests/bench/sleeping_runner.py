"""A runner whose papers sleep instead of being read: what remains is the control plane."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from actors.lane_share import BatchSize
from actors.runner import Runner
from actors.runner_handle import RayRunner
from domain.documents import Chunk
from domain.jobs import Lane, StepResult, Task
from domain.papers import Metadata
from pipelines.config import blob_store
from pipelines.extracted_paper import ExtractedPaper
from pipelines.index import index_paper
from pipelines.lane_config import LaneConfig, TaskResult
from pipelines.progress import ProgressReporter
from pipelines.rows import PaperRow, Row
from pipelines.stages import Stage
from tests.fakes.fake_encoder import FakeEncoder
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.records import make_chunk, make_task

READ_SECONDS = 0.2
CHUNKS = 5
ARTIFACT = b"x" * 20_000  # bytes of a typical artifact of ten pages
DIMENSION = 64


class SleepingRunner(Runner):
    """Its stage sleeps for READ_SECONDS, then indexes a few chunks in memory and on the disk."""

    def stages(self, lane: Lane) -> Sequence[tuple[Stage, float]]:
        """Returns the only stage."""
        return [(sleep_and_index, self.lanes[lane].num_cpus)]

    def warm_up(self) -> int:
        """Starts a worker process for each CPU of the lane; returns the number of papers."""
        lane = next(iter(self.lanes.values()))
        tasks = [make_task(document_id=f"warm_{n}") for n in range(int(lane.cpus / lane.num_cpus))]
        groups = SleepingRunner([replace(lane, listener=None)]).run(lane.lane, tasks)
        return sum(len(outcomes) for outcomes in groups)


class SleepingRayRunner(RayRunner):
    """The handle of a SleepingRunner."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, runner=SleepingRunner)

    async def warm_up(self) -> None:
        """Returns when every worker process has run."""
        await self.actor.warm_up.remote()


class InstantRunner:
    """A runner without Ray: every task ends at once."""

    async def run(
        self, _lane: Lane, tasks: Sequence[Task], _busy: Collection[Lane] = ()
    ) -> AsyncIterator[Sequence[TaskResult]]:
        """Yields the results of all tasks."""
        yield [TaskResult(task, finished(task), None) for task in tasks]

    async def batch_size(self, _lane: Lane) -> BatchSize:
        """Returns micro-batches that do not wait for each other."""
        return BatchSize(256, 256)

    async def warm_up(self) -> None:
        """Does nothing."""

    async def pid(self) -> int:
        """Returns 0: there is no process."""
        return 0

    def close(self) -> None:
        """Does nothing."""


def sleep_and_index(row: Row, lane: LaneConfig) -> Row:
    """A map function on rows, like those of pipelines/stages.py."""
    task = PaperRow.load(row).task
    reporter = ProgressReporter(task, lane)
    reporter.pages_read((0, 1))
    time.sleep(READ_SECONDS)
    paper = ExtractedPaper(chunks_of(task), ARTIFACT, finished(task))
    reporter.read_completed(paper.finished)
    done = index_paper(task, paper, _embed, blobs=blob_store(lane.config), store=_vectors())
    return PaperRow(task, finished=done).dump()


def finished(task: Task) -> StepResult:
    """Returns the result of the task."""
    return StepResult(Metadata(task.filename), pages=1, chunks=CHUNKS)


def chunks_of(task: Task) -> list[Chunk]:
    """Returns the chunks of the paper."""
    return [make_chunk(task.document_id, n, f"{task.filename} {n}") for n in range(CHUNKS)]


def _embed(chunks: Sequence[Chunk]) -> np.ndarray:
    return FakeEncoder(DIMENSION).encode([chunk.indexed_text for chunk in chunks])


@cache
def _vectors() -> Any:
    return InMemoryVectorStore(DIMENSION)
