"""Runners as the JobManager sees them: an actor for some lanes, with its share of the CPUs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import ray

from actors.lane_share import BatchSize, batch_size, lane_cpus, papers_per_task, tasks_at_once
from actors.registry import ON_HEAD, embedders
from actors.runner import Runner
from configs.settings import LaneSettings, RaySettings
from domain.jobs import Lane, Task
from pipelines.config import PipelineConfig
from pipelines.lane_config import LaneConfig, TaskResult
from runtime.dashboard_mode import DashboardMode
from runtime.recent import Recent

CPUS_KNOWN_SECONDS = 5.0  # how long the number of CPUs is not asked for again
WARM_UP_PAPER_SECONDS = 120.0  # limit for a tiny paper in a fresh runner, once the model is loaded


class RayRunner:
    """The JobManager's handle of a Runner actor; the runner ends when its JobManager does."""

    def __init__(
        self,
        config: PipelineConfig,
        shared: Sequence[Lane],
        *,
        lanes: dict[Lane, LaneSettings],
        actors: int,
        cluster: RaySettings,
        runner: type[Runner] = Runner,
    ) -> None:
        self.lanes = lanes
        self.embedders = embedders(actors)
        self.cluster_cpus = Recent(partial(asyncio.to_thread, _cpus_now), CPUS_KNOWN_SECONDS)
        configs = [
            LaneConfig(
                config=replace(config, ocr_workers=_pages_at_once(lanes)),
                lane=lane,
                num_cpus=lanes[lane].num_cpus,
                cpus=lane_cpus(lanes, lane, _cpus_now()),
                split_embed=lanes[lane].split_embed,
                can_grow=cluster.can_grow,
                statistics=cluster.dashboard is DashboardMode.FULL,
                embedders=self.embedders,
                listener=ray.get_runtime_context().current_actor,
            )
            for lane in shared
        ]
        remote: Any = ray.remote(runner)
        self.actor = remote.options(num_cpus=0, max_concurrency=8, **ON_HEAD).remote(configs)

    async def run(
        self, lane: Lane, tasks: Sequence[Task], busy: Collection[Lane] = ()
    ) -> AsyncIterator[Sequence[TaskResult]]:
        """Yields the results of the tasks, those of one Ray task together.

        Raises the error that ended the runner or its Dataset.

        `busy`: the lanes with unfinished tasks, which keep their share of the CPUs.
        """
        total = await self.cluster_cpus.get()
        cpus = lane_cpus(self.lanes, lane, total, busy)
        per_task = papers_per_task(lane, tasks_at_once(self.lanes, lane, total), len(tasks))
        run = self.actor.run.options(num_returns="streaming")
        answers = run.remote(lane, tasks, cpus, per_task)
        async for reference in answers:
            yield await reference

    async def batch_size(self, lane: Lane) -> BatchSize:
        """Returns the size of a micro-batch of the lane on the present cluster."""
        return batch_size(self.lanes, lane, await self.cluster_cpus.get())

    async def warm_up(self) -> None:
        """Returns when a tiny paper went through every step.

        Raises TimeoutError when it is stuck, though the embedders have loaded their model: a fresh
        runner may do better.
        """
        await asyncio.gather(*(embedder.dimension.remote() for embedder in self.embedders))
        try:
            await asyncio.wait_for(self.actor.warm_up.remote(), WARM_UP_PAPER_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(
                f"no tiny paper came through in {WARM_UP_PAPER_SECONDS:g} s"
            ) from error

    async def pid(self) -> int:
        """Process id of the runner."""
        return await self.actor.pid.remote()

    def close(self) -> None:
        """Ends the runner and the tasks that it owns."""
        ray.kill(self.actor)


def _cpus_now() -> float:
    """Returns the number of CPUs that Ray schedules; it changes as nodes come and go."""
    return ray.cluster_resources().get("CPU", 1.0)


def _pages_at_once(lanes: Mapping[Lane, LaneSettings]) -> int:
    """Returns the number of pages that one OCR task processes in parallel: one per core."""
    tasks = tasks_at_once(lanes, Lane.OCR, _cpus_now())
    return max(1, len(os.sched_getaffinity(0)) // tasks)
