"""(m) The control plane: papers per second with readers that sleep, over the ideal rate.

Real: PostgreSQL, JobManager, runner, Ray Data, worker processes, artifacts. Replaced: reading (a
sleep), the encoder and Milvus (in memory). The ideal rate is the number of CPUs that Ray is told
of, divided by the sleep: so many CPUs are simulated on any machine. Also measures the JobManager
alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import ray
from sqlalchemy import text

from actors.job_manager import JobManager, JobManagerConfig, JobManagerParts
from actors.job_policy import JobPolicy
from actors.lane_worker import BatchPolicy
from actors.registry import detached_actor
from configs.settings import LaneSettings, RaySettings
from domain.consistency import Retention
from domain.fair_share import EQUAL_SHARES
from domain.jobs import Lane
from domain.names import JOB_MANAGER, NAMESPACE
from pipelines.config import PipelineConfig, blob_store
from runtime.dashboard_mode import DashboardMode
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore
from tests.bench.processes import CpuMeter
from tests.bench.report import Figure, Findings
from tests.bench.sleeping_runner import (
    DIMENSION,
    READ_SECONDS,
    InstantRunner,
    SleepingRayRunner,
)
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.stores.postgres import make_template, url_of
from tests.stores.work import upload

CPUS = (16, 64)
SECONDS = 20  # of the ideal rate; so many papers are admitted
CEILING_PAPERS = 1_000
BULK = LaneSettings(runs=2, num_cpus=1)
TARGETS = {16: "0.9 x at least", 64: "0.8 x at least"}
TIMES = text("""
    SELECT count(*) FILTER (WHERE status = 'completed'),
        extract(epoch FROM max(finished_at) - min(started_at))
    FROM tasks
""")


SINGLE_PROCESSES = ("job manager", "runners")  # of the bulk lane; all others grow with the CPUs

Found = tuple[Sequence[Figure], dict[str, float]]  # and CPU milliseconds of a paper by role


@dataclass(frozen=True, slots=True)
class Plane:
    """A database of its own, a blob folder, and the number of CPUs that Ray is told of."""

    server: EmbeddedPostgres
    folder: Path
    cpus: int

    @property
    def database_url(self) -> str:
        """Address of the migrated database."""
        return url_of(self.server, "migrated")


def measure(folder: Path, cpus: tuple[int, ...] = CPUS) -> Findings:
    """Papers per second over the ideal rate for each number of CPUs, and of the JobManager."""
    found = [_measured(folder / str(number), number, _figures) for number in cpus]
    found.append(_measured(folder / "ceiling", 2, _ceiling))
    cpu = {figures[0].name: details for figures, details in found}
    figures = [figure for figures, _ in found for figure in figures]
    return Findings(figures, {"CPU milliseconds of a paper": cpu})


def _measured(folder: Path, cpus: int, figure: Callable[[Plane], Found]) -> Found:
    folder.mkdir(parents=True)
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    _start_ray(cpus)
    try:
        asyncio.run(make_template(server))
        return figure(Plane(server, folder, cpus))
    finally:
        ray.shutdown()
        server.stop()


def _start_ray(cpus: int) -> None:
    ray.init(
        address="local",
        namespace=NAMESPACE,
        num_cpus=cpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=256 * 2**20,
    )


def _figures(plane: Plane) -> Found:
    """Returns the rate, and the rate at which a process that there is once would use a core."""
    ideal = plane.cpus / READ_SECONDS
    runner = partial(
        SleepingRayRunner,
        lanes=_lanes(plane.cpus),
        actors=0,
        cluster=RaySettings(dashboard=DashboardMode.OFF),
    )
    rate, cpu = asyncio.run(_rate(plane, runner, int(ideal * SECONDS)))
    name, target = f"papers per second, {plane.cpus} CPUs", TARGETS.get(plane.cpus, "")
    limit = 1000 / max(cpu[role] for role in SINGLE_PROCESSES)
    return [
        Figure(name, rate, "/s", ideal, "ideal", target),
        Figure(f"{name}, limit of JobManager and runner", limit, "/s", ideal, "ideal", target),
    ], cpu


def _ceiling(plane: Plane) -> Found:
    rate, cpu = asyncio.run(_rate(plane, _instant, CEILING_PAPERS))
    return [Figure("papers per second of the JobManager alone", rate, "/s")], cpu


def _instant(*_: Any) -> InstantRunner:
    return InstantRunner()


def _lanes(cpus: int) -> dict[Lane, LaneSettings]:
    """Returns lanes of which the bulk lane has all CPUs."""
    idle = LaneSettings(batch=1, cpus=1)
    return dict.fromkeys(Lane, idle) | {Lane.BULK: replace(BULK, cpus=cpus)}


async def _rate(
    plane: Plane, open_runner: Callable[..., Any], papers: int
) -> tuple[float, dict[str, float]]:
    """Returns the papers per second between the first claim and the last end, and the CPU time."""
    manager = _job_manager(plane, open_runner)
    while not await manager.ready.remote():  # noqa: ASYNC110 - an actor has no event to wait for
        await asyncio.sleep(0.2)
    database = Database(plane.database_url)
    jobs = JobStore(database, max_attempts=3, keep_days=7)
    await jobs.admit("bench", [upload() for _ in range(papers)], lane=Lane.BULK)
    with CpuMeter([os.getpid()]) as meter:
        await manager.wake.remote([Lane.BULK])
        seconds = await _seconds_until_completed(database, papers)
    ray.kill(manager)
    await database.close()
    used = {role: round(1000 * cpu / papers, 1) for role, cpu in meter.by_role().items()}
    return papers / seconds, used


async def _seconds_until_completed(database: Database, papers: int) -> float:
    """Returns the seconds between the first claim and the last end. Raises TimeoutError."""
    async with asyncio.timeout(30 * SECONDS):
        while True:
            await asyncio.sleep(0.5)
            async with database.single() as connection:
                completed, seconds = (await connection.execute(TIMES)).one()
            if completed == papers:
                return float(seconds)


def _job_manager(plane: Plane, open_runner: Callable[..., Any]) -> Any:
    config = PipelineConfig(
        blob_uri=f"file://{plane.folder / 'blobs'}",
        milvus_uri="in memory",
        milvus_token_file=None,
        milvus_name="bench",
        dimension=DIMENSION,
    )
    blob_store(config).prepare()
    actor = detached_actor(
        JobManager, JOB_MANAGER, num_cpus=0, max_task_retries=-1, max_concurrency=64
    )
    return actor.remote(
        JobManagerConfig(
            database_url=plane.database_url,
            policy=JobPolicy(reconcile_minutes=0),
            weights=EQUAL_SHARES,
            lanes={lane: BatchPolicy(BULK.runs, fills_up=True) for lane in Lane},
            runner_groups=((Lane.BULK,), tuple(lane for lane in Lane if lane is not Lane.BULK)),
            pipeline=config,
            retention=Retention(),
            info={"release": "bench"},
        ),
        JobManagerParts(
            open_runner=open_runner,
            prepare=_nothing,
            eraser=_nothing,  # pyright: ignore
            vectors=_in_memory,  # pyright: ignore
        ),
    )


def _nothing(*_: Any) -> None:
    """Does nothing."""


def _in_memory(_config: Any) -> InMemoryVectorStore:
    return InMemoryVectorStore(DIMENSION)
