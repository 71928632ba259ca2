"""Keeps the embedded PostgreSQL and Milvus Lite servers running."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Protocol

from runtime.log_rotation import LIMIT_BYTES, rotate
from stores.embedded.embedded_milvus import EmbeddedMilvus
from stores.embedded.embedded_postgres import EmbeddedPostgres

log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 0.2
LOG_CHECK_SECONDS = 5.0


class Server(Protocol):
    """A server process of our own, its output in `log`."""

    log: Path
    process: subprocess.Popen[bytes] | None

    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...


class EmbeddedStores:
    """Owns the servers' processes; both die with it, and it starts again those that die.

    Remembers nothing that matters: the data rests under `root`, the ports come with the
    constructor, so a restarted actor serves the same addresses.
    """

    def __init__(self, root: str, postgres_port: int | None, milvus_port: int | None) -> None:
        self.watches: dict[str, Watch] = {}
        self.wanted_ports = (postgres_port, milvus_port)
        if postgres_port:
            postgres = EmbeddedPostgres(Path(root) / "postgres", postgres_port)
            self.watches["postgres"] = Watch("PostgreSQL", postgres)
        if milvus_port:
            milvus = EmbeddedMilvus(Path(root) / "milvus", milvus_port)
            self.watches["milvus"] = Watch("Milvus Lite", milvus)

    def ready(self) -> dict[str, float]:
        """Seconds that each server took to start, once all of them accept connections."""
        return {name: watch.wait_until_up() for name, watch in self.watches.items()}

    def ports(self) -> tuple[int | None, int | None]:
        """Ports of PostgreSQL and of Milvus Lite, None for one that is not embedded."""
        return self.wanted_ports

    def pids(self) -> dict[str, int | None]:
        """Process ids of the servers and of this actor."""
        servers = {name: watch.pid() for name, watch in self.watches.items()}
        return {**servers, "actor": os.getpid()}

    def stop(self) -> None:
        """Returns when the servers have written everything down and ended."""
        for watch in self.watches.values():
            watch.stop()


class Watch:
    """A thread that starts a server, starts it again whenever it ends, and rotates its log."""

    def __init__(self, name: str, server: Server, log_limit_bytes: int = LIMIT_BYTES) -> None:
        self.name = name
        self.server = server
        self.log_limit_bytes = log_limit_bytes
        self.next_log_check = 0.0
        self.up = threading.Event()
        self.stopping = threading.Event()
        self.seconds = 0.0
        # The servers ask Linux for a signal when the thread that started them ends: it must last.
        self.thread = threading.Thread(target=self._keep_running, name=name, daemon=True)
        self.thread.start()

    def wait_until_up(self) -> float:
        """Seconds that the last start took. Raises RuntimeError after a minute without one."""
        if not self.up.wait(60):
            raise RuntimeError(
                f"{self.name} has not started within 60 s; its log lies beside its data."
            )
        return self.seconds

    def pid(self) -> int | None:
        """Process id of the server, None while it is down."""
        process = self.server.process
        return process.pid if process and self.server.alive() else None

    def stop(self) -> None:
        """Returns when the server has ended for good."""
        self.stopping.set()
        self.thread.join(20)

    def _keep_running(self) -> None:
        while not self.stopping.is_set():
            self._start()
            while self.server.alive() and not self.stopping.wait(LOOK_EVERY_SECONDS):
                self._rotate_log()
            self.up.clear()
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
        began = time.monotonic()
        try:
            self.server.start()
        except Exception:
            log.exception("%s did not start; trying again", self.name)
            self.stopping.wait(1)
            return
        self.seconds = time.monotonic() - began
        self.up.set()
        log.info("%s is up after %.1f s", self.name, self.seconds)
