"""(b) From upload to searchable: one paper of ten pages on the warm, idle service."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from serve_app.client import Client
from tests.bench.made_papers import make_paper, stamped
from tests.bench.plain import STEPS, PlainWork, Tally
from tests.bench.report import Figure, Findings
from tests.bench.stage import Stage, settle

PAGES, ROUNDS, WARM_ROUNDS = 10, 10, 2
PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Trip:
    """Seconds of one paper's way through the service, by its own clock and by the client's."""

    total: float
    acknowledged: float
    waited: float
    worked: float

    @property
    def told(self) -> float:
        """From the end of the job until the client hears of it, and what no clock covers."""
        return self.total - self.acknowledged - self.waited - self.worked


def measure(stage: Stage) -> Findings:
    """Upload to completed, over read + chunk + embed + insert of the same paper in one process."""
    pdf = make_paper(seed=77, pages=PAGES)
    plain = PlainWork(stage.plain_milvus.url, stage.models, threads=0)
    trips, tallies = list[Trip](), list[Tally]()
    with stage.client() as client:
        for number in range(WARM_ROUNDS + ROUNDS):
            path = stage.folder / f"ten-pages-{number}.pdf"
            path.write_bytes(stamped(pdf, str(number)))
            trips.append(_trip(client, path))
            time.sleep(PAUSE_SECONDS)
            tallies.append(plain.ingest(path, f"ten-pages-{number}"))
            time.sleep(PAUSE_SECONDS)
    settle()
    return _findings(trips[WARM_ROUNDS:], tallies[WARM_ROUNDS:])


def _trip(client: Client, path: Path) -> Trip:
    began = time.perf_counter()
    accepted = client.upload(path, collection="bench-paper")
    acknowledged = time.perf_counter() - began
    job = client.wait(accepted.job_id)
    total = time.perf_counter() - began
    if job.counts.completed != 1 or job.started_at is None or job.finished_at is None:
        raise RuntimeError(f"The paper was not ingested: {job.error or job.status}.")
    waited = (job.started_at - job.created_at).total_seconds()
    return Trip(total, acknowledged, waited, (job.finished_at - job.started_at).total_seconds())


def _findings(trips: list[Trip], tallies: list[Tally]) -> Findings:
    ours = statistics.median(trip.total for trip in trips)
    raw = statistics.median(sum(tally.seconds.values()) for tally in tallies)
    same_moment = [
        trip.total - sum(tally.seconds.values()) for trip, tally in zip(trips, tallies, strict=True)
    ]
    name = (
        f"upload to searchable, {PAGES} pages, {tallies[0].chunks} chunks, median of {len(trips)}"
    )
    raw_is = "read + chunk + embed + insert"
    extra = statistics.median(same_moment)
    return Findings(
        [
            Figure(name, ours, "s", raw, raw_is, peer="1.98 s"),
            Figure("on top of raw, median of the differences", extra, "s", target="0.25 s at most"),
        ],
        {"the service's seconds (medians)": _phases(trips), "raw seconds": _steps(tallies)},
    )


def _phases(trips: list[Trip]) -> dict[str, float]:
    names = ("acknowledged", "waited", "worked", "told")
    return {name: statistics.median(getattr(trip, name) for trip in trips) for name in names}


def _steps(tallies: list[Tally]) -> dict[str, float]:
    return {step: statistics.median(tally.seconds[step] for tally in tallies) for step in STEPS}
