"""(h) What the sandbox costs: papers read and cut by a child of the warm process, and in this one.

Needs no service. One after the other, in turn: what the machine does besides hits both alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from pipelines.prepare import prepare_step, warm
from pipelines.prepared import Prepared
from pipelines.reader import PREPARE_STEP, WARM
from pipelines.sandbox.client import Sandbox
from tests.bench.report import Figure, Findings
from tests.reading import reading_recipe, reading_task

PAPERS, ROUNDS = 20, 3


def measure(papers: Sequence[Path]) -> Findings:
    """Seconds a paper in the sandbox over those in this process: medians over papers of the best of
    some rounds, which hits of other work do not reach."""
    recipe, task = reading_recipe(), reading_task()
    warm(recipe)
    sandbox = Sandbox(WARM, recipe)
    ways: tuple[Callable[[Path], Prepared], ...] = (
        lambda path: sandbox.run(
            PREPARE_STEP, task, recipe, None, limits=recipe.limits, file=path, returns=Prepared
        ),
        lambda path: prepare_step(path, task, recipe, None, lambda done, total: None),
    )
    try:
        took = [[_best(read, path) for read in ways] for path in papers[:PAPERS]]
    finally:
        sandbox.close()
    ours, raw = (median(column) for column in zip(*took, strict=True))
    on_top = median(inside - plain for inside, plain in took)
    figures = [
        Figure("reading a paper in the sandbox", 1000 * ours, "ms", 1000 * raw, "in one process"),
        Figure("on top of reading, a paper", 1000 * on_top, "ms"),
    ]
    return Findings(figures, {"papers": len(took), "best of": ROUNDS})


def _best(read: Callable[[Path], Prepared], path: Path) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        read(path)
        times.append(time.perf_counter() - began)
    return min(times)
