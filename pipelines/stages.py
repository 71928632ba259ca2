"""The map stages of the Ray Dataset of a micro-batch: read -> embed -> index, one row per task.

The task's step decides what is read: the text layer, the scanned pages, or tables and figures. An
error becomes a row with a failure, never a dropped block. Rows carry ids and the input of the next
stage, not the PDF. On one machine there is a single map stage: between two
stages Ray Data builds a block of the row, even for fused ones, which costs 30 ms per boundary. On a
GPU cluster embedding has its own stage, whose tasks only wait for the actors.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from domain.errors import PaperworksError, failure_of
from domain.jobs import LANE_OF_STEP, Task
from pipelines.config import blob_store, vector_store
from pipelines.lane_config import LaneConfig
from pipelines.progress import ProgressReporter
from pipelines.rows import PaperRow, Row
from runtime.garbage import keep_loaded
from runtime.niceness import lower_cpu_priority

log = logging.getLogger(__name__)

Stage = Callable[..., Row]  # (row, lane=LaneConfig) -> row
WAITING_CPUS = 0.05  # of a task that only waits for an actor


def make_stages(lane: LaneConfig) -> list[tuple[Stage, float]]:
    """Returns the map stages of a lane, each with its share of a CPU.

    The name of the first one begins with the lane's step: the Ray dashboard shows it.
    """
    step = str(lane.lane) if lane.lane in LANE_OF_STEP.values() else "read"
    if not lane.split_embed:
        return [(_make_stage(f"{step}_embed_index"), lane.num_cpus)]
    return [
        (_make_stage(step, indexes=False), lane.num_cpus),
        (_make_stage("embed_index", extracts=False), WAITING_CPUS),
    ]


def _make_stage(name: str, *, extracts: bool = True, indexes: bool = True) -> Stage:
    """Returns a map function on rows: it extracts the paper, or indexes what was extracted.

    Passes failed rows through and turns an exception into a failed row.
    """

    def run_stage(row: Row, lane: LaneConfig) -> Row:
        lower_cpu_priority()
        paper = PaperRow.load(row)
        if paper.failure is not None:
            return row
        try:
            if extracts:
                paper = _extract(paper, lane)
            result = (_embed_index(paper, lane) if indexes else paper).dump()
        except Exception as error:
            _log_failure(paper.task, name, error)
            return PaperRow(paper.task, failure=failure_of(error)).dump()
        keep_loaded()  # what the first paper needed
        return result

    run_stage.__name__ = run_stage.__qualname__ = name
    return run_stage


def _log_failure(task: Task, stage: str, error: Exception) -> None:
    expected = isinstance(error, PaperworksError)
    fields = {"action": "step_failed", "step": stage, "task_id": str(task.task_id)}
    log.warning(
        "%s failed for %s: %s", stage, task.document_id, error, extra=fields, exc_info=not expected
    )


def _extract(paper: PaperRow, lane: LaneConfig) -> PaperRow:
    from pipelines.extract import extract_task

    report = ProgressReporter(paper.task, lane).pages_read
    return PaperRow(paper.task, extracted=extract_task(paper.task, lane.config, report))


def _embed_index(paper: PaperRow, lane: LaneConfig) -> PaperRow:
    """Embeds and indexes the extracted paper. Raises the errors of `index_paper`."""
    from pipelines.embed_remote import ChunkEmbedder
    from pipelines.index import index_paper

    assert paper.extracted is not None
    reporter = ProgressReporter(paper.task, lane)
    reporter.read_completed(paper.extracted.finished)
    finished = index_paper(
        paper.task,
        paper.extracted,
        ChunkEmbedder(paper.extracted, lane, reporter),
        blobs=blob_store(lane.config),
        store=vector_store(lane.config),
        on_span=reporter.chunks_searchable,
    )
    return PaperRow(paper.task, finished=finished)
