"""What the processes of a service are, and what they use."""

from __future__ import annotations

import re
import resource
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tests.command_lines import command_of

SAMPLE_SECONDS = 0.5
ROLES = (
    (r"^\S*/(gcs_server|raylet) ", "Ray core"),  # first: the raylet's options name the dashboard
    (r"^ray::(Embedder)\b", "embedder"),
    (r"^ray::\w*(Runner)\b", "runners"),
    (r"^ray::(JobManager)\b", "job manager"),
    (r"^ray::(EmbeddedStores)\b", "keeper of the stores"),
    (r"^ray::ServeReplica", "API"),
    (r"^ray::(ServeController|ProxyActor)\b", "Serve"),
    (
        r"^ray::(DashboardAgent|RuntimeEnvAgent)|dashboard|log_monitor|monitor\.py",
        "dashboard, logs",
    ),
    (r"^ray::(_StatsActor|_Autoscaling)", "Ray Data's own"),
    (r"^ray::", "Ray workers"),
    (r"sandbox\.server", "parsers"),
    (r"spawn_main", "plain processes"),
    (r"milvus_lite", "Milvus Lite"),
    (r"postgres", "PostgreSQL"),
    (r"paperworks|serve_app\.cli", "paperworks up"),
)
Key = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds of a process itself, and of its children that have ended; and its parent."""

    parent: int = 0
    own: float = 0.0
    ended_children: float = 0.0


NOTHING_USED = Used()


@dataclass
class Usage:
    """Processes of one role: how many, their PSS and RSS in bytes."""

    processes: int = 0
    pss: int = 0
    rss: int = 0


def tree(roots: Iterable[int]) -> list[psutil.Process]:
    """The processes of these pids, with all that they started."""
    found: dict[int, psutil.Process] = {}
    for pid in roots:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            found.update({one.pid: one for one in (root, *root.children(recursive=True))})
    return list(found.values())


def role_of(process: psutil.Process) -> str:
    """What the process is for, by its command line."""
    line = command_of(process) or process.name()
    return next((role for pattern, role in ROLES if re.search(pattern, line)), "other")


def memory_by_role(root: int) -> dict[str, Usage]:
    """Memory of the process and of all that it started, largest first."""
    usage: dict[str, Usage] = {}
    for process in tree([root]):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            memory = process.memory_full_info()
            mine = usage.setdefault(role_of(process), Usage())
            mine.processes += 1
            mine.pss += getattr(memory, "pss", memory.rss)
            mine.rss += memory.rss
    return dict(sorted(usage.items(), key=lambda item: -item[1].pss))


def cpu_seconds() -> float:
    """CPU seconds of this process so far, and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


class CpuMeter:
    """CPU seconds, by role, of processes and all that they start, within a `with` block.

    A process that ended between two samples counts for its parent, if that waited for it.
    """

    def __init__(self, roots: Iterable[int]) -> None:
        self.roots = list(roots)
        self.before: dict[Key, Used] = {}
        self.last: dict[Key, Used] = {}
        self.running: set[Key] = set()
        self.roles: dict[Key, str] = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CpuMeter:
        self._sample()
        self.before = dict(self.last)
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self.thread.join()
        self._sample()

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(self.by_role().values())

    def by_role(self) -> dict[str, float]:
        """CPU seconds of each role, largest first."""
        sums: dict[str, float] = {}
        unseen = self._unseen()
        for key, used in self.last.items():
            role = self.roles[key]
            own = used.own - self.before.get(key, NOTHING_USED).own
            sums[role] = sums.get(role, 0.0) + own + unseen[key]
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def _unseen(self) -> dict[Key, float]:
        """Returns what ended children of each process used, without those that were sampled."""
        unseen = {
            key: used.ended_children - self.before.get(key, NOTHING_USED).ended_children
            for key, used in self.last.items()
        }
        key_of = {key[0]: key for key in self.last}
        for key in self.last.keys() - self.running:
            used = self.last[key]
            if (parent := key_of.get(used.parent)) is not None:
                unseen[parent] -= used.own + used.ended_children
        return {key: max(0.0, seconds) for key, seconds in unseen.items()}

    def _watch(self) -> None:
        while not self.ended.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        self.running = set()
        for process in tree(self.roots):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                key = (process.pid, process.create_time())
                # A Ray worker is named after its work: the first name that says something stays.
                if self.roles.get(key, "Ray workers") in ("Ray workers", "other"):
                    self.roles[key] = role_of(process)
                self.last[key] = used_by(process)
                self.running.add(key)


def used_by(process: psutil.Process) -> Used:
    """Returns what the process has used since its start."""
    times = process.cpu_times()
    children = times.children_user + times.children_system
    return Used(process.ppid(), times.user + times.system, children)
