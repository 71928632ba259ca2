"""`paperworks up`: the whole service in the foreground, and gone without a trace when it ends."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from filelock import FileLock, Timeout

from configs.settings import Settings
from runtime import service_info as service_card
from runtime.ports import is_listening
from runtime.private_files import private_folder, secret, write_private
from serve_app.process.environment import (
    RAY_TOKEN,
    path_with_our_python,
    ray_environment,
    serve_environment,
)
from serve_app.process.readiness import NotReady, wait_until_ready
from serve_app.process.refusals import CannotStart, refuse_open_door, refuse_secrets
from serve_app.process.temporary import TemporaryFolder

log = logging.getLogger(__name__)


def read_settings(config: Path | None, **given: Any) -> Settings:
    """Settings from a Serve deploy file, overridden by what was `given` and is not None.

    Raises CannotStart when a secret stands in the file.
    """
    arguments: dict[str, Any] = {}
    if config:
        document = yaml.safe_load(config.read_text()) or {}
        applications = document.get("applications") or [{}]
        arguments = dict(applications[0].get("args") or {})
        refuse_secrets(arguments)
        wanted = document.get("http_options") or {}
        address = {key: wanted[key] for key in ("host", "port") if key in wanted}
        arguments["http"] = {**(arguments.get("http") or {}), **address}
    http = {key: given.pop(key) for key in ("host", "port") if given.get(key) is not None}
    arguments["http"] = {**(arguments.get("http") or {}), **http}
    arguments.update({key: value for key, value in given.items() if value is not None})
    return Settings(**{**arguments, "http": {**_environment_http(), **arguments["http"]}})


def _environment_http() -> dict[str, Any]:
    """The http settings of the environment: a nested value given in full would hide them."""
    return Settings().http.model_dump(exclude_defaults=True)


class Service:
    """One service, from first process to last: `with Service(settings).running() as url`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://{settings.http.host}:{settings.http.port}"
        self.card = settings.home / service_card.NAME
        self.temporary = TemporaryFolder(settings.home)
        self.phases: dict[str, float] = {}

    @contextmanager
    def running(self) -> Iterator[str]:
        """The URL of the service, ready; everything that was started ends with the block."""
        refuse_open_door(self.settings)
        stop_on_signals()
        with self._home_locked():
            keeps_logs = False
            try:
                self._start()
                yield self.url
            except NotReady:
                keeps_logs = True  # Ray's: the message names them
                raise
            finally:
                self._stop()
                if not keeps_logs:
                    self.temporary.remove()

    @contextmanager
    def _home_locked(self) -> Iterator[None]:
        try:
            private_folder(self.settings.home)
        except PermissionError as error:
            raise CannotStart(str(error)) from error
        try:
            with FileLock(self.settings.home / service_card.LOCK, timeout=0):
                self.card.unlink(missing_ok=True)  # of a service that was killed
                yield
        except Timeout as error:
            raise CannotStart(
                f"Another service uses {self.settings.home}. Stop it, or give this one --home."
            ) from error

    def _start(self) -> None:
        self._check_port()
        with self._phase("ray"):
            self._prepare_environment()
            from serve_app.process import ray_lifecycle as on_ray

            cluster = on_ray.start(self.settings.ray, self.temporary.path)
            stop_on_signals()  # Ray has put its own handlers in their place
        with self._phase("serve"):
            on_ray.bring_up(self.settings, self.temporary.path)
        with self._phase("warm-up"):
            wait_until_ready(self.url)
        self._write_card(cluster.address, cluster.dashboard_url)
        took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.phases.items())
        log.info("Ready after %.1f s: %s", sum(self.phases.values()), took)

    def _prepare_environment(self) -> None:
        """The variables and files that Ray needs; submitted jobs inherit the variables. What the
        operator has set wins, but for what names this installation."""
        wanted = {**ray_environment(self.settings), **serve_environment(self.settings)}
        ours = {"PATH": path_with_our_python(), "PAPERWORKS_HOME": str(self.settings.home)}
        if not self.settings.ray.address:
            secret(self.settings.home / RAY_TOKEN)
            ours["TMPDIR"] = str(self.temporary.make())
        os.environ.update({**wanted, **os.environ, **ours})
        if not self.settings.ray.address and os.environ["RAY_AUTH_MODE"] != "token":
            log.warning("RAY_AUTH_MODE is not token: every local user can act as this service.")

    def _check_port(self) -> None:
        if is_listening(self.settings.http.port):
            raise CannotStart(
                f"Port {self.settings.http.port} is taken. Stop who listens there, or give --port."
            )

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        log.info("Starting: %s", name)
        yield
        self.phases[name] = time.monotonic() - began

    def _write_card(self, ray_address: str, dashboard_url: str) -> None:
        """Where others find the service: the command line looks here without a --url."""
        card = {
            "url": self.url,
            "pid": os.getpid(),
            "ray_address": ray_address,
            "dashboard_url": dashboard_url,
            "ray_token_path": self._ray_token_path(),
        }
        write_private(self.card, json.dumps(card, indent=1))

    @staticmethod
    def _ray_token_path() -> str | None:
        """The file with the token that the cluster asks for, None when it asks for none."""
        asks = os.environ.get("RAY_AUTH_MODE") == "token"
        return os.environ.get("RAY_AUTH_TOKEN_PATH") if asks else None

    def _stop(self) -> None:
        """Everything that was started is gone; what does not go by itself is ended by pid."""
        from serve_app.process import ray_lifecycle as on_ray

        self.card.unlink(missing_ok=True)
        started = [] if self.settings.ray.address else psutil.Process().children(recursive=True)
        if "serve" in self.phases or self.settings.ray.address:
            on_ray.take_down(self.settings)
        else:  # nobody works yet
            on_ray.leave()
        _, left = psutil.wait_procs(started, timeout=2)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=2)


class StopRequested(BaseException):
    """SIGINT or SIGTERM came; raised in the main thread, so that its work is unwound."""


def stop_on_signals() -> None:
    """The first SIGINT or SIGTERM raises StopRequested; a second one ends the process at once."""

    def request(number: int, _frame: object) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_DFL)
        raise StopRequested(signal.Signals(number).name)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, request)
