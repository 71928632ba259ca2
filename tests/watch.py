"""A service seen from outside while it works: whether it answers, lives on, and what it takes."""

from __future__ import annotations

import threading
import time
from collections import Counter

import httpx
import psutil

from tests.bench.processes import memory_by_role, role_of, tree

ASK_SECONDS, WEIGH_SECONDS, PATIENCE_SECONDS = 0.25, 2.0, 30.0
# Those that have to outlive any paper; others come and go with the work.
LASTING = ("API", "Serve", "job manager", "embedder", "runners", "keeper of the stores", "Ray core")


class Watch:
    """Within a `with` block: asks /readyz all the time, and weighs all processes now and then.

    `answers` counts what /readyz said, `silences` why it did not; `peak_bytes` is the largest PSS
    of all processes together; `lost` are the processes that did not live on.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        self.answers: Counter[str] = Counter()
        self.silences: Counter[str] = Counter()
        self.slowest_seconds = 0.0
        self.peak_bytes = 0
        self.lost: list[str] = []
        self._first: list[tuple[psutil.Process, str]] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._ask, self._weigh)]

    def __enter__(self) -> Watch:
        roles = [(process, _role(process)) for process in tree([self.pid])]
        self._first = [(process, role) for process, role in roles if role in LASTING]
        assert {role for _, role in self._first} >= {"API", "job manager", "embedder", "runners"}
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self.lost = [f"{role} {one.pid}" for one, role in self._first if not one.is_running()]

    def _ask(self) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS) as http:
            while not self._ended.wait(ASK_SECONDS):
                began = time.monotonic()
                try:
                    self.answers[_said(http.get("/readyz"))] += 1
                except httpx.HTTPError as error:
                    self.silences[type(error).__name__] += 1
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)

    def _weigh(self) -> None:
        while not self._ended.wait(WEIGH_SECONDS):
            weight = sum(usage.pss for usage in memory_by_role(self.pid).values())
            self.peak_bytes = max(self.peak_bytes, weight)


def _said(answer: httpx.Response) -> str:
    """The status, with what is not ready: on a busy machine a store may take its time."""
    checks = answer.json().get("checks", {})
    return ", ".join(
        [str(answer.status_code), *(n for n, state in checks.items() if state != "ok")]
    )


def _role(process: psutil.Process) -> str:
    try:
        return role_of(process)
    except psutil.Error:  # it ended meanwhile
        return ""
