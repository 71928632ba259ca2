"""Waits until a starting service is ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
from pydantic import ValidationError

from serve_app.client import PaperworksProblem
from serve_app.process.phase_log import PhaseLog
from serve_app.process.stop_signals import raise_if_requested
from serve_app.schemas.core import CHECK_OK, Alive, Ready

log = logging.getLogger(__name__)
READY_TIMEOUT_SECONDS = 300.0  # a first start converts the model; disks may be slow
LISTEN_SECONDS, LISTEN_POLL_SECONDS = 60.0, 0.05
POLL_SECONDS = 0.25  # each request makes the service search


class NotReady(Exception):
    """The service did not become ready; the message holds its last response."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """A response of /readyz: the process that answered if it is ready, its failing checks, and
    the reason why it is not ready."""

    process: int | None = None
    failing: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


def wait_until_ready(
    url: str,
    *,
    processes: int = 1,
    timeout_seconds: float = READY_TIMEOUT_SECONDS,
    phases: PhaseLog | None = None,
    is_alive: Callable[[], bool] = lambda: True,
) -> None:
    """Returns when so many processes have answered /readyz with 200; logs the failing checks.

    Each request opens a connection, which the kernel gives to any of the processes. Raises NotReady
    after `timeout_seconds`, or once `is_alive()` is False.
    """
    phases, ready = phases or PhaseLog(), set[int]()
    deadline = time.monotonic() + timeout_seconds
    reason = "no response"
    while time.monotonic() < deadline and is_alive():
        raise_if_requested()
        response = readiness(url)
        if response.process is not None or response.failing:
            phases.show(response.failing)
        if response.process is not None:
            ready.add(response.process)
            if len(ready) >= processes:
                return
            reason = f"{len(ready)} of {processes} processes are ready"
            continue
        reason = response.reason
        time.sleep(POLL_SECONDS)
    raise NotReady(f"{url} did not become ready. Failing: {reason}")


def wait_until_another_answers(url: str, process: int) -> None:
    """Returns when a process other than `process` has answered /livez, so that the port stays open
    if this process closes it.

    Serve counts a replica as running before it listens. Raises NotReady after LISTEN_SECONDS.
    """
    deadline = time.monotonic() + LISTEN_SECONDS
    while time.monotonic() < deadline:
        raise_if_requested()
        with suppress(httpx.TransportError, ValidationError):
            response = httpx.get(f"{url}/livez", timeout=5)
            if Alive.model_validate_json(response.content).process != process:
                return
        time.sleep(LISTEN_POLL_SECONDS)
    raise NotReady(
        f"No API process listens on {url} after {LISTEN_SECONDS:g} s. On a cluster that this "
        "service joins (ray.address), set http.ingress: proxy."
    )


def readiness(url: str) -> Readiness:
    """Returns the response of /readyz; one without a response if the service does not answer."""
    try:
        response = httpx.get(f"{url}/readyz", timeout=5)
    except httpx.TransportError as error:
        return Readiness(reason=str(error) or type(error).__name__)
    try:
        return Readiness(process=Ready.model_validate_json(response.content).process)
    except ValidationError:
        problem = PaperworksProblem.of(response).problem
    checks = (problem and problem.checks) or {}
    failing = {name: state for name, state in checks.items() if state != CHECK_OK}
    reason = "; ".join(f"{name}: {state}" for name, state in failing.items())
    return Readiness(failing=failing, reason=reason or response.text)
