"""The targets of chaos tests: processes of one service, found by role in its process tree."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import psutil

from tests.command_lines import command_of

SANDBOX = "runtime.sandbox.server"
FIND_TIMEOUT_SECONDS = 30.0
KILL_TIMEOUT_SECONDS = 20.0
POLL_SECONDS = 0.004  # a child of the parser lives for a few hundredths of a second

Process = tuple[psutil.Process, str]  # with its command line
HasRole = Callable[[Process], bool]


@dataclass(frozen=True, slots=True)
class Target:
    """A role of a process and the fault that is injected into it.

    `has_role` recognizes the process. `stopped_seconds` is the duration of a SIGSTOP; None means
    SIGKILL. `is_permanent` is true if a process of this role exists also without work.
    """

    name: str
    has_role: HasRole
    stopped_seconds: float | None = None
    is_permanent: bool = True

    @property
    def fault(self) -> str:
        """Returns the name of the injected fault."""
        return "kill -9" if self.stopped_seconds is None else f"stop {self.stopped_seconds:g} s"


def _command_matches(pattern: str) -> HasRole:
    return lambda process: re.search(pattern, process[1]) is not None


def _is_parser(process: Process) -> bool:
    return SANDBOX in process[1] and _parent_command(process[0]).startswith("ray::")


def _is_parser_child(process: Process) -> bool:
    return SANDBOX in process[1] and SANDBOX in _parent_command(process[0])


def _is_busy_data_worker(process: Process) -> bool:
    return process[1].startswith("ray::Map(")


def _parent_command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        parent = process.parent()
        return command_of(parent) if parent else ""
    return ""


PARSER_CHILD = Target("parser child", _is_parser_child, is_permanent=False)


def all_targets(lease_seconds: float) -> tuple[Target, ...]:
    """Returns every role that is killed, and three that are suspended for longer than a lease."""
    manager = Target("JobManager", _command_matches(r"^ray::JobManager"))
    runner = Target("runner", _command_matches(r"^ray::Runner"))
    worker = Target("Ray worker", _is_busy_data_worker, is_permanent=False)
    return (
        manager,
        runner,
        Target("embedder", _command_matches(r"^ray::Embedder")),
        Target("parser server", _is_parser, is_permanent=False),
        PARSER_CHILD,
        worker,
        Target("Serve replica", _command_matches(r"^ray::ServeReplica")),
        Target("Serve controller", _command_matches(r"^ray::ServeController")),
        Target("owner of the stores", _command_matches(r"^ray::EmbeddedStores")),
        Target("Milvus Lite", _command_matches(r"milvus_lite_process")),
        Target("PostgreSQL", _command_matches(r"bin/postgres -D")),
        *(replace(one, stopped_seconds=1.5 * lease_seconds) for one in (manager, runner, worker)),
    )


def wait_for_process(target: Target, root: int) -> psutil.Process:
    """Returns a process of that role below `root`. Raises TimeoutError if none appears."""
    deadline = time.monotonic() + FIND_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if found := next(find_processes(target, root), None):
            return found
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"There is no {target.name} below process {root}.")


def find_processes(target: Target, root: int) -> Iterator[psutil.Process]:
    """Yields the processes of that role below `root`."""
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(root).children(recursive=True):
            command = command_of(process)
            if command and target.has_role((process, command)):
                yield process


def inject_fault(target: Target, process: psutil.Process) -> None:
    """Kills the process, or suspends it for `stopped_seconds` and resumes it."""
    if target.stopped_seconds is None:
        process.send_signal(signal.SIGKILL)
        return
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(target.stopped_seconds)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)


def kill_all(root: int) -> None:
    """Kills process `root` and all of its descendants.

    All are suspended first, so that none reacts to the death of another.
    """
    top = psutil.Process(root)
    processes = [top, *top.children(recursive=True)]
    for signal_number in (signal.SIGSTOP, signal.SIGKILL):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal_number)
    _, alive = psutil.wait_procs(processes, timeout=KILL_TIMEOUT_SECONDS)
    assert not alive, alive
