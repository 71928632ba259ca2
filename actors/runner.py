"""Runner: executes micro-batches of one or several lanes, each as one bounded Ray Dataset."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import os
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actors.store_tasks import delete_versions, run_remote
from domain.deletions import VersionRange
from domain.jobs import Lane, Task, TaskStatus
from pipelines.config import blob_store
from pipelines.lane_config import LaneConfig, TaskResult
from pipelines.rows import PaperRow
from runtime.garbage import keep_loaded
from stores.blobs.warmup_blob import WARM_UP_PDF, WARM_UP_SHA256

if TYPE_CHECKING:
    import ray.data

    from pipelines.stages import Stage

WARM_UP = "warm-up"
MAX_CRASH_RETRIES = 2  # of a stage whose worker process died


class Runner:
    """Executes the Datasets of its lanes. Stateless: if it is killed, its tasks are queued again.

    `warm_up` uses the first lane.
    """

    def __init__(self, lanes: Sequence[LaneConfig]) -> None:
        self.lanes = {lane.lane: lane for lane in lanes}
        from ray.data import DataContext  # lazy: the process that starts a runner must not load it

        from runtime.patches import ray_data

        ray_data.shorten_waits()
        if not lanes[0].can_grow:
            ray_data.disable_autoscaling()
        if lanes[0].statistics:
            ray_data.show_row_rates()
        else:
            ray_data.disable_statistics()
        self.numbers = {lane.lane: itertools.count() for lane in lanes}  # of their Datasets
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.max_errored_blocks = -1  # a worker that dies ends its own papers, not the Dataset
        context.memory_usage_poll_interval_s = None  # else each task starts a thread for it
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        # Ray deprecated `max_retries` of a stage without a replacement; the default is unlimited.
        warnings.filterwarnings("ignore", message=".*ray_remote_args.*")

    def __repr__(self) -> str:
        """Name on the Ray dashboard and prefix of the log lines."""
        return f"Runner({', '.join(self.lanes)})"

    def run(
        self, lane: Lane, tasks: Sequence[Task], cpus: float | None = None, per_task: int = 1
    ) -> Iterator[Sequence[TaskResult]]:
        """Yields the results as they arrive; a bounded Dataset with `per_task` papers in a block.

        Papers whose worker process dies have no result. `cpus`: limit for this Dataset; None: that
        of the lane's configuration.
        """
        from runtime.patches.ray_data import name_dataset

        config = self.lanes[lane] if cpus is None else replace(self.lanes[lane], cpus=cpus)
        dataset = _make_dataset(config, tasks, self.stages(lane), per_task)
        name_dataset(dataset, _dataset_name(lane, tasks), next(self.numbers[lane]))
        for papers in _blocks(dataset):
            yield [TaskResult(paper.task, paper.finished, paper.failure) for paper in papers]

    def stages(self, lane: Lane) -> Sequence[tuple[Stage, float]]:
        """Returns the map stages of the lane, each with its share of a CPU."""
        from pipelines.stages import make_stages

        return make_stages(self.lanes[lane])

    def warm_up(self) -> int:
        """Runs small warm-up papers through all steps and deletes what they stored.

        Returns the number of papers. Raises RuntimeError with the reason if a step fails.
        """
        lane = next(iter(self.lanes.values()))
        asyncio.run(blob_store(lane.config).put_stream(_once(WARM_UP_PDF), len(WARM_UP_PDF)))
        tasks = [_warm_up_task(lane.lane) for _ in range(_warm_up_papers(lane))]
        groups = Runner([replace(lane, listener=None)]).run(lane.lane, tasks)
        outcomes = list(itertools.chain.from_iterable(groups))
        written = [VersionRange(task.document_id, 1, task.version) for task in tasks]
        run_remote(delete_versions, lane.config, written)
        _check_warm_up(outcomes, len(tasks))
        keep_loaded()
        return len(tasks)

    def pid(self) -> int:
        """Returns the process id."""
        return os.getpid()


def _make_dataset(
    config: LaneConfig, tasks: Sequence[Task], stages: Sequence[tuple[Stage, float]], per_task: int
) -> ray.data.Dataset:
    """Returns the Dataset that runs the stages of the lane on the tasks; nothing runs yet."""
    import ray.data

    rows = [PaperRow(task).dump() for task in tasks]
    dataset = ray.data.from_items(rows, override_num_blocks=math.ceil(len(rows) / per_task))
    options = dataset.context.execution_options
    options.resource_limits = options.resource_limits.copy(cpu=config.cpus)
    for stage, num_cpus in stages:
        arguments = {"lane": config}
        dataset = dataset.map(
            stage, fn_kwargs=arguments, num_cpus=num_cpus, max_retries=MAX_CRASH_RETRIES
        )
    return dataset


def _warm_up_papers(lane: LaneConfig) -> int:
    """Returns the number of papers that the lane reads at once on the present nodes.

    More would wait for each other, or make Ray add nodes for a warm-up.
    """
    import ray

    cpus = min(lane.cpus, ray.cluster_resources().get("CPU", 0))
    return max(1, int(cpus / lane.num_cpus))


def _blocks(dataset: ray.data.Dataset) -> Iterator[Sequence[PaperRow]]:
    """Executes the Dataset; yields the rows of its blocks as they arrive.

    `Dataset.iter_rows` yields the same, but starts four threads that prefetch and form batches.
    """
    import ray

    for bundle in dataset.iter_internal_ref_bundles():
        for entry in bundle.blocks:
            block: Any = ray.get(entry.ref)  # an Arrow table  # pyright: ignore
            yield [PaperRow.load(row) for row in block.to_pylist()]


def _check_warm_up(outcomes: Sequence[TaskResult], expected: int) -> None:
    """Raises RuntimeError with the reason if a paper failed or has no result."""
    if failures := [outcome.failure for outcome in outcomes if outcome.failure]:
        raise RuntimeError(f"The warm-up failed: {failures[0].message}")
    if len(outcomes) < expected:
        raise RuntimeError("The warm-up failed: a worker process died.")


def _dataset_name(lane: Lane, tasks: Sequence[Task]) -> str:
    return f"{WARM_UP}-{lane}" if tasks[0].job_id == WARM_UP else str(lane)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _warm_up_task(lane: Lane) -> Task:
    return Task(
        task_id=uuid.uuid4(),
        job_id=WARM_UP,
        document_id=f"{WARM_UP}-{uuid.uuid4().hex[:12]}",
        collection=WARM_UP,
        version=1,
        sha256=WARM_UP_SHA256,
        filename="warm-up.pdf",
        lane=lane,
        status=TaskStatus.RUNNING,
        created_at=datetime.now(UTC),
    )
