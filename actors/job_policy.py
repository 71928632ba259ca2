"""The options of leases, retries and upkeep. The setting group `jobs` extends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

DRAIN_SECONDS = 3.0  # how long the stop of the service waits for papers that are nearly done


@dataclass(frozen=True)
class JobPolicy:
    """Times of leases and retries, and numbers of attempts."""

    lease_seconds: Annotated[
        float,
        Field(
            description="Seconds that a lease on a task lasts without a heartbeat; then another "
            "JobManager may claim the task."
        ),
    ] = 15
    stall_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="The watchdog replaces a runner that reports no progress of a micro-batch "
            "for this many seconds; the papers of the batch are retried one by one.",
        ),
    ] = 900
    poll_seconds: Annotated[
        float, Field(description="Seconds between two polls of the queue without a wake-up.")
    ] = 1
    max_attempts: Annotated[
        int, Field(description="Number of claims after which a task fails.")
    ] = 4
    backoff_base_seconds: Annotated[
        float, Field(description="Seconds before the first retry; doubles with each retry.")
    ] = 2
    backoff_cap_seconds: Annotated[
        float, Field(description="Maximum number of seconds before a retry.")
    ] = 300
    keep_days: Annotated[
        float,
        Field(
            description="Days that a finished job is kept; its papers stay. With "
            "unacknowledged failures it is kept for a year."
        ),
    ] = 7
    reconcile_minutes: Annotated[
        float,
        Field(
            ge=0,
            description="Minutes between two comparisons of PostgreSQL and Milvus; the first one "
            "runs after the start. Missing chunks are indexed again, orphans are deleted. 0: none.",
        ),
    ] = 10
    runner_recycle_after: Annotated[
        int, Field(description="Micro-batches after which a runner process is replaced.")
    ] = 300
