"""Supervises the embedded PostgreSQL and Milvus Lite servers."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Protocol

from runtime.log_rotation import LIMIT_BYTES, rotate
from stores.embedded.embedded_milvus import START_SECONDS, EmbeddedMilvus
from stores.embedded.embedded_postgres import EmbeddedPostgres

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
LOG_CHECK_SECONDS = 5.0


class Server(Protocol):
    """An embedded server process; its output goes to `log`."""

    log: Path
    process: subprocess.Popen[bytes] | None

    @property
    def activity(self) -> str: ...

    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...


class EmbeddedStores:
    """Owns the server processes: restarts those that die; both end together with this actor.

    Holds no state of its own: the data is under `root` and the ports are constructor arguments, so
    a restarted actor serves the same addresses.
    """

    def __init__(self, root: str, postgres_port: int | None, milvus_port: int | None) -> None:
        self.supervisors: dict[str, ServerSupervisor] = {}
        self.configured_ports = (postgres_port, milvus_port)
        if postgres_port:
            postgres = EmbeddedPostgres(Path(root) / "postgres", postgres_port)
            self.supervisors["postgres"] = ServerSupervisor("PostgreSQL", postgres)
        if milvus_port:
            milvus = EmbeddedMilvus(Path(root) / "milvus", milvus_port)
            self.supervisors["milvus"] = ServerSupervisor("Milvus Lite", milvus)

    def ready(self) -> dict[str, float]:
        """Waits until all servers accept connections; returns the start time of each in seconds."""
        return {name: server.wait_until_ready() for name, server in self.supervisors.items()}

    def states(self) -> dict[str, str]:
        """Returns what each server that does not accept connections does, by the name of its check
        in /readyz."""
        names = {"postgres": "database", "milvus": "vector_store"}
        states = {names[name]: server.state() for name, server in self.supervisors.items()}
        return {name: state for name, state in states.items() if state is not None}

    def ports(self) -> tuple[int | None, int | None]:
        """Returns the ports of PostgreSQL and of Milvus Lite; None for one that is not embedded."""
        return self.configured_ports

    def pids(self) -> dict[str, int | None]:
        """Returns the process ids of the servers and of this actor."""
        servers = {name: server.pid() for name, server in self.supervisors.items()}
        return {**servers, "actor": os.getpid()}

    def stop(self) -> None:
        """Stops the servers; returns after they have flushed their data and exited."""
        for server in self.supervisors.values():
            server.stop()


class ServerSupervisor:
    """A thread that starts a server, restarts it whenever it exits, and rotates its log."""

    def __init__(self, name: str, server: Server, log_limit_bytes: int = LIMIT_BYTES) -> None:
        self.name = name
        self.server = server
        self.log_limit_bytes = log_limit_bytes
        self.next_log_check = 0.0
        self.ready = threading.Event()
        self.stopping = threading.Event()
        self.start_seconds = 0.0
        # PR_SET_PDEATHSIG fires when the thread that started the server ends, so this thread must
        # live as long as the server.
        self.thread = threading.Thread(target=self._keep_running, name=name, daemon=True)
        self.thread.start()

    def wait_until_ready(self) -> float:
        """Returns the seconds that the last start took. Raises RuntimeError after 300 s."""
        if not self.ready.wait(START_SECONDS):
            raise RuntimeError(
                f"{self.name} has not started within {START_SECONDS:.0f} s. "
                f"See its log in {self.server.log.parent}."
            )
        return self.start_seconds

    def state(self) -> str | None:
        """Returns what the start of the server does; None while it accepts connections."""
        return None if self.ready.is_set() else f"{self.name}: {self.server.activity}"

    def pid(self) -> int | None:
        """Returns the process id of the server, None while it is down."""
        process = self.server.process
        return process.pid if process and self.server.alive() else None

    def stop(self) -> None:
        """Stops the server without a restart; returns after it has exited."""
        self.stopping.set()
        self.thread.join(20)

    def _keep_running(self) -> None:
        while not self.stopping.is_set():
            self._start()
            while self.server.alive() and not self.stopping.wait(POLL_SECONDS):
                self._rotate_log()
            self.ready.clear()
        self.server.stop()

    def _rotate_log(self) -> None:
        now = time.monotonic()
        if now < self.next_log_check:
            return
        self.next_log_check = now + LOG_CHECK_SECONDS
        try:
            rotate(self.server.log, self.log_limit_bytes)
        except OSError as error:
            log.warning("The log of %s was not rotated: %s", self.name, error)

    def _start(self) -> None:
        started_at = time.monotonic()
        try:
            self.server.start()
        except Exception:
            log.exception("%s did not start; retrying", self.name)
            self.stopping.wait(1)
            return
        self.start_seconds = time.monotonic() - started_at
        self.ready.set()
        log.info("%s started in %.1f s", self.name, self.start_seconds)
