"""Property tests of the task queue: single owner, final states, consistent counts.

Each example is a sequence of random steps. The same steps run on the fake (the model)
and on PostgreSQL. After each step, the invariants of the queue must hold on both, and both must
agree on the state of every task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.errors import LeaseLost, NotFound
from domain.jobs import MOVES, JobStatus, OnDuplicate, Progress, Task, TaskStatus, job_status
from stores.postgres.database import Database
from tests.event_logs import event_log_errors, transitions
from tests.stores.postgres import MAX_ATTEMPTS, Stores, memory_stores, postgres_stores, wipe
from tests.stores.work import AWAY, DAMAGED, DONE, LEASE, admit, claim, upload

WORKERS, PAPERS = 3, 3
Step = tuple[str, int]
WRITES = ("beat", "report", "complete", "fail", "retry", "release")
OTHERS = ("admit", "again", "wait", "crash", "expire", "sweep", "delete", "purge", "cancel")
RETRY_JOB = "retry_job"
ACTS = [*["claim"] * 6, *WRITES, "admit", "again", "crash", *OTHERS, RETRY_JOB]
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, WORKERS * PAPERS - 1)),
    min_size=20,
    max_size=40,
)
NO_DEADLINE = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@dataclass
class World:
    """Workers that remember all their claims, including those whose lease is lost."""

    stores: Stores
    hands: list[list[Task]] = field(default_factory=lambda: [[] for _ in range(WORKERS)])
    jobs: list[str] = field(default_factory=list)
    seen: dict[str, Task] = field(default_factory=dict)

    async def step(self, act: str, number: int) -> None:
        """Runs one step of a worker; on LeaseLost the worker drops its task."""
        hand = self.hands[number % WORKERS]
        if act in WRITES:
            if hand:
                with suppress(LeaseLost):
                    await self._write(act, hand[-1 - number // WORKERS % len(hand)], hand)
        else:
            with suppress(NotFound):
                await getattr(self, f"_{act}")(number, hand)

    async def _write(self, act: str, task: Task, hand: list[Task]) -> None:
        queue = self.stores.queue
        if act == "beat":
            await queue.heartbeat(hand, LEASE)
        elif act == "report":
            await queue.report(task, Progress(pages_done=1, pages_total=3))
        elif act == "complete":
            await queue.finish(task, DONE)
        elif act == "fail":
            await queue.fail(task, DAMAGED)
        elif act == "retry":
            await queue.retry(task, AWAY, delay_seconds=3, isolate=bool(len(hand) % 2))
        else:
            await queue.release(task)

    async def _claim(self, number: int, hand: list[Task]) -> None:
        hand.extend(await claim(self.stores, limit=1 + number % 2))

    async def _admit(self, number: int, _hand: list[Task]) -> None:
        self.jobs.append((await admit(self.stores, self._paper(number))).job_id)

    async def _again(self, number: int, _hand: list[Task]) -> None:
        policy = OnDuplicate.REPROCESS
        self.jobs.append(
            (await admit(self.stores, self._paper(number), on_duplicate=policy)).job_id
        )

    async def _wait(self, _number: int, _hand: list[Task]) -> None:
        await self.stores.advance(4)

    async def _expire(self, _number: int, _hand: list[Task]) -> None:
        await self.stores.advance(LEASE + 1)

    async def _sweep(self, _number: int, _hand: list[Task]) -> None:
        await self.stores.queue.sweep(base_seconds=0)

    async def _crash(self, number: int, hand: list[Task]) -> None:
        """Expires all leases and sweeps."""
        await self._expire(number, hand)
        await self._sweep(number, hand)

    async def _delete(self, number: int, _hand: list[Task]) -> None:
        documents = (await self.stores.documents.list()).items
        names = {document.sha256: document.document_id for document in documents}
        await self.stores.documents.delete(names.get(self._paper(number).sha256, "doc_unknown"))

    async def _cancel(self, number: int, _hand: list[Task]) -> None:
        await self.stores.job_control.cancel(self._job(number), keep_chunks=bool(number % 2))

    async def _retry_job(self, number: int, _hand: list[Task]) -> None:
        """Retries the job: the only transition out of a final state."""
        name = self._job(number)
        before = {task.task_id for task in await self.stores.jobs.tasks(name)}
        retried = await self.stores.job_control.retry(name)
        open_again = [t for t in await self.stores.jobs.tasks(name) if self._is_reopened(t)]
        assert len(open_again) == retried and {t.task_id for t in open_again} <= before
        for task in open_again:
            assert (task.status, task.attempt, task.error) == (TaskStatus.QUEUED, 0, None)
            self.seen[str(task.task_id)] = task

    def _is_reopened(self, task: Task) -> bool:
        before = self.seen.get(str(task.task_id))
        return before is not None and before.status.is_final and not task.status.is_final

    def _job(self, number: int) -> str:
        return self.jobs[-1 - number % min(len(self.jobs), WORKERS * PAPERS)]

    async def _purge(self, _number: int, _hand: list[Task]) -> None:
        assert await self.stores.jobs.purge() == 0, "no job is seven days old"

    def _paper(self, number: int) -> Any:
        return upload(f"paper {number % PAPERS}")

    async def check(self) -> list[Any]:
        """Asserts the invariants; returns state and events of every task, in order of admission."""
        states: list[Any] = []
        owners: list[str] = []
        for name in self.jobs:
            tasks = await self.stores.jobs.tasks(name)
            for task in tasks:
                self._check_move(task)
                owners += [task.document_id] * (task.status == TaskStatus.RUNNING)
                states.append((task.status, task.attempt, task.lease_token, task.version))
            await self._check_job(name, tasks)
            log = await self.stores.events.after(name)
            assert list(event_log_errors(log, tasks)) == []
            states += transitions(log, tasks)
        assert len(owners) == len(set(owners)), "a document has two running tasks"
        await self._check_owners()
        return states

    def _check_move(self, task: Task) -> None:
        before = self.seen.get(str(task.task_id))
        self.seen[str(task.task_id)] = task
        assert 0 <= task.attempt <= MAX_ATTEMPTS
        assert task.status.is_final == (task.finished_at is not None)
        assert (task.status == TaskStatus.RUNNING) == (task.lease_expires_at is not None)
        if before is None:
            return
        assert task.lease_token >= before.lease_token
        assert task.status == before.status or task.status in MOVES[before.status]
        if before.status.is_final:
            assert (task.status, task.error) == (before.status, before.error)

    async def _check_job(self, name: str, tasks: list[Task]) -> None:
        job = await self.stores.jobs.job(name)
        for status in TaskStatus:
            assert getattr(job.counts, status) == sum(task.status == status for task in tasks)
        ended = all(task.status.is_final for task in tasks)
        assert ended == job.status.is_final == (job.finished_at is not None)
        if ended:
            assert job.status == job_status(job.counts)
        elif job.counts.running:
            assert job.status == JobStatus.RUNNING

    async def _check_owners(self) -> None:
        """Of all claims so far, only the latest one of each running task can write to it."""
        heard = [
            (task.task_id, task.lease_token)
            for hand in self.hands
            for task in hand
            if await self._is_heard(task)
        ]
        running = [task for task in self.seen.values() if task.status == TaskStatus.RUNNING]
        assert sorted(heard) == sorted((task.task_id, task.lease_token) for task in running)

    async def _is_heard(self, task: Task) -> bool:
        try:
            await self.stores.queue.report(task, Progress())
        except LeaseLost:
            return False
        return True


async def run(world: World, steps: list[Step]) -> list[Any]:
    states = []
    for number in range(PAPERS):
        await world.step("admit", number)
    for act, number in steps:
        await world.step(act, number)
        states.append(await world.check())
    return states


@given(STEPS)
@settings(NO_DEADLINE, max_examples=150)
def test_task_queue_invariants_hold_on_fake(steps: list[Step]) -> None:
    asyncio.run(run(World(memory_stores()), steps))


def test_task_queue_invariants_hold_on_postgres_and_match_fake(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)
        compare(runner.run, database)
        runner.run(database.close())


def compare(call: Callable[[Coroutine[Any, Any, Any]], Any], database: Database) -> None:
    """Runs each example on both stores; task states must be equal after each step."""

    @given(STEPS)
    @settings(NO_DEADLINE, max_examples=12, phases=[Phase.generate])  # shrinking takes minutes
    def same(steps: list[Step]) -> None:
        call(wipe(database))
        real = call(run(World(postgres_stores(database)), steps))
        fake = call(run(World(memory_stores()), steps))
        assert real == fake

    same()


@pytest.mark.parametrize("rounds", [15])
async def test_concurrent_workers_never_lease_the_same_task(
    database: Database, rounds: int
) -> None:
    """Tests real concurrency, which sequential steps cannot cover."""
    stores = postgres_stores(database)
    papers = [upload() for _ in range(6)]
    for _ in range(3):
        await stores.jobs.admit("papers", papers, on_duplicate=OnDuplicate.REPROCESS)
    owned: list[tuple[str, int]] = []

    async def work(number: int) -> None:
        for turn in range(rounds):
            for task in await claim(stores, limit=2):
                owned.append((str(task.task_id), task.lease_token))
                with suppress(LeaseLost):
                    await asyncio.sleep(0)
                    if (number + turn) % 3:
                        await stores.queue.finish(task, DONE)
                    else:
                        await stores.queue.release(task)
            if number == 0:
                await stores.queue.sweep(base_seconds=0)

    await asyncio.gather(*(work(number) for number in range(5)))
    assert len(owned) == len(set(owned)), "a task was leased twice"
    assert await stores.queue.depths() == {}
    for job in (await stores.jobs.jobs()).items:
        log = await stores.events.after(job.job_id)
        assert list(event_log_errors(log, await stores.jobs.tasks(job.job_id))) == []
