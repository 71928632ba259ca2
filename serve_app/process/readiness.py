"""Waits until a starting service is ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import httpx

from serve_app.client import PaperworksProblem
from serve_app.schemas.core import CHECK_OK

log = logging.getLogger(__name__)
READY_TIMEOUT_SECONDS = 300.0  # a first start converts the model; disks may be slow
POLL_SECONDS = 0.1
LOG_INTERVAL_SECONDS = 15.0


class NotReady(Exception):
    """The service did not become ready; the message holds its last response."""


def wait_until_ready(
    url: str,
    *,
    timeout_seconds: float = READY_TIMEOUT_SECONDS,
    log_interval_seconds: float = LOG_INTERVAL_SECONDS,
    is_alive: Callable[[], bool] = lambda: True,
) -> None:
    """Returns when /readyz answers 200; logs the failing checks every `log_interval_seconds`.

    Raises NotReady after `timeout_seconds`, or once `is_alive()` is False.
    """
    started_at = logged_at = time.monotonic()
    failing: str | None = "no response"
    while (now := time.monotonic()) < started_at + timeout_seconds and is_alive():
        if (failing := _failing_checks(url)) is None:
            return
        if now >= logged_at + log_interval_seconds:
            logged_at = now
            log.info("Not ready after %.0f s: %s", now - started_at, failing)
        time.sleep(POLL_SECONDS)
    raise NotReady(f"{url} did not become ready. Failing: {failing}")


def _failing_checks(url: str) -> str | None:
    """Returns why the service is not ready: `database: refused; embedder: no answer`, else None."""
    try:
        response = httpx.get(f"{url}/readyz", timeout=5)
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    if response.status_code == 200:
        return None
    problem = PaperworksProblem.of(response).problem
    checks = (problem and problem.checks) or {}
    failed = (f"{name}: {state}" for name, state in checks.items() if state != CHECK_OK)
    return "; ".join(failed) or response.text
