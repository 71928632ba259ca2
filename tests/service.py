"""`paperworks up` as a newcomer starts it, and the programs that talk to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psutil

from runtime.ports import free_port
from runtime.processes import tail
from serve_app.process.environment import LOOPBACK_NODE, ray_token_variables

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
READY = "Paperworks is ready: http"  # a traceback quotes the line that prints it
READY_WITHIN_SECONDS = 280.0
STOPPED_WITHIN_SECONDS = 40.0  # 6 to 9 s on a machine that has nothing else to do
MARK = "TEST_SERVICE_MARK"
LEASE_SECONDS = 4.0
# The work of a killed JobManager is soon found.
SHORT_LEASES = {
    "PAPERWORKS_JOBS__LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "PAPERWORKS_JOBS__BACKOFF_BASE_SECONDS": "1",
}
OURS = ("PAPERWORKS_", "RAY_", "XDG_", "DATABASE_URL", "MILVUS_URI", "BLOB_URI", MARK)


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment without anything that would steer a service or join it to a cluster."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, **more}


@contextmanager
def own_service(models: Path, **environment: str) -> Iterator[tuple[RunningService, Path]]:
    """A ready service, and the folder that its home and other files are in; both are gone
    afterwards. Converted models are kept in `models`."""
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pw-") as name:
        folder = Path(name)
        home, kept = folder / "home", models.resolve()
        service = RunningService(home, models=kept, command=(), port=None, **environment)
        try:
            service.wait_for(READY)
            yield service, folder
        finally:
            service.kill()


def _take_interrupts() -> None:
    """A shell ignores SIGINT for background jobs, and `serve run` keeps what it inherits."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class RunningService:
    """A service with a home and ports of its own; `stop` proves that nothing of it is left."""

    def __init__(
        self,
        home: Path,
        *,
        models: Path | None = None,
        command: Sequence[str] = (),
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
        self.command = list(command) or [str(BIN / "paperworks"), "up", *address]
        self.seen: dict[int, psutil.Process] = {}
        home.mkdir(parents=True, exist_ok=True)
        if models is not None and not (home / "models").exists():
            (home / "models").symlink_to(models)  # converting the model takes most of a first start
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
                preexec_fn=_take_interrupts,
            )

    def wait_for(self, words: str, within_seconds: float = READY_WITHIN_SECONDS) -> None:
        """Returns when the log holds these words."""
        deadline = time.monotonic() + within_seconds
        while words not in self.said():
            assert self.process.poll() is None, f"The service ended:\n{self.said()}"
            assert time.monotonic() < deadline, f"{words!r} was not said:\n{self._evidence()}"
            time.sleep(0.1)
        self._look()

    def said(self) -> str:
        """Everything that it printed."""
        return self.log.read_text(errors="replace")

    def _evidence(self) -> str:
        """What it printed, what runs, and how the logs of its servers end."""
        self._look()
        logs = "".join(tail(log) for log in self.home.glob("stores/*/*.log"))
        return "\n".join([self.said(), *self.left(), logs])

    @property
    def service_info(self) -> dict[str, Any]:
        """Returns the content of `service.json`."""
        return json.loads((self.home / "service.json").read_text())

    @property
    def on_cluster(self) -> dict[str, str]:
        """The variables of a program that joins its cluster or asks its dashboard."""
        return {**ray_token_variables(Path(self.service_info["ray_token_path"])), **LOOPBACK_NODE}

    @property
    def ray_headers(self) -> dict[str, str]:
        """Headers with which its dashboard answers."""
        return {"Authorization": f"Bearer {Path(self.service_info['ray_token_path']).read_text()}"}

    def stop(
        self,
        how: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 0,
        *,
        whole_group: bool = False,
    ) -> None:
        """Returns when it has ended in time and with status 0, and nothing of it is left.

        `grace_seconds`: for how long others may outlive the first process.
        `whole_group`: all of its process group get the signal at once, as from systemd.
        """
        self._look()
        if whole_group:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        try:
            assert self._status() == 0, self._evidence()
            deadline = time.monotonic() + grace_seconds
            while self.left() and time.monotonic() < deadline:
                time.sleep(0.2)
            assert not (left := self.left()), left
        finally:
            self.kill()

    def _status(self) -> int | None:
        """The exit status; None when the process does not end in time."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(STOPPED_WITHIN_SECONDS)
        return None

    def kill(self) -> None:
        """Ends whatever is left of it, by process id."""
        if self.process.poll() is None:
            self._look()
            self.process.kill()
            self.process.wait()
        for process in self._alive():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def left(self) -> list[str]:
        """Command lines of the processes that belong to it."""
        lines = []
        for process in self._alive():
            with suppress(psutil.NoSuchProcess):
                if command := process.cmdline():  # it has none while it is dying
                    lines.append(f"{process.pid} {' '.join(command)[:200]}")
        return lines

    def _look(self) -> None:
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            self.seen |= {one.pid: one for one in top.children(recursive=True)}

    def _alive(self) -> list[psutil.Process]:
        """Those that were seen below it, and those that carry its mark or its home: strays too."""
        strays = [one for one in psutil.process_iter() if self._is_ours(one)]
        known = [one for one in self.seen.values() if one.is_running() and not _is_zombie(one)]
        return list({one.pid: one for one in [*known, *strays]}.values())

    def _is_ours(self, process: psutil.Process) -> bool:
        if process.pid == self.process.pid:
            return False
        with suppress(psutil.Error):
            marked = process.environ().get(MARK) == self.mark
            return marked or f"{self.home}/" in " ".join(process.cmdline())
        return False


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Driver:
    """A program on the service's Ray cluster: one question at a time, answered as JSON."""

    def __init__(self, service: RunningService) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.driver", service.service_info["ray_address"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(**service.on_cluster),
            text=True,
        )

    def ask(self, name: str, **arguments: Any) -> Any:
        """What the function of that name in `tests/driver.py` returns."""
        writer, reader = _pipes(self.process)
        writer.write(json.dumps([name, arguments]) + "\n")
        writer.flush()
        answer = json.loads(reader.readline() or '{"error": "the driver ended"}')
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def close(self) -> None:
        """Ends the program."""
        writer, _ = _pipes(self.process)
        with suppress(BrokenPipeError):
            writer.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout


def run_program(
    *command: str | Path, environment: Mapping[str, str] | None = None, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """A program of the virtual environment, run to its end in the checkout."""
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
