"""Waiting for a service that is starting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import httpx
from pydantic import ValidationError

from serve_app.schemas.core import CHECK_OK, Problem

log = logging.getLogger(__name__)
READY_WITHIN_SECONDS = 300.0  # a first start converts the model, a slow disk takes its time
LOOK_EVERY_SECONDS = 0.1
SAY_EVERY_SECONDS = 15.0


class NotReady(Exception):
    """The service did not become ready; the message says what it answered last."""


def wait_until_ready(
    url: str,
    *,
    within_seconds: float = READY_WITHIN_SECONDS,
    say_every_seconds: float = SAY_EVERY_SECONDS,
    alive: Callable[[], bool] = lambda: True,
) -> None:
    """Returns when /readyz answers 200; logs now and then what it waits for.

    Raises NotReady when time is up or `alive` says no.
    """
    began = said_at = time.monotonic()
    missing: str | None = "nothing answered"
    while (now := time.monotonic()) < began + within_seconds and alive():
        if (missing := _missing(url)) is None:
            return
        if now >= said_at + say_every_seconds:
            said_at = now
            log.info("Not ready after %.0f s: %s", now - began, missing)
        time.sleep(LOOK_EVERY_SECONDS)
    raise NotReady(f"{url} did not become ready. What it waits for: {missing}")


def _missing(url: str) -> str | None:
    """What keeps the service from being ready, in its own words; None when nothing does."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=5)
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    return None if answer.status_code == 200 else _checks(answer) or answer.text


def _checks(answer: httpx.Response) -> str:
    """`database: refused; embedder: no answer`, from the problem that /readyz answers."""
    try:
        checks = Problem.model_validate_json(answer.content).checks or {}
    except ValidationError:
        return ""
    return "; ".join(f"{name}: {state}" for name, state in checks.items() if state != CHECK_OK)
