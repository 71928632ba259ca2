"""JobManager: claims queued tasks, dispatches them to runners in micro-batches, records the ends.

Every process with a handle of this actor imports this module, but only the actor process needs its
dependencies (35 MB). They are therefore imported in the constructor.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from domain.errors import DatabaseUnavailable, Unavailable
from domain.jobs import Lane, Progress, Task
from domain.webhooks import WebhookOptions
from runtime.garbage import keep_loaded

if TYPE_CHECKING:
    from actors.folder_loop import FolderLoop
    from actors.folder_registration import FolderOptions
    from actors.job_policy import JobPolicy
    from actors.lane_worker import BatchPolicy, LaneWorker
    from actors.reconcile_loop import ReconcileLoop
    from actors.runner_pool import RunnerHandle, RunnerPool
    from actors.store_cleanup import Eraser
    from actors.webhook_loop import WebhookLoop
    from domain.consistency import Retention
    from domain.fair_share import ShareWeights
    from pipelines.config import PipelineConfig
    from stores.consistency.reconcile import Chunks
    from stores.consistency.store_identity import MarkedVectors
    from stores.postgres.task_queue import TaskQueue

    class Vectors(Chunks, MarkedVectors, Protocol):
        """The methods of the vector store that the reconciliation uses."""


log = logging.getLogger(__name__)
FLUSH_SECONDS = 0.3
SWEEP_SECONDS = 2.0
PURGE_SECONDS = 3600.0
IDENTITY_SECONDS = 10.0
SAFETY_POLL_SECONDS = 30.0
"""Interval of the polls of each queue; `_wake_due` polls all of them together, more often."""
FIRST_RECONCILE_SECONDS = 2.0  # delay after the start, so that queued tasks are claimed first


@dataclass(frozen=True)
class JobManagerConfig:
    """What a JobManager does: its policy, its lanes, and the configuration of the pipelines.

    `database_url` has no password. `runner_groups`: lanes of one group share a runner. `info` is
    what `status` shows: the addresses of the stores, the release and the settings. `local_key`: the
    file for the key of the local command line, None if requests need no key. `metrics`: the folder
    of the metrics that the API returns; None: they are in memory. `folders`: what the service may
    read for jobs, None for nothing.
    """

    database_url: str
    policy: JobPolicy
    weights: ShareWeights
    lanes: Mapping[Lane, BatchPolicy]
    runner_groups: Sequence[Sequence[Lane]]
    pipeline: PipelineConfig
    retention: Retention
    info: Mapping[str, str]
    local_key: str | None = None
    webhooks: WebhookOptions = field(default_factory=WebhookOptions)
    metrics: Path | None = None
    folders: FolderOptions | None = None


@dataclass(frozen=True)
class JobManagerParts:
    """What a JobManager calls: runners, and the stores from processes that may load their clients.

    The callables receive the pipeline configuration, or a function that returns the present one:
    the first start decides the name of the vector collection.
    """

    open_runner: Callable[[PipelineConfig, Sequence[Lane]], RunnerHandle]
    prepare: Callable[[PipelineConfig], None]
    eraser: Callable[[Callable[[], PipelineConfig]], Eraser]
    vectors: Callable[[Callable[[], PipelineConfig]], Vectors]


class JobManager:
    """Control plane of the job queue. All durable state is in PostgreSQL.

    A replacement continues from PostgreSQL as the leases of a killed JobManager expire. Two at once
    are safe because every write carries a fencing token. `wake` and `report` are hints: a lost
    `wake` costs one poll interval, a lost `report` one step of a progress bar. The main task starts
    in the constructor.
    """

    def __init__(self, config: JobManagerConfig, parts: JobManagerParts) -> None:
        from actors.lane_load import LaneLoad
        from actors.lease_manager import LeaseManager
        from actors.store_cleanup import StoreCleanup
        from stores.consistency.store_identity import LEGACY_NAME
        from stores.credentials import with_password
        from stores.postgres.database import Database
        from stores.postgres.deletion_queue import DeletionQueue
        from stores.postgres.due_work import DueWork
        from stores.postgres.job_store import JobStore
        from stores.postgres.library_record import LibraryStore
        from stores.postgres.task_queue import TaskQueue

        policy = self.policy = config.policy
        self.config = config.pipeline
        self.local_key = config.local_key
        self.prepare = parts.prepare
        self.info = dict(config.info)
        # A kept connection takes 2 to 5 MB. Four are enough since one query finds what is due: an
        # idle service opens no other in 30 s, and a folder of 40 papers one.
        url = with_password(config.database_url, "DATABASE_URL")
        self.database = Database(url, pool_size=4, overflow=12)
        self.jobs = JobStore(
            self.database, max_attempts=policy.max_attempts, keep_days=policy.keep_days
        )
        self.library = LibraryStore(self.database)
        self.due_work = DueWork(self.database)
        self.poll_seconds = max(policy.poll_seconds, SAFETY_POLL_SECONDS)
        queue = TaskQueue(self.database, weights=config.weights)
        deletions = DeletionQueue(self.database)
        eraser = parts.eraser(lambda: self.config)
        self.cleanup = StoreCleanup(deletions, eraser, self.poll_seconds)
        self.webhooks = self._webhook_loop(config.webhooks, config.metrics)
        self.leases = LeaseManager(queue, deletions, policy, self._wake, self.cleanup.wake)
        self.legacy = parts.vectors(lambda: replace(self.config, milvus_name=LEGACY_NAME))
        self.worker_id = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.load = LaneLoad()
        self.pools: list[RunnerPool] = []
        self.workers: dict[Lane, LaneWorker] = {}
        for group in config.runner_groups:
            self._add_workers(group, config, parts)
        vectors = parts.vectors(lambda: self.config)
        self.folder_loop = self._folder_loop(config.folders)
        self.reconcile_loop = self._reconcile_loop(vectors, queue, config.retention)
        self.started = asyncio.Event()
        self.problem: str | None = None
        self.phase = "starting"
        self.drain_task: asyncio.Task[int] | None = None
        self.main_task = asyncio.get_running_loop().create_task(self._main())

    def _add_workers(
        self, group: Sequence[Lane], config: JobManagerConfig, parts: JobManagerParts
    ) -> None:
        """Adds a worker for each lane of the group, and the runner pool that they share."""
        from actors.lane_worker import LaneWorker
        from actors.runner_pool import RunnerPool

        open_runner = partial(self._open_runner, parts.open_runner, group)
        pool = RunnerPool(open_runner, config.policy.runner_recycle_after)
        self.pools.append(pool)
        for lane in group:
            self.workers[lane] = LaneWorker(
                lane,
                config.lanes[lane],
                self.leases,
                pool,
                self.worker_id,
                self.load,
                poll_seconds=self.poll_seconds,
            )

    def _webhook_loop(self, options: WebhookOptions, metrics: Path | None) -> WebhookLoop:
        from actors.webhook_loop import WebhookLoop
        from actors.webhook_metrics import WebhookMetrics
        from actors.webhook_sender import WebhookSender
        from stores.postgres.delivery_queue import DeliveryQueue

        deliveries = DeliveryQueue(self.database, options.retry_seconds)
        return WebhookLoop(
            deliveries,
            WebhookSender(options),
            poll_seconds=self.poll_seconds,
            lease_seconds=options.lease_seconds,
            count=WebhookMetrics(metrics).count,
        )

    def _folder_loop(self, options: FolderOptions | None) -> FolderLoop:
        from actors.folder_loop import FolderLoop
        from actors.folder_registration import FolderOptions
        from stores.blobs.blob_store import BlobStore
        from stores.postgres.folder_jobs import FolderJobs
        from stores.postgres.job_store import JobStore

        options, policy = options or FolderOptions(), self.policy
        return FolderLoop(
            FolderJobs(self.database),
            JobStore(
                self.database,
                max_attempts=policy.max_attempts,
                queue_limit=options.queue_limit,
            ),
            BlobStore(self.config.blob_uri),
            options,
            self._wake,
            lease_seconds=policy.lease_seconds,
            poll_seconds=self.poll_seconds,
        )

    def _reconcile_loop(
        self, vectors: Vectors, queue: TaskQueue, retention: Retention
    ) -> ReconcileLoop:
        from actors.reconcile_loop import ReconcileLoop
        from stores.blobs.blob_store import BlobStore
        from stores.consistency.store_identity import IdentityCheck

        blobs = BlobStore(self.config.blob_uri)
        identity = IdentityCheck(self.library, vectors, blobs)
        wake = partial(self._wake, Lane.BULK)
        return ReconcileLoop(
            self.database, self.jobs, queue, vectors, blobs, identity, retention, wake
        )

    async def wake(self, lanes: Sequence[Lane] = tuple(Lane)) -> None:
        """Hint: these lanes have new tasks in the queue."""
        for lane in lanes:
            self._wake(lane)

    def _wake(self, lane: Lane) -> None:
        self.workers[lane].signal.wake()

    async def _wake_due(self) -> None:
        """Wakes what has work that is due: a retry, or work whose hint was lost."""
        try:
            due = await self.due_work.find()
        except DatabaseUnavailable:  # the sweep reports it
            return
        for lane in due.lanes:
            self._wake(lane)
        for is_due, signal in (
            (due.folders, self.folder_loop.signal),
            (due.deliveries, self.webhooks.signal),
            (due.deletions, self.cleanup.signal),
        ):
            if is_due:
                signal.wake()

    async def report(self, task: Task, progress: Progress) -> bool:
        """Hint: progress of a task; written to PostgreSQL every FLUSH_SECONDS.

        Returns False if this JobManager does not hold the task: then its work must stop.
        """
        return self.leases.record_progress(task, progress)

    async def cancelled(self, job_id: str) -> None:
        """Hint: the job was cancelled. Its work stops now instead of when its leases expire."""
        self.leases.untrack_job(job_id)

    async def deletions_due(self) -> None:
        """Hint: the deletion queue has new rows."""
        self.cleanup.wake()

    async def ready(self) -> bool:
        """True once every runner has processed a warm-up paper, from extraction to indexing."""
        return self.started.is_set()

    async def state(self) -> str | None:
        """Returns what the start does, or why it is delayed; None once it is ready."""
        if self.started.is_set():
            return None
        return f"{self.phase}; last error: {self.problem}" if self.problem else self.phase

    async def describe(self) -> dict[str, Any]:
        """Returns the store addresses without passwords, process ids, the number of held tasks and
        of those of each lane, and the problems that prevent readiness."""
        pools = [await self._describe_pool(pool) for pool in self.pools]
        return {
            **self.info,
            "pid": os.getpid(),
            "runners": {lane: pool["pid"] for pool in pools for lane in pool["lanes"]},
            "lanes": {str(lane): self.load.of(lane) for lane in self.workers},
            "pools": pools,
            "held": len(self.leases.held),
            "ready": self.started.is_set(),
            "problem": self.problem,
            "store_problems": list(self.reconcile_loop.problems),
        }

    async def _describe_pool(self, pool: RunnerPool) -> dict[str, Any]:
        lanes = [str(lane) for lane, worker in self.workers.items() if worker.pool is pool]
        return {"lanes": lanes, "pid": await pool.pid(), "batches": pool.running_batches}

    async def release(self) -> str:
        """Returns the digest of the code and the settings that the actor was started with; "" once
        it drains, because it must be replaced then."""
        return "" if self.drain_task else self.info["release"]

    async def drain(self, timeout_seconds: float = 5) -> int:
        """Stops claiming, waits up to `timeout_seconds` for running tasks, and releases the rest.

        Returns the number of released tasks; a release does not use up an attempt. A repeated call
        waits for the first one.
        """
        if self.drain_task is None:
            self.drain_task = asyncio.create_task(self._drain(timeout_seconds))
        return await asyncio.shield(self.drain_task)

    async def _drain(self, timeout_seconds: float) -> int:
        await asyncio.gather(*(one.drain() for one in self.workers.values()))
        await self.folder_loop.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.leases.empty.wait(), timeout_seconds)
        return await self.leases.release_all()

    async def _main(self) -> None:
        await self._start()
        keep_loaded()
        self.started.set()
        await asyncio.gather(
            self._every(self.policy.lease_seconds / 4, self.leases.heartbeat),
            self._every(FLUSH_SECONDS, self.leases.flush),
            self._every(self.policy.poll_seconds, self._wake_due),
            self._every(SWEEP_SECONDS, self._sweep),
            self._every(PURGE_SECONDS, self.jobs.purge),
            self._every(PURGE_SECONDS, self.reconcile_loop.collect_garbage),
            self._every(IDENTITY_SECONDS, self._check_identity),
            self._run_reconciliations(),
            self.cleanup.run(),
            self.webhooks.run(),
            self.folder_loop.run(),
            *(
                worker.run()
                for worker in self.workers.values()
                for _ in range(worker.batch_policy.runs)
            ),
        )

    async def _start(self) -> None:
        """Prepares stores and runners; retries until it succeeds, since the stores may start
        later than this actor."""
        from stores.postgres.migrate import migrate

        while True:
            try:
                self.phase = "migrating the database"
                await migrate(self.database)
                await self._ensure_local_key()
                self.phase = "preparing the vector store"
                await self._set_collection_name()
                await asyncio.to_thread(self.prepare, self.config)
                self.phase = "comparing the ids of the stores"
                await self.reconcile_loop.check_identity()
                self._pause_or_resume()
                self.phase = "warming up the workers"
                self.problem = None
                await asyncio.gather(*(pool.open() for pool in self.pools))
                return
            except Exception as error:
                self.problem = f"{type(error).__name__}: {error}"
                log.warning("The JobManager is not ready yet: %s", self.problem)
                await asyncio.sleep(0.3)

    async def _ensure_local_key(self) -> None:
        """Creates the key of the local command line if requests need a key."""
        from stores.local_key import ensure_local_key
        from stores.postgres.key_store import KeyStore

        if self.local_key is not None:
            await ensure_local_key(Path(self.local_key), KeyStore(self.database))

    async def _set_collection_name(self) -> None:
        """Adds the name of the Milvus collection to the config; it may depend on the library id."""
        from stores.consistency.store_identity import choose_name

        if self.config.milvus_name is None:
            name = await choose_name(self.library, self.legacy)
            self.config = replace(self.config, milvus_name=name)

    def _open_runner(
        self,
        open_runner: Callable[[PipelineConfig, Sequence[Lane]], RunnerHandle],
        group: Sequence[Lane],
    ) -> RunnerHandle:
        return open_runner(self.config, group)

    async def _check_identity(self) -> None:
        """Repeats the identity check while the stores do not match, to notice a correction."""
        if self.reconcile_loop.problems:
            await self.reconcile_loop.check_identity()
        self._pause_or_resume()

    def _pause_or_resume(self) -> None:
        """Pauses all lanes and the cleanup while the stores belong to different libraries."""
        for worker in (self.cleanup, self.folder_loop, *self.workers.values()):
            if self.reconcile_loop.problems:
                worker.may_claim.clear()
            else:
                worker.may_claim.set()

    async def _every(self, seconds: float, action: Callable[[], Awaitable[Any]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._try(action)

    async def _try(self, action: Callable[[], Awaitable[Any]]) -> None:
        try:
            await action()
        except Unavailable as error:
            log.warning("%s is postponed: %s", action.__name__, error)
        except Exception:
            log.exception("%s failed; it is repeated", action.__name__)

    async def _run_reconciliations(self) -> None:
        """Reconciles the stores soon after the start, because a killed predecessor may have left
        them inconsistent, and then periodically."""
        if self.policy.reconcile_minutes:
            await asyncio.sleep(FIRST_RECONCILE_SECONDS)
            await self._try(self.reconcile_loop.reconcile)
            await self._every(60 * self.policy.reconcile_minutes, self.reconcile_loop.reconcile)

    async def _sweep(self) -> None:
        swept = await self.leases.queue.sweep(
            base_seconds=self.policy.backoff_base_seconds,
            cap_seconds=self.policy.backoff_cap_seconds,
            lease_seconds=self.policy.lease_seconds,
        )
        if swept:
            log.warning(
                "The leases of %d tasks expired; the tasks are queued again",
                swept,
                extra={"action": "sweep"},
            )
            await self.wake()
        closed = await self.jobs.close_abandoned()
        if closed:
            log.warning(
                "%d jobs were closed because their admission was never completed",
                closed,
                extra={"action": "close"},
            )
