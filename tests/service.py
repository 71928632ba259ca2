"""A service started with `paperworks up`, and the programs that use it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Self

import psutil

from runtime.ports import free_port
from runtime.processes import tail
from serve_app.process.environment import LOOPBACK_NODE, ray_token_variables
from tests.command_lines import command_of
from tests.paths import BIN, ROOT

READY = "Paperworks is ready: http"  # a traceback quotes the line that prints it
START_TIMEOUT_SECONDS = 280.0
STOP_TIMEOUT_SECONDS = 90.0  # 6 to 9 s on an idle machine
MARK = "TEST_SERVICE_MARK"
# A shell ignores SIGINT for background jobs, and `serve run` inherits that.
WITH_SIGINT = ("env", "--default-signal=INT")
LEASE_SECONDS = 4.0
# Short leases: tasks of a killed JobManager are requeued after a few seconds.
SHORT_LEASES = {
    "PAPERWORKS_JOBS__LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "PAPERWORKS_JOBS__BACKOFF_BASE_SECONDS": "1",
}
Receiver = Literal["process", "thread", "group"]  # of a signal
SERVICE_VARIABLES = ("PAPERWORKS_", "RAY_", "XDG_", "DATABASE_URL", "MILVUS_URI", "BLOB_URI", MARK)


def clean_environment(**more: str) -> dict[str, str]:
    """Returns the environment without variables that configure a service or join a cluster."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(SERVICE_VARIABLES)
    }
    return {**kept, **more}


@contextmanager
def own_service(models: Path, **environment: str) -> Iterator[tuple[RunningService, Path]]:
    """Yields a ready service and the temporary folder that contains its home.

    Both are removed afterwards. Converted models are kept in `models`.
    """
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pw-") as name:
        folder = Path(name)
        home, kept = folder / "home", models.resolve()
        with RunningService(home, models=kept, command=(), port=None, **environment) as service:
            service.wait_for(READY)
            yield service, folder


@contextmanager
def ready_service(home: Path, models: Path, **environment: str) -> Iterator[RunningService]:
    """Yields a ready service; asserts at the end that it stops with all its processes."""
    with RunningService(home, models=models, command=(), port=None, **environment) as service:
        service.wait_for(READY)
        yield service
        service.stop()


