"""Runners as the JobManager sees them: an actor for some lanes, with its share of the CPUs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import ray

from actors.registry import ON_HEAD, embedders
from actors.runner import Runner
from configs.settings import LaneSettings, RaySettings
from domain.jobs import LANE_OF_STEP, Lane, Task
from pipelines.config import PipelineConfig
from pipelines.lane_config import LaneConfig, TaskResult
from runtime.dashboard_mode import DashboardMode

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
    ) -> None:
        self.embedders = embedders(actors)
        configs = [
            LaneConfig(
                config=replace(config, ocr_workers=_pages_at_once(lanes[Lane.OCR], lanes)),
                lane=lane,
                num_cpus=lanes[lane].num_cpus,
                cpus=_cpus(lanes, lane),
                split_embed=lanes[lane].split_embed,
                can_grow=cluster.can_grow,
                statistics=cluster.dashboard is DashboardMode.FULL,
                embedders=self.embedders,
                listener=ray.get_runtime_context().current_actor,
            )
            for lane in shared
        ]
        remote: Any = ray.remote(Runner)
        self.actor = remote.options(num_cpus=0, max_concurrency=8, **ON_HEAD).remote(configs)

    async def run(self, lane: Lane, tasks: Sequence[Task]) -> AsyncIterator[TaskResult]:
        """Yields the result of each task. Raises the error that ended the runner or its Dataset."""
        answers = self.actor.run.options(num_returns="streaming").remote(lane, tasks)
        async for reference in answers:
            yield await reference

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


def _cpus(lanes: dict[Lane, LaneSettings], lane: Lane) -> float:
    """Returns the CPUs of the lane: the setting; an eighth for later steps; else the remainder."""
    total = ray.cluster_resources().get("CPU", 1.0)
    if given := lanes[lane].cpus:
        return given
    if lane in LANE_OF_STEP.values():
        return max(lanes[lane].num_cpus, total / 8)
    others = (_cpus(lanes, other) for other in lanes if other is not lane)
    return max(1.0, total - sum(others))


def _pages_at_once(wanted: LaneSettings, lanes: dict[Lane, LaneSettings]) -> int:
    """Returns the number of pages that one OCR task processes in parallel: one per core."""
    tasks = max(1, int(_cpus(lanes, Lane.OCR) / wanted.num_cpus))
    return max(1, len(os.sched_getaffinity(0)) // tasks)
