"""Rounds of chaos: papers go in while the service's processes are killed one after the other.

`python -m tests.chaos.rounds --seed 1 --rounds 3` starts a service of its own, prints a line for
each kill and what was survived, and ends with status 1 and a list when anything was lost. The seed
says who is struck, in which order, and after how many papers: the moment itself is up to the
machine.
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
from tests.chaos.ingest import Ingest
from tests.chaos.losses import losses
from tests.chaos.victims import Victim, strike, those, victims, wait_for_one
from tests.crowd import undisturbed_chunks, write_crowd
from tests.service import LEASE_SECONDS, SHORT_LEASES, RunningService, own_service

PAPERS = 200
FIRST, LAST = 0.02, 0.9  # of the papers: so late does the killing begin, so early does it end
LONGEST_PAUSE_SECONDS = 1.5
SINGLE_EVERY_SECONDS = 1.0
LOOK_EVERY_SECONDS = 0.2
SURVIVED_WITHIN_SECONDS = 90.0
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Blow:
    """Who is struck, after how many completed papers, and how many seconds later."""

    victim: Victim
    after: int
    pause: float


@dataclass(slots=True)
class Struck:
    """A blow that was dealt: to which process, when, and how far the work was."""

    blow: Blow
    pid: int
    at: float
    done: int
    took: float | None = None  # seconds until the work went on


def plan(seed: int, papers: int, lease_seconds: float, kills: int | None = None) -> list[Blow]:
    """The blows of a round, in order; `kills` of all that there are."""
    chance = random.Random(seed)
    everybody = victims(lease_seconds)
    chosen = chance.sample(everybody, len(everybody) if kills is None else kills)
    moments = sorted(chance.uniform(FIRST, LAST) for _ in chosen)
    pauses = [chance.uniform(0, LONGEST_PAUSE_SECONDS) for _ in chosen]
    return [
        # Who is only there while there is work is struck at once: it may be over in a moment.
        Blow(victim, int(moment * papers), pause if victim.comes_back else 0.0)
        for victim, moment, pause in zip(chosen, moments, pauses, strict=True)
    ]


class Round:
    """One crowd of papers through a service that is being hurt."""

    def __init__(self, service: RunningService, papers: Sequence[Path], say: Say) -> None:
        self.service, self.say = service, say
        self.root = service.process.pid
        self.collection = f"round-{uuid.uuid4().hex[:10]}"
        self.ingest = Ingest(service.url, papers, self.collection, SINGLE_EVERY_SECONDS)
        self.began = time.monotonic()
        self.struck: list[Struck] = []

    def run(self, blows: Sequence[Blow]) -> list[str]:
        """What was not survived, a sentence each, when the work is over or stands still."""
        self.ingest.start()
        for blow in blows:
            if not self._wait(lambda blow=blow: self.ingest.done >= blow.after):
                return [f"The work stood still at {self.ingest.done} papers", *self._unsurvived()]
            self._strike(blow)
        if not self._wait(self.ingest.is_over):
            return [f"The work stood still at {self.ingest.done} papers", *self._unsurvived()]
        self._wait(lambda: all(one.took is not None for one in self.struck))
        return self._unsurvived()

    def _strike(self, blow: Blow) -> None:
        time.sleep(blow.pause)
        process = wait_for_one(blow.victim, self.root)
        at = time.monotonic()
        strike(blow.victim, process)
        self.struck.append(Struck(blow, process.pid, at, self.ingest.look()))

    def _wait(self, so_far: Callable[[], bool]) -> bool:
        """True when it has come so far, False when no paper was completed for too long."""
        last, since = -1, time.monotonic()
        while time.monotonic() < since + SURVIVED_WITHIN_SECONDS:
            done = self.ingest.look()
            self._notice(done)
            if so_far():
                return True
            if done != last:
                last, since = done, time.monotonic()
            time.sleep(LOOK_EVERY_SECONDS)
        return False

    def _notice(self, done: int) -> None:
        for one in self.struck:
            went_on = done > one.done or done >= self.ingest.papers
            if one.took is None and went_on and self._is_back(one):
                one.took = time.monotonic() - one.at
                self.say(self._line(one, f"survived, went on after {one.took:.1f} s"))

    def _is_back(self, one: Struck) -> bool:
        victim = one.blow.victim
        if not victim.comes_back:
            return True
        alive = [process.pid for process in those(victim, self.root)]
        return bool(alive) and (victim.stopped_seconds is not None or one.pid not in alive)

    def _unsurvived(self) -> list[str]:
        lines = [self._line(one, "NOT SURVIVED") for one in self.struck if one.took is None]
        for line in lines:
            self.say(line)
        return lines

    def _line(self, one: Struck, fate: str) -> str:
        victim = one.blow.victim
        when = f"at {one.at - self.began:5.1f} s, {one.done:3} papers"
        return f"  {victim.name:20} {victim.fate:10} {when}: {fate}"


def lost_in(ran: Round, papers: Sequence[Path]) -> list[str]:
    """What the library has lost of a round's papers, a sentence each."""
    undisturbed = undisturbed_chunks(papers, ran.collection)
    with Client(ran.service.url) as library:
        return losses(ran.service, library, ran.collection, ran.ingest.jobs, undisturbed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when every kill of every round was survived and nothing was lost."""
    options = _parser().parse_args(arguments)
    with own_service(options.models, **SHORT_LEASES) as (service, folder):
        papers = write_crowd(folder / "papers", options.papers)
        survived, dealt, lost = _rounds(service, papers, options)
        lost += _stop(service)
    for sentence in lost:
        print(f"LOST: {sentence}")
    print(f"kills survived {survived} of {dealt}")
    return 1 if lost or survived < dealt else 0


def _rounds(
    service: RunningService, papers: Sequence[Path], options: argparse.Namespace
) -> tuple[int, int, list[str]]:
    """Kills survived, kills dealt, and what was lost."""
    survived, dealt, lost = 0, 0, []
    for number in range(options.rounds):
        seed = options.seed + number
        blows = plan(seed, len(papers), LEASE_SECONDS, options.kills)
        print(f"round {number + 1}, seed {seed}: {len(papers)} papers, {len(blows)} kills")
        ran = Round(service, papers, print)
        lost += ran.run(blows)
        lost += lost_in(ran, papers)
        survived += sum(one.took is not None for one in ran.struck)
        dealt += len(blows)
        print(f"  all that was over after {time.monotonic() - ran.began:.0f} s")
    return survived, dealt, lost


def _stop(service: RunningService) -> list[str]:
    """What is left of the service after it was stopped, a sentence each."""
    try:
        service.stop()
    except (AssertionError, psutil.Error) as error:
        return [f"The service did not stop cleanly: {error}"]
    return []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.rounds", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--rounds", type=int, default=1, help="each with the next seed")
    parser.add_argument("--papers", type=int, default=PAPERS, help="of one or two pages")
    parser.add_argument("--kills", type=int, help="in a round; everybody once, unless said")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted ones")
    return parser


if __name__ == "__main__":
    sys.exit(main())