class RunningService:
    """A service with its own home and ports; `stop` asserts that none of its processes remains.

    As a context manager it is killed at the end of the block.
    """

    def __init__(
        self,
        home: Path,
        *,
        models: Path | None = None,
        command: Sequence[str] = (),
        options: Sequence[str] = (),
        port: int | None = None,
        **environment: str,
    ) -> None:
        self.home = home
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.with_suffix(".log")
        self.mark = uuid.uuid4().hex
        self.environment = clean_environment(
            PAPERWORKS_RAY__DASHBOARD_PORT=str(free_port()), **environment, **{MARK: self.mark}
        )
        address = ["--port", str(self.port), "--home", str(home)]
        self.command = list(command) or [str(BIN / "paperworks"), "up", *address, *options]
        self.descendants: dict[int, psutil.Process] = {}
        home.mkdir(parents=True, exist_ok=True)
        if models is not None and not (home / "models").exists():
            (home / "models").symlink_to(models)  # conversion takes most of a first start
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*WITH_SIGINT, *self.command],
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_for(self, words: str, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Returns when the output contains these words."""
        deadline = time.monotonic() + timeout_seconds
        while words not in self.output():
            assert self.process.poll() is None, f"The service ended:\n{self.output()}"
            assert time.monotonic() < deadline, f"{words!r} is missing:\n{self._diagnostics()}"
            time.sleep(0.1)
        self._record_processes()

    def output(self) -> str:
        """Returns everything that the service printed."""
        return self.log.read_text(errors="replace")

    def _diagnostics(self) -> str:
        """Returns the output, the running processes, and the ends of the servers' logs."""
        self._record_processes()
        logs = "".join(tail(log) for log in self.home.glob("stores/*/*.log"))
        return "\n".join([self.output(), *self.remaining(), logs])

    @property
    def service_info(self) -> dict[str, Any]:
        """Returns the content of `service.json`."""
        return json.loads((self.home / "service.json").read_text())

    @property
    def cluster_environment(self) -> dict[str, str]:
        """Returns the variables of a program that joins the cluster or uses the dashboard."""
        return {**ray_token_variables(Path(self.service_info["ray_token_path"])), **LOOPBACK_NODE}

    @property
    def ray_headers(self) -> dict[str, str]:
        """Returns the headers that authorize requests to the dashboard."""
        return {"Authorization": f"Bearer {Path(self.service_info['ray_token_path']).read_text()}"}

    def stop(
        self,
        signal_number: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 0,
        *,
        receiver: Receiver = "process",
    ) -> None:
        """Sends the signal; asserts exit status 0 within the timeout and no remaining process.

        `grace_seconds`: how long child processes may outlive the first process.
        `receiver`: "group" is the whole process group at once, as from systemd; "thread" is one
        that is not the main thread, which Linux may choose for a signal to the process.
        """
        self._record_processes()
        self._send(signal_number, receiver)
        try:
            assert self._exit_status() == 0, self._diagnostics()
            deadline = time.monotonic() + grace_seconds
            while self.remaining() and time.monotonic() < deadline:
                time.sleep(0.2)
            assert not (remaining := self.remaining()), remaining
        finally:
            self.kill()

    def _send(self, signal_number: signal.Signals, receiver: Receiver) -> None:
        if receiver == "group":
            os.killpg(self.process.pid, signal_number)
        elif receiver == "thread":
            _signal_other_thread(self.process.pid, signal_number)
        else:
            self.process.send_signal(signal_number)

    def _exit_status(self) -> int | None:
        """Returns the exit status; None if the process does not end in time."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(STOP_TIMEOUT_SECONDS)
        return None

    def kill(self) -> None:
        """Kills all remaining processes of the service by process id."""
        if self.process.poll() is None:
            self._record_processes()
            self.process.kill()
            self.process.wait()
        for process in self._alive():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def remaining(self) -> list[str]:
        """Returns the pids and command lines of the running processes of the service."""
        commands = [(process.pid, command_of(process)) for process in self._alive()]
        return [f"{pid} {command[:200]}" for pid, command in commands if command]

    def listening_sockets(self) -> list[tuple[str, int, str]]:
        """Returns the IP address, the port and the command line of each listening socket.

        Workers start and end meanwhile; a process that has ended listens on nothing.
        """
        return [found for one in self.processes() for found in _listening_sockets(one)]

    def processes(self) -> list[psutil.Process]:
        """Returns the first process and its descendants."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def _record_processes(self) -> None:
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            self.descendants |= {one.pid: one for one in top.children(recursive=True)}

    def _alive(self) -> list[psutil.Process]:
        """Returns known descendants, and orphans with the mark or the home of the service."""
        orphans = [one for one in psutil.process_iter() if self._has_mark_or_home(one)]
        known = [one for one in self.descendants.values() if one.is_running()]
        alive = [one for one in known if not _is_zombie(one)]
        return list({one.pid: one for one in [*alive, *orphans]}.values())

    def _has_mark_or_home(self, process: psutil.Process) -> bool:
        if process.pid == self.process.pid:
            return False
        with suppress(psutil.Error):
            marked = process.environ().get(MARK) == self.mark
            return marked or f"{self.home}/" in " ".join(process.cmdline())
        return False


def _signal_other_thread(process: int, number: signal.Signals) -> None:
    """Sends the signal to a thread that accepts it and is not the main thread."""
    for thread in psutil.Process(process).threads():
        if thread.id != process and _accepts(process, thread.id, number):
            assert ctypes.CDLL(None).tgkill(process, thread.id, number) == 0
            return
    raise AssertionError(f"no other thread of {process} accepts {number.name}")


def _accepts(process: int, thread: int, number: signal.Signals) -> bool:
    """False if the thread blocks the signal (proc(5)), or has ended."""
    with suppress(FileNotFoundError):
        status = Path(f"/proc/{process}/task/{thread}/status").read_text()
        return not int(status.partition("SigBlk:")[2].split()[0], 16) >> (number - 1) & 1
    return False


def _listening_sockets(process: psutil.Process) -> list[tuple[str, int, str]]:
    try:
        command = " ".join(process.cmdline())
        return [
            (connection.laddr.ip, connection.laddr.port, command)
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    except psutil.Error:
        # Only root may list the files of a zombie; others get AccessDenied.
        if not _is_zombie(process):
            raise
        return []


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def run_program(
    *command: str | Path, environment: Mapping[str, str] | None = None, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """Runs a program of the virtual environment in the checkout; returns it when it has ended."""
    program, *arguments = map(str, command)
    return subprocess.run(
        [str(BIN / program), *arguments],
        cwd=ROOT,
        env=clean_environment(**(environment or {})),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
