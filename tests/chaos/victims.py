"""Who is killed: the processes of one service, found below it in the process tree by role."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import psutil

SANDBOX = "runtime.sandbox.server"
FOUND_WITHIN_SECONDS = 30.0
GONE_WITHIN_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.004  # a child of the parser lives for a few hundredths of a second

Process = tuple[psutil.Process, str]  # with its command line
Is = Callable[[Process], bool]


@dataclass(frozen=True, slots=True)
class Victim:
    """A role, what shows that a process has it, for how long it is stopped (None: killed), and
    whether somebody has that role also when there is no more work."""

    name: str
    is_one: Is
    stopped_seconds: float | None = None
    comes_back: bool = True

    @property
    def fate(self) -> str:
        """What is done to it, in words."""
        return "kill -9" if self.stopped_seconds is None else f"stop {self.stopped_seconds:g} s"


def _called(pattern: str) -> Is:
    return lambda process: re.search(pattern, process[1]) is not None


def _is_parser(process: Process) -> bool:
    return SANDBOX in process[1] and _parent_line(process[0]).startswith("ray::")


def _is_parser_child(process: Process) -> bool:
    return SANDBOX in process[1] and SANDBOX in _parent_line(process[0])


def _is_data_worker(process: Process) -> bool:
    """A worker that is at a paper."""
    return process[1].startswith("ray::Map(")


def _parent_line(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        parent = process.parent()
        return _line(parent) if parent else ""
    return ""


def victims(lease_seconds: float) -> tuple[Victim, ...]:
    """Everybody whose death the service must survive, and those who only seem dead for a while."""
    manager = Victim("JobManager", _called(r"^ray::JobManager"))
    runner = Victim("runner", _called(r"^ray::Runner"))
    worker = Victim("Ray worker", _is_data_worker, comes_back=False)
    return (
        manager,
        runner,
        Victim("embedder", _called(r"^ray::Embedder")),
        Victim("parser server", _is_parser, comes_back=False),
        Victim("parser child", _is_parser_child, comes_back=False),
        worker,
        Victim("Serve replica", _called(r"^ray::ServeReplica")),
        Victim("Serve controller", _called(r"^ray::ServeController")),
        Victim("owner of the stores", _called(r"^ray::EmbeddedStores")),
        Victim("Milvus Lite", _called(r"milvus_lite_server\.py")),
        Victim("PostgreSQL", _called(r"bin/postgres -D")),
        *(replace(one, stopped_seconds=1.5 * lease_seconds) for one in (manager, runner, worker)),
    )


def wait_for_one(victim: Victim, root: int) -> psutil.Process:
    """A process of that role below `root`. Raises TimeoutError when none shows up."""
    deadline = time.monotonic() + FOUND_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if found := next(those(victim, root), None):
            return found
        time.sleep(LOOK_EVERY_SECONDS)
    raise TimeoutError(f"There is no {victim.name} below process {root}.")


def those(victim: Victim, root: int) -> Iterator[psutil.Process]:
    """The processes of that role below `root`."""
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(root).children(recursive=True):
            line = _line(process)
            if line and victim.is_one((process, line)):
                yield process


def strike(victim: Victim, process: psutil.Process) -> None:
    """Returns when the process is gone, or has been stopped for its time and goes on."""
    if victim.stopped_seconds is None:
        process.send_signal(signal.SIGKILL)
        return
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(victim.stopped_seconds)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)


def kill_all(root: int) -> None:
    """Process `root` and all below it are gone; nobody had a moment to notice it of another."""
    top = psutil.Process(root)
    everybody = [top, *top.children(recursive=True)]
    for how in (signal.SIGSTOP, signal.SIGKILL):
        for process in everybody:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(how)
    _, left = psutil.wait_procs(everybody, timeout=GONE_WITHIN_SECONDS)
    assert not left, left


def _line(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
