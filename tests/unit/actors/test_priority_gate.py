"""PriorityGate: limits concurrent calls of the model; urgent callers go first."""

from __future__ import annotations

import threading

import pytest

from actors.embedder import PriorityGate
from tests.timing import wait_until

TIMEOUT_SECONDS = 10.0


class Caller:
    """A thread that acquires the gate, records that, and holds it until `release`."""

    def __init__(self, gate: PriorityGate, name: str, order: list[str], urgent: bool) -> None:
        self.acquired = threading.Event()
        self.release = threading.Event()

        def call() -> None:
            with gate.acquire(urgent=urgent):
                order.append(name)
                self.acquired.set()
                self.release.wait(TIMEOUT_SECONDS)

        self.thread = threading.Thread(target=call, daemon=True)
        self.thread.start()

    def finish(self) -> None:
        """Releases the gate and joins the thread."""
        self.release.set()
        self.thread.join(TIMEOUT_SECONDS)


def test_priority_gate_limits_concurrent_callers() -> None:
    gate, order = PriorityGate(2), list[str]()
    callers = [Caller(gate, str(n), order, urgent=False) for n in range(4)]
    wait_until(lambda: len(order) == 2)
    assert gate.permits == 0
    for caller in callers:
        caller.release.set()
    for caller in callers:
        caller.finish()
    assert sorted(order) == ["0", "1", "2", "3"]
    assert gate.permits == 2


def test_priority_gate_prefers_urgent_caller() -> None:
    gate, order = PriorityGate(1), list[str]()
    first = Caller(gate, "first", order, urgent=False)
    assert first.acquired.wait(TIMEOUT_SECONDS)
    ordinary = [Caller(gate, f"ordinary {n}", order, urgent=False) for n in range(3)]
    urgent = Caller(gate, "urgent", order, urgent=True)
    wait_until(lambda: gate.urgent_waiting == 1)
    first.finish()
    assert urgent.acquired.wait(TIMEOUT_SECONDS)
    assert order == ["first", "urgent"]
    urgent.finish()
    for caller in ordinary:
        caller.release.set()
    for caller in ordinary:
        caller.finish()
    assert len(order) == 5


def test_priority_gate_admits_ordinary_callers_without_urgent_waiters() -> None:
    gate, order = PriorityGate(2), list[str]()
    urgent = Caller(gate, "urgent", order, urgent=True)
    assert urgent.acquired.wait(TIMEOUT_SECONDS)
    ordinary = Caller(gate, "ordinary", order, urgent=False)
    assert ordinary.acquired.wait(TIMEOUT_SECONDS)
    urgent.finish()
    ordinary.finish()


def test_priority_gate_releases_permit_on_error() -> None:
    gate = PriorityGate(1)
    with pytest.raises(ZeroDivisionError), gate.acquire(urgent=True):
        _ = 1 / 0
    with gate.acquire(urgent=False):
        assert gate.permits == 0
    assert gate.permits == 1
    assert gate.urgent_waiting == 0
