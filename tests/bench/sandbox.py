"""(h) What the sandbox costs: papers read and cut by a child of the warm process, and in this one;
and what its confinement by the kernel adds.

Needs no service. One after the other, in turn: what the machine does besides hits all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import psutil

from pipelines.config import PipelineConfig
from pipelines.extract import EXTRACT_STEP, WARM
from pipelines.extract_worker import extract_step, warm
from pipelines.extracted_paper import ExtractedPaper
from runtime.sandbox.client import Sandbox
from runtime.sandbox.confine import SandboxMode, describe_confinement
from tests.bench.report import Figure, Findings
from tests.extraction_harness import extraction_config
from tests.records import make_task

PAPERS, ROUNDS, CPU_ROUNDS = 20, 3, 6


def measure(papers: Sequence[Path]) -> Findings:
    """Seconds a paper in the sandbox over those in this process: medians over papers of the best of
    some rounds, which hits of other work do not reach. CPU seconds of all rounds, confined over
    unconfined."""
    config = extraction_config()
    warm(config)
    confined, limited = (Sandbox(WARM, config, mode=SandboxMode(one)) for one in ("auto", "off"))
    try:
        took = [_times(confined, config, path) for path in papers[:PAPERS]]
        cpu = _cpu_seconds((confined, limited), config, papers[:PAPERS])
    finally:
        confined.close()
        limited.close()
    ours, raw = (median(column) for column in zip(*took, strict=True))
    on_top = median(inside - plain for inside, plain in took)
    figures = [
        Figure("reading a paper in the sandbox", 1000 * ours, "ms", 1000 * raw, "in one process"),
        Figure("on top of reading, a paper", 1000 * on_top, "ms"),
        Figure("CPU a paper, confined", 1000 * cpu[0], "ms", 1000 * cpu[1], "with limits only"),
    ]
    confinement = describe_confinement(SandboxMode.AUTO)
    return Findings(figures, {"papers": len(took), "best of": ROUNDS, "confinement": confinement})


def _times(sandbox: Sandbox, config: PipelineConfig, path: Path) -> tuple[float, float]:
    """Seconds for the paper in the sandbox and in this process."""
    task = make_task()
    inside = _best(lambda: _read(sandbox, config, path))
    return inside, _best(lambda: extract_step(path, task, config, None, lambda done, total: None))


def _cpu_seconds(
    sandboxes: Sequence[Sandbox], config: PipelineConfig, papers: Sequence[Path]
) -> list[float]:
    """CPU seconds that a paper takes in each sandbox, the warm process's part included."""
    used = [0.0 for _ in sandboxes]
    for sandbox in sandboxes:
        _read(sandbox, config, papers[0])  # starts the warm process
    for turn in range(CPU_ROUNDS):
        for path in papers:
            for number in range(len(sandboxes)) if turn % 2 else reversed(range(len(sandboxes))):
                before = _cpu_of(sandboxes[number])
                _read(sandboxes[number], config, path)
                used[number] += _cpu_of(sandboxes[number]) - before
    return [one / (CPU_ROUNDS * len(papers)) for one in used]


def _cpu_of(sandbox: Sandbox) -> float:
    """CPU seconds of the warm process and of all children that have ended."""
    assert sandbox.warm_pid is not None
    return sum(psutil.Process(sandbox.warm_pid).cpu_times()[:4])


def _read(sandbox: Sandbox, config: PipelineConfig, path: Path) -> ExtractedPaper:
    return sandbox.run(
        EXTRACT_STEP,
        make_task(),
        config,
        None,
        limits=config.limits,
        file=path,
        returns=ExtractedPaper,
    )


def _best(read: Callable[[], ExtractedPaper]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    return min(times)
