"""Chaos rounds: papers are uploaded while processes of the service are killed one after another.

`python -m tests.chaos.rounds --seed 1 --rounds 3` starts a separate service and prints a line for
each fault and its recovery. The exit status is 1, with a list, if data was lost. The seed
determines the targets, their order, and the number of completed papers before each fault. The exact
moment depends on the speed of the machine.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from serve_app.client import Client
from tests.addresses import stores_of
from tests.chaos.ingest import Ingest
from tests.chaos.losses import find_losses
from tests.chaos.targets import (
    Target,
    all_targets,
    find_processes,
    inject_fault,
    wait_for_process,
)
from tests.service import LEASE_SECONDS, SHORT_LEASES, RunningService, own_service
from tests.small_papers import expected_chunks, write_small_papers

PAPERS = 200
FIRST_FAULT, LAST_FAULT = 0.02, 0.9  # shares of completed papers between which faults are injected
LONGEST_PAUSE_SECONDS = 1.5
SINGLE_EVERY_SECONDS = 1.0
POLL_SECONDS = 0.2
RECOVERY_TIMEOUT_SECONDS = 90.0
Report = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Fault:
    """A planned fault: its target, after how many completed papers, and the pause after that."""

    target: Target
    after: int
    pause: float


@dataclass(slots=True)
class InjectedFault:
    """A fault that was injected: the process, the time, and the completed papers at that time."""

    fault: Fault
    pid: int
    at: float
    completed: int
    recovery_seconds: float | None = None  # until processing continued


def plan(seed: int, papers: int, lease_seconds: float, kills: int | None = None) -> list[Fault]:
    """Returns the faults of a round in order; `kills` of all targets, by default every target."""
    rng = random.Random(seed)
    targets = all_targets(lease_seconds)
    chosen = rng.sample(targets, len(targets) if kills is None else kills)
    moments = sorted(rng.uniform(FIRST_FAULT, LAST_FAULT) for _ in chosen)
    pauses = [rng.uniform(0, LONGEST_PAUSE_SECONDS) for _ in chosen]
    return [
        # No pause before a fault in a process that exists only during work: it may end.
        Fault(target, int(moment * papers), pause if target.is_permanent else 0.0)
        for target, moment, pause in zip(chosen, moments, pauses, strict=True)
    ]


class Round:
    """Processes small papers in a service while faults are injected."""

    def __init__(self, service: RunningService, papers: Sequence[Path], report: Report) -> None:
        self.service, self.report = service, report
        self.root = service.process.pid
        self.collection = f"round-{uuid.uuid4().hex[:10]}"
        self.ingest = Ingest(service.url, papers, self.collection, SINGLE_EVERY_SECONDS)
        self.started_at = time.monotonic()
        self.injected: list[InjectedFault] = []

    def run(self, faults: Sequence[Fault]) -> list[str]:
        """Returns one line for each fault without recovery, and one if processing stalls."""
        self.ingest.start()
        for fault in faults:
            if not self._wait(lambda fault=fault: self.ingest.completed >= fault.after):
                return self._stalled()
            self._inject(fault)
        if not self._wait(self.ingest.is_finished):
            return self._stalled()
        self._wait(lambda: all(one.recovery_seconds is not None for one in self.injected))
        return self._unrecovered()

    def _stalled(self) -> list[str]:
        return [f"Processing stalled at {self.ingest.completed} papers", *self._unrecovered()]

    def _inject(self, fault: Fault) -> None:
        time.sleep(fault.pause)
        process = wait_for_process(fault.target, self.root)
        at = time.monotonic()
        inject_fault(fault.target, process)
        completed = self.ingest.count_completed()
        self.injected.append(InjectedFault(fault, process.pid, at, completed))

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """True if the condition holds; False if no paper completes within the recovery timeout."""
        last, since = -1, time.monotonic()
        while time.monotonic() < since + RECOVERY_TIMEOUT_SECONDS:
            completed = self.ingest.count_completed()
            self._record_recoveries(completed)
            if condition():
                return True
            if completed != last:
                last, since = completed, time.monotonic()
            time.sleep(POLL_SECONDS)
        return False

    def _record_recoveries(self, completed: int) -> None:
        for one in self.injected:
            has_progress = completed > one.completed or completed >= self.ingest.papers
            if one.recovery_seconds is None and has_progress and self._is_restarted(one):
                one.recovery_seconds = time.monotonic() - one.at
                self.report(self._line(one, f"recovered after {one.recovery_seconds:.1f} s"))

    def _is_restarted(self, one: InjectedFault) -> bool:
        target = one.fault.target
        if not target.is_permanent:
            return True
        alive = [process.pid for process in find_processes(target, self.root)]
        return bool(alive) and (target.stopped_seconds is not None or one.pid not in alive)

    def _unrecovered(self) -> list[str]:
        lines = [
            self._line(one, "NOT RECOVERED")
            for one in self.injected
            if one.recovery_seconds is None
        ]
        for line in lines:
            self.report(line)
        return lines

    def _line(self, one: InjectedFault, outcome: str) -> str:
        target = one.fault.target
        when = f"at {one.at - self.started_at:5.1f} s, {one.completed:3} papers"
        return f"  {target.name:20} {target.fault:10} {when}: {outcome}"


def losses_of(finished: Round, papers: Sequence[Path]) -> list[str]:
    """Returns one line for each loss among the papers of a round."""
    expected = expected_chunks(papers, finished.collection)
    with Client(finished.service.url) as library:
        return find_losses(
            stores_of(finished.service),
            library,
            finished.collection,
            finished.ingest.jobs,
            expected,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if the service recovered from every fault and lost nothing, else 1."""
    options = _parser().parse_args(arguments)
    with own_service(options.models, **SHORT_LEASES) as (service, folder):
        papers = write_small_papers(folder / "papers", options.papers)
        result = _run_rounds(service, papers, options)
        lost = [*result.lost, *_stop(service)]
    for line in lost:
        print(f"LOST: {line}")
    print(f"recovered from {result.recovered} of {result.injected} faults")
    return 1 if lost or result.recovered < result.injected else 0


@dataclass(slots=True)
class RoundsResult:
    """Totals over all rounds."""

    recovered: int
    injected: int
    lost: list[str]


def _run_rounds(
    service: RunningService, papers: Sequence[Path], options: argparse.Namespace
) -> RoundsResult:
    result = RoundsResult(0, 0, [])
    for number in range(options.rounds):
        seed = options.seed + number
        faults = plan(seed, len(papers), LEASE_SECONDS, options.kills)
        print(f"round {number + 1}, seed {seed}: {len(papers)} papers, {len(faults)} faults")
        current = Round(service, papers, print)
        result.lost += current.run(faults)
        result.lost += losses_of(current, papers)
        result.recovered += sum(one.recovery_seconds is not None for one in current.injected)
        result.injected += len(faults)
        print(f"  finished after {time.monotonic() - current.started_at:.0f} s")
    return result


def _stop(service: RunningService) -> list[str]:
    """Stops the service; returns a line if it does not stop cleanly."""
    try:
        service.stop()
    except (AssertionError, psutil.Error) as error:
        return [f"The service did not stop cleanly: {error}"]
    return []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.rounds", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first round")
    parser.add_argument("--rounds", type=int, default=1, help="number of rounds; seeds increase")
    parser.add_argument("--papers", type=int, default=PAPERS, help="number of small papers")
    parser.add_argument("--kills", type=int, help="faults per round; default: each target once")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted models")
    return parser


if __name__ == "__main__":
    sys.exit(main())
