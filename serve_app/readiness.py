"""Waiting for a service that is starting."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

READY_WITHIN_SECONDS = 300.0  # a first start converts the model, a slow disk takes its time
LOOK_EVERY_SECONDS = 0.1


class NotReady(Exception):
    """The service did not become ready; the message says what it answered last."""


def wait_until_ready(
    url: str,
    *,
    within_seconds: float = READY_WITHIN_SECONDS,
    alive: Callable[[], bool] = lambda: True,
) -> None:
    """Returns when /readyz answers 200. Raises NotReady when time is up or `alive` says no."""
    deadline, said = time.monotonic() + within_seconds, "nothing answered"
    while time.monotonic() < deadline and alive():
        try:
            answer = httpx.get(f"{url}/readyz", timeout=5)
        except httpx.TransportError as error:
            said = str(error)
        else:
            if answer.status_code == 200:
                return
            said = answer.text
        time.sleep(LOOK_EVERY_SECONDS)
    raise NotReady(f"{url} did not become ready. The last answer was: {said}")
