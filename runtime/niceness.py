"""Who works in the background lets those go first who answer people."""

from __future__ import annotations

import os
from functools import lru_cache

NICE = 15


@lru_cache(maxsize=1)
def lower_cpu_priority() -> None:
    """This process yields the CPU to the API, the JobManager and the databases; once is enough.

    Without it eight uploads at once, while a folder was ingested on two cores, were acknowledged
    after 112 ms (median) instead of 74: the model's threads took as much CPU as the door did.
    """
    os.nice(NICE)
