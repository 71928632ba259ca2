"""Claims queued tasks, hands them to runners in micro-batches, records how each one ended.

Every process with a handle of this actor imports this module, and none of them needs what the actor
itself works with (35 MB): that is imported where the actor is made.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from domain.errors import Unavailable
from domain.jobs import Lane, Progress, Task

if TYPE_CHECKING:
    from actors.job_policy import JobPolicy
    from actors.lane_worker import BatchPolicy
    from actors.reconcile_loop import ReconcileLoop
    from actors.runner_pool import RunnerHandle
    from actors.store_cleanup import Eraser
    from domain.consistency import Retention
    from pipelines.config import PipelineConfig
    from stores.consistency.reconcile import Chunks
    from stores.consistency.store_identity import MarkedVectors
    from stores.postgres.task_queue import TaskQueue

    class Vectors(Chunks, MarkedVectors, Protocol):
        """The vector store, as the upkeep asks it."""


log = logging.getLogger(__name__)
FLUSH_SECONDS = 0.3
SWEEP_SECONDS = 2.0
PURGE_SECONDS = 3600.0
IDENTITY_SECONDS = 10.0
SETTLE_SECONDS = 2.0  # from the start to the first comparison: what waits in the queue goes first


class JobManager:
    """Control plane only; every fact is in the job store.

    Remembers nothing that matters: kill it and a new one continues from PostgreSQL as the leases of
    the old one expire. Two at once are safe, because every write is fenced. `wake` and `report` are
    hints: a lost wake costs one poll, a lost report one step of a progress bar. It starts to work
    as soon as it is made.
    """

    def __init__(
        self,
        *,
        database_url: str,
        rules: JobPolicy,
        lanes: Mapping[Lane, BatchPolicy],
        slots: Sequence[Sequence[Lane]],
        recipe: PipelineConfig,
        open_runner: Callable[[PipelineConfig, Sequence[Lane]], RunnerHandle],
        prepare: Callable[[PipelineConfig], None],
        eraser: Callable[[Callable[[], PipelineConfig]], Eraser],
        vectors: Callable[[Callable[[], PipelineConfig]], Vectors],
        retention: Retention,
        facts: Mapping[str, str],
    ) -> None:
        from actors.lane_worker import LaneWorker
        from actors.lease_manager import LeaseManager
        from actors.runner_pool import RunnerPool
        from actors.store_cleanup import StoreCleanup
        from stores.consistency.store_identity import LEGACY_NAME
        from stores.credentials import with_password
        from stores.postgres.database import Database
        from stores.postgres.deletion_queue import DeletionQueue
        from stores.postgres.job_store import JobStore
        from stores.postgres.library_record import LibraryStore
        from stores.postgres.task_queue import TaskQueue

        self.database = Database(with_password(database_url, "DATABASE_URL"), pool_size=4)
        self.jobs = JobStore(
            self.database, max_attempts=rules.max_attempts, keep_days=rules.keep_days
        )
        deletions = DeletionQueue(self.database)
        self.recipe = recipe
        self.cleanup = StoreCleanup(deletions, eraser(lambda: self.recipe), rules.poll_seconds)
        queue = TaskQueue(self.database)
        self.ledger = LeaseManager(queue, deletions, rules, self._wake, self.cleanup.wake)
        self.library = LibraryStore(self.database)
        self.legacy = vectors(lambda: replace(recipe, milvus_name=LEGACY_NAME))
        worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.slots = [
            RunnerPool(partial(self._open_runner, open_runner, shared), rules.runner_recycle_after)
            for shared in slots
        ]
        self.desks = {
            lane: LaneWorker(lane, lanes[lane], self.ledger, slot, worker)
            for shared, slot in zip(slots, self.slots, strict=True)
            for lane in shared
        }
        self.upkeep = self._upkeep(vectors(lambda: self.recipe), queue, retention)
        self.rules = rules
        self.prepare = prepare
        self.facts = dict(facts)
        self.started = asyncio.Event()
        self.problem: str | None = None
        self.life = asyncio.get_running_loop().create_task(self._live())

    def _upkeep(self, vectors: Vectors, queue: TaskQueue, retention: Retention) -> ReconcileLoop:
        from actors.reconcile_loop import ReconcileLoop
        from stores.blobs.blob_store import BlobStore
        from stores.consistency.store_identity import IdentityCheck

        blobs = BlobStore(self.recipe.blob_uri)
        identity = IdentityCheck(self.library, vectors, blobs)
        wake = partial(self._wake, Lane.BULK)
        return ReconcileLoop(
            self.database, self.jobs, queue, vectors, blobs, identity, retention, wake
        )

    async def wake(self, lanes: Sequence[Lane] = tuple(Lane)) -> None:
        """A hint that the queue holds something new."""
        for lane in lanes:
            self._wake(lane)

    def _wake(self, lane: Lane) -> None:
        self.desks[lane].woken.set()

    async def report(self, task: Task, progress: Progress) -> bool:
        """A hint how far a task is, written down a few times a second; True while the task is ours:
        else its work is to stop."""
        return self.ledger.note(task, progress)

    async def cancelled(self, job_id: str) -> None:
        """A hint that the job was cancelled, so that its work ends now and not with its lease."""
        self.ledger.drop_job(job_id)

    async def deletions_due(self) -> None:
        """A hint that there is something to erase."""
        self.cleanup.wake()

    async def ready(self) -> bool:
        """True once a tiny paper went through every runner, from reading to the search."""
        return self.started.is_set()

    async def describe(self) -> dict[str, Any]:
        """Addresses of the stores without passwords, process ids, what is held, what keeps it from
        being ready."""
        return {
            **self.facts,
            "pid": os.getpid(),
            "runners": {str(lane): await desk.slot.pid() for lane, desk in self.desks.items()},
            "held": len(self.ledger.held),
            "ready": self.started.is_set(),
            "problem": self.problem,
            "store_problems": list(self.upkeep.problems),
        }

    async def release(self) -> str:
        """Digest of the code and the settings that it was started with."""
        return self.facts["release"]

    async def drain(self, patience_seconds: float = 5) -> int:
        """Number of tasks handed back, uncharged; the others had `patience_seconds` to end."""
        for desk in self.desks.values():
            desk.draining = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ledger.empty.wait(), patience_seconds)
        return await self.ledger.release_all()

    async def _live(self) -> None:
        await self._start()
        self.started.set()
        await asyncio.gather(
            self._every(self.rules.lease_seconds / 4, self.ledger.beat),
            self._every(FLUSH_SECONDS, self.ledger.flush),
            self._every(SWEEP_SECONDS, self._sweep),
            self._every(PURGE_SECONDS, self.jobs.purge),
            self._every(PURGE_SECONDS, self.upkeep.tidy),
            self._every(IDENTITY_SECONDS, self._check_identity),
            self._keep_up(),
            self.cleanup.serve(),
            *(desk.serve() for desk in self.desks.values() for _ in range(desk.work.runs)),
        )

    async def _start(self) -> None:
        """Prepares stores and runners, for as long as it takes: they may come up after us."""
        from stores.postgres.migrate import migrate

        while True:
            try:
                await migrate(self.database)
                await self._name_collection()
                await asyncio.to_thread(self.prepare, self.recipe)
                await self.upkeep.check_identity()
                self._hold_or_go_on()
                await asyncio.gather(*(slot.open() for slot in self.slots))
                self.problem = None
                return
            except Exception as error:
                self.problem = f"{type(error).__name__}: {error}"
                log.warning("Not ready yet: %s", self.problem)
                await asyncio.sleep(0.3)

    async def _name_collection(self) -> None:
        """The recipe names the Milvus collection, which may depend on the library's id."""
        from stores.consistency.store_identity import choose_name

        if self.recipe.milvus_name is None:
            name = await choose_name(self.library, self.legacy)
            self.recipe = replace(self.recipe, milvus_name=name)

    def _open_runner(
        self,
        open_runner: Callable[[PipelineConfig, Sequence[Lane]], RunnerHandle],
        shared: Sequence[Lane],
    ) -> RunnerHandle:
        return open_runner(self.recipe, shared)

    async def _check_identity(self) -> None:
        """While the stores do not belong together, looks whether somebody has mended that."""
        if self.upkeep.problems:
            await self.upkeep.check_identity()
        self._hold_or_go_on()

    def _hold_or_go_on(self) -> None:
        """Neither papers are read nor versions erased while the stores do not belong together."""
        for worker in (self.cleanup, *self.desks.values()):
            if self.upkeep.problems:
                worker.may_claim.clear()
            else:
                worker.may_claim.set()

    async def _every(self, seconds: float, act: Callable[[], Awaitable[Any]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._try(act)

    async def _try(self, act: Callable[[], Awaitable[Any]]) -> None:
        try:
            await act()
        except Unavailable as error:
            log.warning("%s waits: %s", act.__name__, error)
        except Exception:
            log.exception("%s failed; it runs again", act.__name__)

    async def _keep_up(self) -> None:
        """Compares the stores soon after the start, for who died before may have left something
        undone, and then from time to time."""
        if self.rules.reconcile_minutes:
            await asyncio.sleep(SETTLE_SECONDS)
            await self._try(self.upkeep.mend)
            await self._every(60 * self.rules.reconcile_minutes, self.upkeep.mend)

    async def _sweep(self) -> None:
        swept = await self.ledger.queue.sweep(
            base_seconds=self.rules.backoff_base_seconds,
            cap_seconds=self.rules.backoff_cap_seconds,
            lease_seconds=self.rules.lease_seconds,
        )
        if swept:
            log.warning("%d tasks had lost their worker", swept, extra={"action": "sweep"})
            await self.wake()
        closed = await self.jobs.close_abandoned()
        if closed:
            log.warning("%d jobs were never fully admitted", closed, extra={"action": "close"})
