"""Detects jumps of the database clock and corrects the stored times accordingly.

Leases and due times use the database clock. It jumps forward when a laptop resumes from suspend or
when NTP corrects it, and backward when NTP corrects it. Without a correction, a forward jump
expires all leases at once, and a backward jump stalls the queue for the length of the jump.
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
    """Compares the database clock with the monotonic clock of this process.

    The monotonic clock of Linux and macOS stops during suspend. A suspend therefore looks like a
    forward jump of the database clock, which is the intended result: no process was running.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last: tuple[float, float, datetime] | None = None  # before, after, database's time

    async def detect_jump(self, connection: AsyncConnection) -> float | None:
        """Returns the jump since the last call in seconds: positive is forward, 0.0 is no jump.

        Returns None at the first call. A slow response does not count as a jump, because the
        monotonic clock is read before and after the query.
        """
        before = self._monotonic()
        now = (await connection.execute(select(NOW))).scalar_one()
        after = self._monotonic()
        last, self._last = self._last, (before, after, now)
        if last is None:
            return None
        elapsed = (now - last[2]).total_seconds()
        forward, backward = elapsed - (after - last[0]), elapsed - (before - last[1])
        jump = forward if forward > JUMP_SECONDS else backward if backward < -JUMP_SECONDS else 0.0
        if jump:
            log.warning(
                "The database clock jumped by %+.1f s; leases were renewed, no attempt is charged.",
                jump,
                extra={"action": "clock_jump", "seconds": jump},
            )
        return jump


def corrections(jump: float | None, lease_seconds: float, cap_seconds: float) -> Iterator[Update]:
    """Yields the updates that correct stored times after a jump. All updates are idempotent.

    After the first call of `detect_jump` (`jump` is None), implausible times are capped, because a
    jump may have happened before: no lease ends later than two lease periods from now, and no task
    is due later than `cap_seconds` (the longest backoff) from now.
    """
    lease, due = TASKS.c.lease_expires_at, TASKS.c.next_attempt_at
    full = NOW + seconds(lease_seconds)
    if jump is None:
        yield _update(IS_RUNNING, lease > NOW + seconds(2 * lease_seconds)).values({lease: full})
        latest = NOW + seconds(cap_seconds)
        yield _update(IS_QUEUED, due > latest).values({due: latest})
    elif jump > 0:
        yield _update(IS_RUNNING, lease < full).values({lease: full})
    elif jump < 0:
        yield _update(IS_RUNNING, lease > full).values({lease: full})
        yield _update(IS_QUEUED, due > NOW).values({due: due - seconds(-jump)})


def _update(*conditions: ColumnElement[bool]) -> Update:
    return update(TASKS).where(*conditions)
