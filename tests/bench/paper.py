"""(b) From upload to searchable, and to completed: one paper of ten pages on the idle service."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.jobs import WaitFor
from extraction.steps import read_whole
from serve_app.client import Client
from tests.bench.plain import STEPS, PlainWork, Tally, read_first
from tests.bench.report import Figure, Findings
from tests.bench.stage import Stage, settle
from tests.pdf_builder.random_papers import random_paper, with_mark

PAGES, ROUNDS, WARM_ROUNDS = 10, 10, 2
PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Trip:
    """Seconds of one paper's way until it is searchable, by the service's clock and the client's;
    `completed` is when tables and figures are done too."""

    total: float
    acknowledged: float
    waited: float
    worked: float
    completed: float

    @property
    def told(self) -> float:
        """From when it is searchable until the client hears of it, and what no clock covers."""
        return self.total - self.acknowledged - self.waited - self.worked


@dataclass(frozen=True, slots=True)
class Round:
    """One paper through the service and, plainly, until searchable and until completed."""

    trip: Trip
    first: Tally
    whole: Tally


def measure(stage: Stage) -> Findings:
    """Upload to searchable, and to completed, over the same reading, chunking, embedding and
    inserting of the same paper in one process."""
    pdf = random_paper(seed=77, pages=PAGES)
    plain = PlainWork(stage.raw_milvus(), stage.models, threads=0)
    rounds = list[Round]()
    with stage.client() as client:
        for number in range(WARM_ROUNDS + ROUNDS):
            path = stage.folder / f"ten-pages-{number}.pdf"
            path.write_bytes(with_mark(pdf, str(number)))
            rounds.append(_round(client, plain, path))
    settle()
    return _findings(rounds[WARM_ROUNDS:])


def _round(client: Client, plain: PlainWork, path: Path) -> Round:
    trip = _trip(client, path)
    time.sleep(PAUSE_SECONDS)
    first = plain.ingest(path, f"{path.stem}-first", read_first)
    whole = plain.ingest(path, f"{path.stem}-whole", read_whole)
    time.sleep(PAUSE_SECONDS)
    return Round(trip, first, whole)


def _trip(client: Client, path: Path) -> Trip:
    began = time.perf_counter()
    accepted = client.upload(path, collection="bench-paper")
    acknowledged = time.perf_counter() - began
    job = client.job(accepted.job_id, 60, WaitFor.SEARCHABLE)
    total = time.perf_counter() - began
    job = client.wait(accepted.job_id)
    completed = time.perf_counter() - began
    shown_at = job.tasks[0].searchable_at
    if job.counts.completed != 1 or job.started_at is None or shown_at is None:
        raise RuntimeError(f"The paper was not ingested: {job.error or job.status}.")
    waited = (job.started_at - job.created_at).total_seconds()
    worked = (shown_at - job.started_at).total_seconds()
    return Trip(total, acknowledged, waited, worked, completed)


def _findings(rounds: Sequence[Round]) -> Findings:
    trips, firsts = [one.trip for one in rounds], [one.first for one in rounds]
    what = f"{PAGES} pages, {firsts[0].chunks} chunks, median of {len(rounds)}"
    raw_is = "read + chunk + embed + insert"
    extra = statistics.median(one.trip.total - one.first.total for one in rounds)
    figures = [
        Figure(
            f"upload to searchable, {what}",
            statistics.median(trip.total for trip in trips),
            "s",
            statistics.median(tally.total for tally in firsts),
            raw_is,
            peer="1.98 s",
        ),
        Figure("on top of raw, median of the differences", extra, "s", target="0.25 s at most"),
        Figure(
            "upload to completed (tables and figures too)",
            statistics.median(trip.completed for trip in trips),
            "s",
            statistics.median(one.whole.total for one in rounds),
            f"{raw_is}, read whole",
        ),
    ]
    raw = {
        "until searchable": _steps(firsts),
        "until completed": _steps([one.whole for one in rounds]),
    }
    return Findings(
        figures, {"the service's seconds (medians)": _phases(trips), "raw seconds": raw}
    )


def _phases(trips: Sequence[Trip]) -> dict[str, float]:
    names = ("acknowledged", "waited", "worked", "told", "completed")
    return {name: statistics.median(getattr(trip, name) for trip in trips) for name in names}


def _steps(tallies: Sequence[Tally]) -> dict[str, float]:
    return {step: statistics.median(tally.seconds[step] for tally in tallies) for step in STEPS}
