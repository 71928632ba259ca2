"""Runs the whole service in the foreground (`paperworks up`) and stops all its processes."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from configs.settings import Settings
from domain.names import METRICS_FOLDER
from runtime import service_info
from runtime.niceness import lowered_session
from runtime.ports import is_listening
from runtime.private_files import private_folder, secret, write_private
from runtime.processes import descendants_ended
from serve_app.process.cluster_address import wait_until_cluster_listens
from serve_app.process.environment import (
    RAY_TOKEN,
    ray_environment,
    serve_environment,
)
from serve_app.process.readiness import (
    NotReady,
    wait_until_another_answers,
    wait_until_ready,
)
from serve_app.process.refusals import CannotStart, refuse_open_door, refuse_secrets
from serve_app.process.start_progress import StartProgress
from serve_app.process.starting_server import StartingServer
from serve_app.process.stop_signals import stop_deferred, stop_on_signals
from serve_app.process.temporary import TemporaryFolder

log = logging.getLogger(__name__)


def read_settings(config: Path | None, **given: Any) -> Settings:
    """Returns the settings of a Serve deploy file, overridden by each `given` value except None.

    Raises CannotStart if the file holds a secret.
    """
    arguments: dict[str, Any] = {}
    if config:
        document = yaml.safe_load(config.read_text()) or {}
        applications = document.get("applications") or [{}]
        arguments = dict(applications[0].get("args") or {})
        refuse_secrets(arguments)
        options = document.get("http_options") or {}
        address = {key: options[key] for key in ("host", "port") if key in options}
        arguments["http"] = {**(arguments.get("http") or {}), **address}
    http = {key: given.pop(key) for key in ("host", "port") if given.get(key) is not None}
    arguments["http"] = {**(arguments.get("http") or {}), **http}
    overrides = {key: value for key, value in given.items() if value is not None}
    return Settings(**{**arguments, **overrides})


class Service:
    """One service with all its processes: `with Service(settings).running() as url`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://{settings.http.host}:{settings.http.port}"
        self.state_file = settings.home / service_info.FILE_NAME
        self.temporary = TemporaryFolder(settings.home)
        self.progress = StartProgress()
        self._has_imported_ray = False

    @contextmanager
    def running(self) -> Iterator[str]:
        """Yields the URL of the ready service; stops everything it started when the block ends."""
        refuse_open_door(self.settings)
        stop_on_signals()
        with self._home_locked(), self._sharing_cpus():
            keeps_logs = False
            try:
                self._start()
                yield self.url
            except NotReady:
                keeps_logs = True  # the message names the folder with the logs of Ray
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
            with FileLock(self.settings.home / service_info.LOCK_NAME, timeout=0):
                self.state_file.unlink(missing_ok=True)  # of a service that was killed
                yield
        except Timeout as error:
            raise CannotStart(
                f"Another service uses {self.settings.home}. Stop it with `paperworks down`, or "
                "set another folder with --home."
            ) from error

    def _sharing_cpus(self) -> AbstractContextManager[None]:
        """Lowers the priority of the session, unless its work is done on other machines."""
        return nullcontext() if self.settings.ray.address else lowered_session()

    def _start(self) -> None:
        if not self._uses_proxy_of_cluster():  # it may listen since an earlier start
            self._check_port()
        shutil.rmtree(self.settings.home / METRICS_FOLDER, ignore_errors=True)
        with self._answering():
            if self.settings.ray.address:
                with self.progress.phase("cluster"):
                    wait_until_cluster_listens(self.settings.ray.address)
            with self.progress.phase("ray"), stop_deferred():
                self._prepare_environment()
                from serve_app.process import ray_lifecycle

                self._has_imported_ray = True
                cluster = ray_lifecycle.connect(self.settings.ray, self.temporary.path)
            if self._uses_proxy_of_cluster() and not ray_lifecycle.serve_runs():
                self._check_port()
            components = ray_lifecycle.component_states(self.settings)
            with self.progress.phase("serve"), self.progress.watching(components):
                ray_lifecycle.start(self.settings, self.temporary.path)
        with self.progress.phase("warm-up"):
            wait_until_ready(
                self.url, processes=self._direct_processes(), phases=self.progress.phase_log
            )
        self._write_state_file(cluster.address, cluster.dashboard_url)
        seconds = sum(self.progress.durations.values())
        log.info("Ready after %.1f s: %s", seconds, self.progress.summary())
        for model, place in ray_lifecycle.models_report(self.settings).items():
            log.info("%s: %s", model, place)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Answers on the port of the service during the block, with the phases of the start.

        Not for ingresses whose proxy answers itself.
        """
        http = self.settings.http
        if http.ingress != "direct":
            yield
            return
        try:
            server = StartingServer(http.host, http.port, self.progress.states)
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {self.url}: {error.strerror}. Set another address with --host "
                "and --port."
            ) from error
        log.info("Listening: %s; %s/readyz shows the progress of the start.", self.url, self.url)
        try:
            yield
            wait_until_another_answers(self.url, os.getpid())
        finally:
            server.stop()

    def _direct_processes(self) -> int:
        """The number of API processes that share the port on this machine; 1 behind a proxy."""
        is_shared = self.settings.http.ingress == "direct" and not self.settings.ray.address
        return self.settings.api_processes if is_shared else 1

    def _prepare_environment(self) -> None:
        """Sets the variables and creates the files that Ray needs; submitted jobs inherit them.

        Variables set by the operator have precedence, except those that identify this installation.
        """
        defaults = {**ray_environment(self.settings), **serve_environment(self.settings)}
        fixed = {"PAPERWORKS_HOME": str(self.settings.home)}
        # This interpreter comes first, so that submitted jobs find the same packages.
        paths = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
        fixed["PATH"] = os.pathsep.join(paths)
        if not self.settings.ray.address:
            secret(self.settings.home / RAY_TOKEN)
            fixed["TMPDIR"] = str(self.temporary.create())
        os.environ.update({**defaults, **os.environ, **fixed})
        if not self.settings.ray.address and os.environ["RAY_AUTH_MODE"] != "token":
            log.warning(
                "RAY_AUTH_MODE is not `token`: every local user can run code as this service."
            )

    def _uses_proxy_of_cluster(self) -> bool:
        return bool(self.settings.ray.address) and self.settings.http.ingress != "direct"

    def _check_port(self) -> None:
        if is_listening(self.settings.http.port):
            raise CannotStart(
                f"Port {self.settings.http.port} is taken. Stop the program that listens there, or "
                "set another port with --port."
            )

    def _write_state_file(self, ray_address: str, dashboard_url: str) -> None:
        """Writes `service.json`, from which other programs read the address of the service."""
        needs_token = os.environ.get("RAY_AUTH_MODE") == "token"
        info = {
            "url": self.url,
            "pid": os.getpid(),
            "ray_address": ray_address,
            "dashboard_url": dashboard_url,
            "ray_token_path": os.environ.get("RAY_AUTH_TOKEN_PATH") if needs_token else None,
        }
        write_private(self.state_file, json.dumps(info, indent=1))

    def _stop(self) -> None:
        """Stops everything that was started; kills processes on this machine that do not end."""
        self.state_file.unlink(missing_ok=True)
        if not self._has_imported_ray:  # nothing runs yet
            return
        from serve_app.process import ray_lifecycle

        with nullcontext() if self.settings.ray.address else descendants_ended():
            if "serve" in self.progress.durations or self.settings.ray.address:
                ray_lifecycle.stop(self.settings)
            else:  # the API has accepted nothing yet
                ray_lifecycle.disconnect()
