"""Runner: executes micro-batches of one or several lanes, each as one bounded Ray Dataset."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from actors.store_tasks import delete_versions, run_remote
from domain.deletions import VersionRange
from domain.jobs import Lane, Task, TaskStatus
from pipelines.config import blob_store
from pipelines.plan import LaneConfig, TaskResult
from stores.blobs.warmup_blob import WARM_UP_PDF, WARM_UP_SHA256

WARM_UP = "warm-up"


class Runner:
    """Executes the Datasets of its lanes. Stateless: if it is killed, its tasks are queued again.

    `warm_up` uses the first plan.
    """

    def __init__(self, plans: Sequence[LaneConfig]) -> None:
        self.plans = {plan.lane: plan for plan in plans}
        plan = plans[0]
        from ray.data import DataContext  # lazy: the process that starts a runner must not load it

        from runtime.patches import ray_data

        if not plan.can_grow:
            ray_data.disable_autoscaling()
        if not plan.statistics:
            ray_data.disable_statistics()
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        # Ray deprecated `max_retries` of a stage without a replacement; the default is unlimited.
        warnings.filterwarnings("ignore", message=".*ray_remote_args.*")

    def __repr__(self) -> str:
        """Name on the Ray dashboard and prefix of the log lines."""
        return f"Runner({', '.join(self.plans)})"

    def run(self, lane: Lane, tasks: Sequence[Task]) -> Iterator[TaskResult]:
        """Yields the result of each task as it arrives."""
        from pipelines.dataset import run

        yield from run(tasks, self.plans[lane])

    def warm_up(self) -> int:
        """Runs small warm-up papers through all steps and deletes what they stored.

        Returns the number of papers. Raises RuntimeError with the reason if a step fails.
        """
        from pipelines.dataset import run

        plan = next(iter(self.plans.values()))
        config = plan.config
        asyncio.run(blob_store(config).put_stream(_once(WARM_UP_PDF), len(WARM_UP_PDF)))
        papers = max(1, int(plan.cpus / plan.num_cpus))
        without_listener = replace(plan, listener=None)
        failures = []
        for outcome in run([_warm_up_task(plan.lane) for _ in range(papers)], without_listener):
            written = VersionRange(outcome.task.document_id, 1, outcome.task.version)
            run_remote(delete_versions, config, [written])
            failures += [outcome.failure] if outcome.failure else []
        if failures:
            raise RuntimeError(f"The warm-up failed: {failures[0].message}")
        return papers

    def pid(self) -> int:
        """Returns the process id."""
        return os.getpid()


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
