"""Memory of every process of a service over the number of processed papers, and its growth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

from tests.bench.processes import role_of, tree

MB = 1e6
GROUPED_ROLES = ("PostgreSQL",)  # its processes start and end: one line for all
WARM_UP_SHARE = 0.25  # of the samples, ignored: the first papers load models and caches
MIN_SAMPLES_SHARE = 0.3  # of the samples; processes with fewer samples are not shown


@dataclass
class Line:
    """PSS of one process in bytes, by the number of processed papers."""

    name: str
    papers: list[int] = field(default_factory=list)
    pss: list[int] = field(default_factory=list)

    @property
    def middle(self) -> int:
        """Returns the PSS of the middle sample."""
        return self.pss[len(self.pss) // 2]

    @property
    def slope(self) -> float:
        """Returns the growth in bytes per paper after the warm-up, by least squares."""
        warm = int(WARM_UP_SHARE * len(self.pss))
        papers, pss = self.papers[warm:], self.pss[warm:]
        if len(set(papers)) < 2:
            return 0.0
        return float(np.polyfit(papers, pss, 1)[0])


class MemoryOverPapers:
    """A line for each process of the service, and one for all of them."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.samples = 0
        self.lines: dict[str, Line] = {}

    def sample(self, papers: int) -> None:
        """Records the PSS of every process."""
        self.samples += 1
        now: dict[str, int] = {"all together": 0}
        for name, pss in self._processes():
            now[name] = now.get(name, 0) + pss
            now["all together"] += pss
        for name, pss in now.items():
            line = self.lines.setdefault(name, Line(name))
            line.papers.append(papers)
            line.pss.append(pss)

    def shown(self) -> list[Line]:
        """Returns the lines of long-lived processes, the fastest growing first."""
        lines = [
            one for one in self.lines.values() if len(one.pss) > MIN_SAMPLES_SHARE * self.samples
        ]
        return sorted(lines, key=lambda line: -line.slope)

    def _processes(self) -> Iterator[tuple[str, int]]:
        for process in tree([self.root]):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                role = role_of(process)
                name = role if role in GROUPED_ROLES else f"{role} {process.pid}"
                yield name, process.memory_full_info().pss
