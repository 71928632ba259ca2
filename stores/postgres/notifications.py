"""Wakes coroutines that wait for changes of jobs: PostgreSQL LISTEN/NOTIFY instead of polling.

A trigger (migration 0007) sends the job id on the channel `paperworks_jobs` for every transaction
that adds an event to the log of a job, except for its first event. Each process has one LISTEN
connection outside the pool, which the first subscription opens.

Polling remains as the fallback. Without the LISTEN connection, subscribers poll at their own
interval. With it, they query at least every SAFETY_POLL_SECONDS: a server that vanished is detected
only by TCP keepalive, after a minute.

PgBouncer in transaction mode cannot deliver notifications: LISTEN belongs to a server connection
that the client loses at the end of the transaction. With `pgbouncer=true` in DATABASE_URL no LISTEN
connection is opened and subscribers poll.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from domain.errors import DatabaseUnavailable
from domain.jobs import backoff_seconds
from stores.postgres.database import Database
from stores.postgres.postgres_session import OUTAGES, open_session

CHANNEL = "paperworks_jobs"  # migration 0007
SAFETY_POLL_SECONDS = 15.0
# A bulk job changes hundreds of times a second. All subscribers of a job wake up together, so that
# they share their queries (SingleFlight), and at most 20 times a second.
WAKEUP_INTERVAL_SECONDS = 0.05
RECONNECT_BASE_SECONDS, RECONNECT_CAP_SECONDS = 0.2, 10.0
CLOSE_SECONDS = 1.0


class JobWakeups:
    """The wake-ups of one subscriber."""

    def __init__(self, subscriptions: JobSubscriptions) -> None:
        self._subscriptions = subscriptions
        self._event = asyncio.Event()

    async def wait(self, poll_seconds: float, at_most: float = math.inf) -> None:
        """Returns at the next wake-up, or immediately if one occurred since the last call.

        Without notifications, returns after `poll_seconds`. Never waits longer than `at_most`
        seconds. The caller must query its condition again in every case.
        """
        interval = self._subscriptions.poll_interval(poll_seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(interval, at_most)):
                await self._event.wait()
        self._event.clear()

    def set(self) -> None:
        """Wakes the subscriber."""
        self._event.set()


@dataclass(slots=True)
class _Job:
    """The subscribers of one job, and the rate limit of their wake-ups."""

    subscribers: set[JobWakeups] = field(default_factory=set)
    next_wakeup: float = -math.inf  # time of the event loop
    timer: asyncio.TimerHandle | None = None

    def notify(self) -> None:
        """Wakes the subscribers now, or at the end of the current interval."""
        loop = asyncio.get_running_loop()
        if self.timer is None and loop.time() >= self.next_wakeup:
            self.wake()
        elif self.timer is None:
            self.timer = loop.call_at(self.next_wakeup, self.wake)

    def wake(self) -> None:
        self.cancel_timer()
        self.next_wakeup = asyncio.get_running_loop().time() + WAKEUP_INTERVAL_SECONDS
        for wakeups in self.subscribers:
            wakeups.set()

    def cancel_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class JobSubscriptions:
    """Subscribers by job, without a source of notifications: all of them poll."""

    def __init__(self, safety_poll_seconds: float = SAFETY_POLL_SECONDS) -> None:
        self._safety_poll_seconds = safety_poll_seconds
        self._jobs: dict[str, _Job] = {}
        self.is_connected = False

    @asynccontextmanager
    async def subscribe(self, job_id: str) -> AsyncIterator[JobWakeups]:
        """Yields the wake-ups of a job.

        Subscribe before the first query: then every later change causes a wake-up.
        """
        wakeups = JobWakeups(self)
        job = self._jobs.setdefault(job_id, _Job())
        job.subscribers.add(wakeups)
        try:
            yield wakeups
        finally:
            job.subscribers.discard(wakeups)
            if not job.subscribers:
                job.cancel_timer()
                self._jobs.pop(job_id, None)

    def notify(self, job_id: str) -> None:
        """Wakes the subscribers of the job, at most once in WAKEUP_INTERVAL_SECONDS."""
        if job := self._jobs.get(job_id):
            job.notify()

    def set_connected(self, is_connected: bool) -> None:
        """Records whether notifications arrive, and wakes all subscribers.

        Notifications may have been missed until now, and the interval of polling changes.
        """
        self.is_connected = is_connected
        for job in self._jobs.values():
            job.wake()

    def poll_interval(self, poll_seconds: float) -> float:
        """Returns the seconds between two queries of a subscriber that gets no wake-up."""
        return max(poll_seconds, self._safety_poll_seconds) if self.is_connected else poll_seconds

    async def close(self) -> None:
        """Releases the source of notifications. Subscribers poll from now on."""


class JobNotifications(JobSubscriptions):
    """Subscribers by job, woken by one LISTEN connection. For one event loop.

    The connection uses the address, TLS settings and timeouts of `database`. After a connection
    loss it is opened again with exponential backoff.
    """

    def __init__(
        self, database: Database, safety_poll_seconds: float = SAFETY_POLL_SECONDS
    ) -> None:
        super().__init__(safety_poll_seconds)
        self._database = database
        self._listener: asyncio.Task[None] | None = None
        self._can_listen = not database.address.pgbouncer

    @asynccontextmanager
    async def subscribe(self, job_id: str) -> AsyncIterator[JobWakeups]:
        """Yields the wake-ups of a job; the first call starts the LISTEN connection."""
        async with super().subscribe(job_id) as wakeups:
            if self._can_listen and self._listener is None:
                self._listener = asyncio.create_task(self._keep_listening())
            yield wakeups

    async def close(self) -> None:
        """Closes the LISTEN connection. Subscribers poll from now on."""
        self._can_listen = False
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.cancel()
            await asyncio.wait([listener])

    async def _keep_listening(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            opened = loop.time()
            try:
                await self._listen()
            except DatabaseUnavailable:
                pass  # open_session has logged the cause
            except Exception as error:  # without this task, subscribers would poll forever
                OUTAGES.note(error)
            was_stable = loop.time() - opened > RECONNECT_CAP_SECONDS
            failures = 1 if was_stable else failures + 1
            await asyncio.sleep(
                backoff_seconds(failures, RECONNECT_BASE_SECONDS, RECONNECT_CAP_SECONDS)
            )

    async def _listen(self) -> None:
        """Opens the connection and returns when it is lost. Raises DatabaseUnavailable.

        Wakes all subscribers after LISTEN: their next query sees every transaction that committed
        before, and notifications report the later ones.
        """
        connection = await open_session(self._database.address, self._database.limits)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._on_notification)
            self.set_connected(True)
            await lost.wait()
        finally:
            if self.is_connected:
                self.set_connected(False)
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=CLOSE_SECONDS)

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self.notify(str(payload))
