"""Monitor of a running service: responses of /readyz, lost processes, and memory."""

from __future__ import annotations

import threading
import time
from collections import Counter

import httpx
import psutil

from tests.bench.processes import memory_by_role, role_of, tree

REQUEST_INTERVAL_SECONDS, MEMORY_INTERVAL_SECONDS, REQUEST_TIMEOUT_SECONDS = 0.25, 2.0, 30.0
# Roles whose processes must survive every paper; processes of other roles start and end with work.
PERMANENT_ROLES = (
    "API",
    "Serve",
    "job manager",
    "embedder",
    "runners",
    "keeper of the stores",
    "Ray core",
)


class ServiceMonitor:
    """Requests /readyz and measures the memory of all processes during a `with` block.

    `responses` counts the responses of /readyz, `errors` the requests without a response.
    `peak_bytes` is the largest PSS of all processes together. `lost` lists the processes of
    permanent roles that ended.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        self.responses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.slowest_seconds = 0.0
        self.peak_bytes = 0
        self.lost: list[str] = []
        self._permanent: list[tuple[psutil.Process, str]] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._request, self._measure)]

    def __enter__(self) -> ServiceMonitor:
        roles = [(process, _role(process)) for process in tree([self.pid])]
        self._permanent = [(process, role) for process, role in roles if role in PERMANENT_ROLES]
        assert {role for _, role in self._permanent} >= {
            "API",
            "job manager",
            "embedder",
            "runners",
        }
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self.lost = [f"{role} {one.pid}" for one, role in self._permanent if not one.is_running()]

    def _request(self) -> None:
        with httpx.Client(base_url=self.url, timeout=REQUEST_TIMEOUT_SECONDS) as http:
            while not self._ended.wait(REQUEST_INTERVAL_SECONDS):
                started_at = time.monotonic()
                try:
                    self.responses[_summary(http.get("/readyz"))] += 1
                except httpx.HTTPError as error:
                    self.errors[type(error).__name__] += 1
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - started_at)

    def _measure(self) -> None:
        while not self._ended.wait(MEMORY_INTERVAL_SECONDS):
            total = sum(usage.pss for usage in memory_by_role(self.pid).values())
            self.peak_bytes = max(self.peak_bytes, total)


def _summary(response: httpx.Response) -> str:
    """Returns the status and the names of failed checks (a store may be slow on a busy machine)."""
    checks = response.json().get("checks", {})
    return ", ".join(
        [str(response.status_code), *(name for name, state in checks.items() if state != "ok")]
    )


def _role(process: psutil.Process) -> str:
    try:
        return role_of(process)
    except psutil.Error:  # the process ended
        return ""
