"""Memory of every process of a service over the papers it has taken in, and how fast it grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

from tests.bench.processes import role_of, tree

MB = 1e6
TOGETHER = ("PostgreSQL",)  # its processes come and go: one line for all
WARM_SHARE = 0.25  # of the samples: what is loaded for the first papers is no growth
SEEN_SHARE = 0.3  # of the samples; who was seen less often came and went


@dataclass
class Line:
    """PSS of one process in bytes, at so many papers."""

    name: str
    papers: list[int] = field(default_factory=list)
    pss: list[int] = field(default_factory=list)

    @property
    def middle(self) -> int:
        """What it had in the middle of its time."""
        return self.pss[len(self.pss) // 2]

    @property
    def slope(self) -> float:
        """Bytes more for each paper, by least squares over what came after the warm-up."""
        warm = int(WARM_SHARE * len(self.pss))
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
        """Notes what every process has now."""
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
        """Lines of those who were there for some time, the fastest growing first."""
        seen = [one for one in self.lines.values() if len(one.pss) > SEEN_SHARE * self.samples]
        return sorted(seen, key=lambda line: -line.slope)

    def _processes(self) -> Iterator[tuple[str, int]]:
        for process in tree([self.root]):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                role = role_of(process)
                name = role if role in TOGETHER else f"{role} {process.pid}"
                yield name, process.memory_full_info().pss
