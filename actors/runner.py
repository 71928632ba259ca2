"""Runs micro-batches of one lane or of several, each as one bounded Dataset."""

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
    """Drives the Datasets of its lanes. Remembers nothing: kill it and its tasks are queued again.

    The first of the plans is the one that a tiny paper warms up.
    """

    def __init__(self, plans: Sequence[LaneConfig]) -> None:
        self.plans = {plan.lane: plan for plan in plans}
        plan = plans[0]
        from ray.data import DataContext  # here: whoever starts a runner need not load Ray Data

        from runtime.patches import ray_data as lean

        if not plan.can_grow:
            lean.never_scale()
        if not plan.statistics:
            lean.keep_no_statistics()
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        # Ray deprecates `max_retries` of a stage without another way; the default is for ever.
        warnings.filterwarnings("ignore", message=".*ray_remote_args.*")

    def __repr__(self) -> str:
        """The name on the Ray dashboard and in front of its log lines."""
        return f"Runner({', '.join(self.plans)})"

    def run(self, lane: Lane, tasks: Sequence[Task]) -> Iterator[TaskResult]:
        """The outcome of each task as it comes."""
        from pipelines.dataset import run

        yield from run(tasks, self.plans[lane])

    def warm_up(self) -> int:
        """Number of tiny papers that went through every step and left no trace.

        Raises RuntimeError with the reason when a step does not work.
        """
        from pipelines.dataset import run

        plan = next(iter(self.plans.values()))
        recipe = plan.recipe
        asyncio.run(blob_store(recipe).put_stream(_once(WARM_UP_PDF), len(WARM_UP_PDF)))
        at_once = max(1, int(plan.cpus / plan.num_cpus))
        quiet = replace(plan, listener=None)
        failures = []
        for outcome in run([_warm_up_task(plan.lane) for _ in range(at_once)], quiet):
            made = VersionRange(outcome.task.document_id, 1, outcome.task.version)
            run_remote(delete_versions, recipe, [made])
            failures += [outcome.failure] if outcome.failure else []
        if failures:
            raise RuntimeError(f"The warm-up failed: {failures[0].message}")
        return at_once

    def pid(self) -> int:
        """Process id."""
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
