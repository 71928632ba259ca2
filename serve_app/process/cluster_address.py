"""The address of a Ray cluster that is joined."""

from __future__ import annotations

import logging
import time

from runtime.ports import is_listening
from serve_app.process.readiness import NotReady
from serve_app.process.stop_signals import raise_if_requested

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 60.0  # the head node of the cluster may be starting
POLL_SECONDS = 0.1


def wait_until_cluster_listens(address: str, within_seconds: float = TIMEOUT_SECONDS) -> None:
    """Returns when a server listens at "host:port"; at once for an address of another form.

    Ray itself tries for a quarter of an hour without a message, and no signal interrupts it.
    Raises NotReady after `within_seconds`.
    """
    host, port = host_and_port(address)
    if not port or is_listening(port, host):
        return
    log.info("Waiting for the Ray cluster at %s, for at most %g s.", address, within_seconds)
    deadline = time.monotonic() + within_seconds
    while not is_listening(port, host):
        raise_if_requested()
        if time.monotonic() > deadline:
            raise NotReady(
                f"No Ray cluster listens at {address}: no connection within {within_seconds:g} s. "
                "Papers and open jobs are kept. Start the cluster, or correct ray.address."
            )
        time.sleep(POLL_SECONDS)


def host_and_port(address: str) -> tuple[str, int]:
    """Returns the parts of "host:port" or "[host]:port"; ("", 0) for an address of another form."""
    host, _, port = address.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdecimal() and "/" not in host else ("", 0)
