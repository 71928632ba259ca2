"""The gate in front of the model: as many as it has room for, urgent callers first."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from actors.embedder import PriorityGate

SOON = 10.0


class Caller:
    """A thread that enters the gate, stays until told to leave, and notes that it was in."""

    def __init__(self, gate: PriorityGate, name: str, order: list[str], urgent: bool) -> None:
        self.inside = threading.Event()
        self.leave = threading.Event()

        def call() -> None:
            with gate.entered(urgent=urgent):
                order.append(name)
                self.inside.set()
                self.leave.wait(SOON)

        self.thread = threading.Thread(target=call, daemon=True)
        self.thread.start()

    def done(self) -> None:
        """It has left."""
        self.leave.set()
        self.thread.join(SOON)


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to pass")


def test_no_more_than_its_places_are_inside() -> None:
    gate, order = PriorityGate(2), list[str]()
    callers = [Caller(gate, str(n), order, urgent=False) for n in range(4)]
    wait_until(lambda: len(order) == 2)
    assert gate.places == 0
    for caller in callers:
        caller.leave.set()
    for caller in callers:
        caller.done()
    assert sorted(order) == ["0", "1", "2", "3"]
    assert gate.places == 2


def test_an_urgent_caller_goes_before_those_that_wait_longer() -> None:
    gate, order = PriorityGate(1), list[str]()
    first = Caller(gate, "first", order, urgent=False)
    assert first.inside.wait(SOON)
    ordinary = [Caller(gate, f"ordinary {n}", order, urgent=False) for n in range(3)]
    urgent = Caller(gate, "urgent", order, urgent=True)
    wait_until(lambda: gate.urgent_waiting == 1)
    first.done()
    assert urgent.inside.wait(SOON)
    assert order == ["first", "urgent"]
    urgent.done()
    for caller in ordinary:
        caller.leave.set()
    for caller in ordinary:
        caller.done()
    assert len(order) == 5


def test_ordinary_callers_enter_once_no_urgent_one_waits() -> None:
    gate, order = PriorityGate(2), list[str]()
    urgent = Caller(gate, "urgent", order, urgent=True)
    assert urgent.inside.wait(SOON)
    ordinary = Caller(gate, "ordinary", order, urgent=False)
    assert ordinary.inside.wait(SOON)
    urgent.done()
    ordinary.done()


def test_an_error_inside_gives_the_place_back() -> None:
    gate = PriorityGate(1)
    with pytest.raises(ZeroDivisionError), gate.entered(urgent=True):
        _ = 1 / 0
    with gate.entered(urgent=False):
        assert gate.places == 0
    assert gate.places == 1
    assert gate.urgent_waiting == 0
