"""(c) A folder: pages and chunks per second, over two plain processes with the same functions."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embedding.load import resolve_model
from embedding.token_format import TOKENIZER_FILE
from extraction.steps import read_whole
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.tokens import ModelTokenizer
from tests.bench.plain import MODEL, Plain, plain_processes
from tests.bench.processes import CpuMeter
from tests.bench.report import Figure, Findings
from tests.bench.stage import Stage, settle

ROUNDS = 2
PROCESSES = 2
LAST = 5  # papers of the warm-up
IDLE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over the folder: seconds of the clock, CPU seconds by role, what came out."""

    seconds: float
    cpu: dict[str, float]
    pages: int
    chunks: int

    @property
    def pages_per_second(self) -> float:
        return self.pages / self.seconds

    @property
    def chunks_per_second(self) -> float:
        return self.chunks / self.seconds

    @property
    def pages_per_cpu_second(self) -> float:
        return self.pages / sum(self.cpu.values())

    def other_cpu_per_page(self, idle: float) -> float:
        """Returns the CPU milliseconds per page of all processes but the embedding actors.

        Subtracts the `idle` cores that these processes use without work.
        """
        others = sum(self.cpu.values()) - self.cpu.get("embedder", 0.0)
        return 1000 * (others - idle * self.seconds) / self.pages


def measure(stage: Stage) -> Findings:
    """The folder through POST /documents, over two plain processes, in turns."""
    ours, raw = list[Run](), list[Run]()
    milvus = stage.raw_milvus()
    with plain_processes(PROCESSES, milvus, stage.models, stage.papers[0]) as plain:
        ingest(stage, stage.papers[:LAST], "bench-folder-warm")
        settle()
        idle = _idle_cpu(stage)
        for number in range(ROUNDS):
            ours.append(ingest(stage, stage.papers, f"bench-folder-{number}"))
            settle()
            raw.append(_ingest_plainly(stage, plain, f"plain-{number}"))
            settle()
    reading = _reading_cpu_per_page(stage.papers)
    outside = [
        Figure(name, value, "ms/page", reading, "reading and chunking alone", target)
        for name, value, target in (
            ("CPU outside the model", _median_cpu(ours, idle=0.0), "1.25 x at most"),
            ("of it above the idle service", _median_cpu(ours, idle), ""),
        )
    ]
    return Findings([*_figures(ours, raw), *outside], _details(ours, raw, idle, len(stage.papers)))


def _idle_cpu(stage: Stage) -> float:
    """Returns the cores that the idle service uses outside the embedding actors."""
    with CpuMeter([stage.pid]) as meter:
        time.sleep(IDLE_SECONDS)
    return (meter.seconds - meter.by_role().get("embedder", 0.0)) / IDLE_SECONDS


def _median_cpu(runs: Sequence[Run], idle: float) -> float:
    return statistics.median(run.other_cpu_per_page(idle) for run in runs)


def _reading_cpu_per_page(papers: Sequence[Path]) -> float:
    """Returns the CPU milliseconds per page of reading and chunking in this process."""
    tokenizer = ModelTokenizer(resolve_model(MODEL.name) / TOKENIZER_FILE)
    began, pages = time.process_time(), 0
    for path in papers:
        paper = read_whole(path)
        split_paper(
            paper,
            document_id=path.stem,
            version=1,
            tokenizer=tokenizer,
            max_tokens=MODEL.max_tokens,
        )
        pages += len(paper.pages)
    return 1000 * (time.process_time() - began) / pages


def ingest(stage: Stage, papers: Sequence[Path], collection: str) -> Run:
    """One pass through the service, which must take every paper."""
    with stage.client() as client, CpuMeter([stage.pid]) as meter:
        began = time.perf_counter()
        job_id = client.upload_many(papers, collection=collection).job_id
        job = client.wait(job_id)
        seconds = time.perf_counter() - began
    if job.counts.completed != len(papers):
        raise RuntimeError(f"Of {len(papers)} papers {job.counts.completed} were ingested.")
    return Run(seconds, meter.by_role(), job.progress.pages_done, job.progress.chunks_done)


def _ingest_plainly(stage: Stage, plain: Plain, mark: str) -> Run:
    server = stage.plain_milvus.process
    roots = [*plain.pids, *([server.pid] if server else [])]
    with CpuMeter(roots) as meter:
        seconds, tally = plain.ingest(stage.papers, mark)
    return Run(seconds, meter.by_role(), tally.pages, tally.chunks)


def _figures(ours: list[Run], raw: list[Run]) -> list[Figure]:
    raw_is = f"{PROCESSES} plain processes"

    def line(name: str, unit: str, what: str, target: str = "", peer: str = "") -> Figure:
        mine, theirs = ([getattr(run, what) for run in runs] for runs in (ours, raw))
        middle = statistics.median
        return Figure(name, middle(mine), unit, middle(theirs), raw_is, target, peer)

    wanted = "0.95 x at least"
    return [
        line("pages per second", "/s", "pages_per_second", wanted, "5.8 /s"),
        line("chunks per second", "/s", "chunks_per_second", wanted, "22.5 /s"),
        line("pages per CPU-second", "/s", "pages_per_cpu_second", peer="3.0 /s"),
    ]


def _details(ours: list[Run], raw: list[Run], idle: float, papers: int) -> dict[str, object]:
    what = f"{papers} papers, {ours[0].pages} pages, {ours[0].chunks} chunks"
    clock = ", ".join(f"{run.seconds:.1f} s" for run in (*ours, *raw))
    cpu = {role: round(used, 1) for role, used in ours[-1].cpu.items() if used >= 0.1}
    plain = {role: round(used, 1) for role, used in raw[-1].cpu.items() if used >= 0.1}
    return {
        "the folder": what,
        "seconds of each pass, the service's first": clock,
        "CPU seconds of the service's last pass": cpu,
        "CPU seconds of the last plain pass": plain,
        "idle service": f"{100 * idle:.0f} % of a core",
        "cores": len(os.sched_getaffinity(0)),
    }
