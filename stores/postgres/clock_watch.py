"""Notices that the database's clock jumped, and corrects the times that were made before.

Leases and due times are times of the database's clock. It jumps ahead when a laptop wakes up or
when NTP corrects a wrong clock, and back for the latter reason. Without a correction a jump ahead
ends all leases at once, and a jump back holds the queue up for as long as the jump.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Update, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.postgres.database import NOW, seconds
from stores.postgres.job_status import IS_QUEUED, IS_RUNNING
from stores.postgres.schema import TASKS

log = logging.getLogger(__name__)
JUMP_SECONDS = 1.0


class ClockWatch:
    """Compares the database's clock with the monotonic clock of this process.

    The monotonic clock of Linux and macOS stands still while the machine is suspended: a suspended
    machine looks like a jump of the database's clock, and is one to everything that was running.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last: tuple[float, float, datetime] | None = None  # before, after, database's time

    async def look(self, connection: AsyncConnection) -> float | None:
        """Seconds by which the clock has jumped ahead (back: negative) since the last look, 0 for
        none; None at the first look.

        A slow answer is not taken for a jump: each clock is read before and after.
        """
        before = self._monotonic()
        now = (await connection.execute(select(NOW))).scalar_one()
        after = self._monotonic()
        last, self._last = self._last, (before, after, now)
        if last is None:
            return None
        elapsed = (now - last[2]).total_seconds()
        ahead, back = elapsed - (after - last[0]), elapsed - (before - last[1])
        jump = ahead if ahead > JUMP_SECONDS else back if back < -JUMP_SECONDS else 0.0
        if jump:
            log.warning(
                "The database's clock jumped by %+.1f s; leases begin anew, no attempt is charged.",
                jump,
                extra={"action": "clock_jump", "seconds": jump},
            )
        return jump


def corrections(jump: float | None, lease_seconds: float, cap_seconds: float) -> Iterator[Update]:
    """The updates that the jump makes necessary; all are harmless to repeat, and from several
    processes.

    At the first look (None) a jump that nobody saw is corrected where it shows: no lease ends later
    than two leases from now, no task is due later than the longest backoff from now.
    """
    lease, due = TASKS.c.lease_expires_at, TASKS.c.next_attempt_at
    full = NOW + seconds(lease_seconds)
    if jump is None:
        yield _of(IS_RUNNING, lease > NOW + seconds(2 * lease_seconds)).values({lease: full})
        latest = NOW + seconds(cap_seconds)
        yield _of(IS_QUEUED, due > latest).values({due: latest})
    elif jump > 0:
        yield _of(IS_RUNNING, lease < full).values({lease: full})
    elif jump < 0:
        yield _of(IS_RUNNING, lease > full).values({lease: full})
        yield _of(IS_QUEUED, due > NOW).values({due: due - seconds(-jump)})


def _of(*conditions: ColumnElement[bool]) -> Update:
    return update(TASKS).where(*conditions)
