"""(e) Memory of every process of the service, and the CPU it uses while it has nothing to do."""

from __future__ import annotations

import time

from tests.bench.folder import ingest
from tests.bench.processes import CpuMeter, Usage, memory_by_role
from tests.bench.report import Figure, Findings
from tests.bench.stage import Stage

IDLE_SECONDS, SETTLING_SECONDS = 20, 3
GB, MB = 1e9, 1e6


def measure(stage: Stage) -> Findings:
    """PSS after the warm-up and after a folder, and idle CPU; nothing raw to compare with."""
    time.sleep(SETTLING_SECONDS)
    before = memory_by_role(stage.pid)
    with CpuMeter([stage.pid]) as meter:
        time.sleep(IDLE_SECONDS)
    ingest(stage, stage.papers, "bench-memory")
    time.sleep(SETTLING_SECONDS)
    after = memory_by_role(stage.pid)
    idle = meter.by_role()
    target = "2.8 GB at most"
    return Findings(
        [
            Figure("PSS after the warm-up", _pss(before), "GB", target=target, peer="1.52 GB"),
            Figure("PSS after a folder", _pss(after), "GB", target=target, peer="1.96 GB"),
            Figure("idle CPU, of one core", 100 * meter.seconds / IDLE_SECONDS, "%", peer="0.94 %"),
        ],
        {
            "PSS (RSS) in MB after the warm-up": _shown(before),
            "PSS (RSS) in MB after a folder": _shown(after),
            "idle CPU in per cent of a core": {
                role: round(100 * seconds / IDLE_SECONDS, 2)
                for role, seconds in idle.items()
                if seconds
            },
        },
    )


def _pss(usage: dict[str, Usage]) -> float:
    return sum(one.pss for one in usage.values()) / GB


def _shown(usage: dict[str, Usage]) -> dict[str, str]:
    return {
        f"{role} x{one.processes}": f"{one.pss / MB:.0f} ({one.rss / MB:.0f})"
        for role, one in usage.items()
    }
