"""The steps of papers on Ray and Milvus Lite, with the installed OCR engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.documents import Chunk, ChunkKind
from domain.jobs import LANE_OF_STEP, Lane, Step, StepResult, Task
from domain.papers import TableSource
from extraction.options import ReadOptions
from extraction.serialization import load_paper
from pipelines.config import PipelineConfig, blob_store, vector_store
from stores.blobs.blob_store import artifact_key
from tests.cluster.plan_harness import lane_config, start_embedder, stored_task
from tests.pdf_builder.papers import STUDY, make_study
from tests.pdf_builder.scans import make_scan

Vectors = dict[str, np.ndarray]


@dataclass
class StepOutcome:
    """The result of a step, the stored chunks in order, and the texts that it embedded."""

    finished: StepResult
    chunks: list[Chunk]
    vectors: Vectors
    embedded: list[str] = field(default_factory=list)

    @property
    def body(self) -> str:
        return "\n".join(one.text for one in self.chunks if one.kind is ChunkKind.TEXT)


class StepRunner:
    """Runs the steps of a paper one after another, like the JobManager."""

    def __init__(self, cluster: Any, config: PipelineConfig) -> None:
        self.cluster = cluster
        self.config = config
        self.embedder = start_embedder(cluster)

    def run_step(self, task: Task, step: Step, attempt: int = 1) -> StepOutcome:
        """Runs one step; returns its outcome."""
        from actors.runner import Runner

        lane = LANE_OF_STEP.get(step, Lane.BULK)
        self.cluster.get(self.embedder.clear.remote())
        fields = {"step": step, "lane": lane, "attempt": attempt}
        plan = lane_config(self.config, self.embedder, lane)
        [[outcome]] = Runner([plan]).run(plan.lane, [task.model_copy(update=fields)])
        assert outcome.failure is None and outcome.finished is not None
        stored = vector_store(self.config).stored(task.document_id, task.version)
        return StepOutcome(
            outcome.finished,
            sorted((chunk for chunk, _ in stored), key=lambda chunk: chunk.ordinal),
            {chunk.indexed_text: vector for chunk, vector in stored},
            self.cluster.get(self.embedder.texts.remote()),
        )

    def run_all_steps(self, task: Task) -> dict[Step, StepOutcome]:
        """Runs every step that the previous one requests; returns the outcomes by step."""
        outcomes: dict[Step, StepOutcome] = {}
        step: Step | None = Step.READ_TEXT
        while step is not None:
            outcomes[step] = self.run_step(task, step)
            step = outcomes[step].finished.next_step
        return outcomes


@pytest.fixture(scope="module")
def runner(cluster: Any, config: PipelineConfig) -> StepRunner:
    return StepRunner(cluster, replace(config, read=ReadOptions(text_first_pages=0)))


@pytest.fixture(scope="module")
def printed(
    runner: StepRunner, tmp_path_factory: pytest.TempPathFactory
) -> dict[Step, StepOutcome]:
    """The outcomes of a paper with a text layer."""
    folder = tmp_path_factory.mktemp("printed")
    return runner.run_all_steps(stored_task(make_study(), runner.config, folder, "printed"))


@pytest.fixture(scope="module")
def scan(runner: StepRunner, tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A paper whose second page is scanned."""
    content = make_scan(make_study(), tilt=0.3, keep={1})
    return stored_task(content, runner.config, tmp_path_factory.mktemp("scan"), "scanned")


@pytest.fixture(scope="module")
def scanned(runner: StepRunner, scan: Task) -> dict[Step, StepOutcome]:
    return runner.run_all_steps(scan)


def test_plan_runs_required_steps_of_each_paper(
    printed: dict[Step, StepOutcome], scanned: dict[Step, StepOutcome]
) -> None:
    assert list(printed) == [Step.READ_TEXT, Step.LAYOUT]
    assert list(scanned) == [Step.READ_TEXT, Step.OCR, Step.LAYOUT]


@pytest.mark.parametrize("paper", ["printed", "scanned"])
def test_vector_store_matches_chunk_count_after_each_step(
    paper: str, request: pytest.FixtureRequest
) -> None:
    for after in request.getfixturevalue(paper).values():
        assert [chunk.ordinal for chunk in after.chunks] == list(range(after.finished.chunks))
        assert after.finished.chunks > 0
        assert after.finished.metadata.title == STUDY


def test_layout_step_moves_table_into_its_own_chunk(
    printed: dict[Step, StepOutcome], runner: StepRunner
) -> None:
    before, after = printed[Step.READ_TEXT], printed[Step.LAYOUT]
    assert before.finished.tables is None and after.finished.tables == 1
    assert {one.kind for one in before.chunks} == {
        ChunkKind.TEXT,
        ChunkKind.ABSTRACT,
        ChunkKind.REFERENCE,
    }
    [table] = [one for one in after.chunks if one.kind is ChunkKind.TABLE]
    assert "Thyme | 10.05 | 64.20 | 0.88" in table.text
    assert table.page_first == 2
    assert "64.20" in before.body and "64.20" not in after.body
    [figure] = [one for one in after.chunks if one.kind is ChunkKind.FIGURE]
    assert "Flasks of the second run" in figure.text
    assert after.finished.artifact_key is not None
    paper = load_paper(blob_store(runner.config).read(after.finished.artifact_key))
    assert paper.tables[0].source is not TableSource.OCR


def test_layout_step_embeds_only_changed_chunks(printed: dict[Step, StepOutcome]) -> None:
    before, after = printed[Step.READ_TEXT], printed[Step.LAYOUT]
    same = before.vectors.keys() & after.vectors.keys()
    assert len(same) >= 4
    assert set(after.embedded) == after.vectors.keys() - same
    assert len(after.embedded) < len(after.chunks)
    for text in same:
        np.testing.assert_allclose(after.vectors[text], before.vectors[text], atol=1e-6)


def test_ocr_step_adds_chunks_of_scanned_page(scanned: dict[Step, StepOutcome], scan: Task) -> None:
    before, read, last = scanned.values()
    assert {one.page_last for one in before.chunks} == {1}
    assert before.finished.quality["pages_without_text"] == [2]
    assert {one.page_last for one in read.chunks} == {1, 2}
    assert read.finished.quality["pages_ocred"] == last.finished.quality["pages_ocred"] == [2]
    assert before.finished.references == 0
    assert read.finished.references == last.finished.references == 3
    conclusion = [one for one in read.chunks if one.section == "Conclusion"]
    assert conclusion and all(box.page == 2 for one in conclusion for box in one.boxes)
    assert set(read.embedded) == read.vectors.keys() - before.vectors.keys()


def test_layout_step_reuses_ocr_result(
    scanned: dict[Step, StepOutcome], runner: StepRunner, scan: Task
) -> None:
    assert blob_store(runner.config).exists(artifact_key(scan.document_id, 1, "scans"))
    read, last = scanned[Step.OCR], scanned[Step.LAYOUT]
    same = read.vectors.keys() & last.vectors.keys()
    assert any(one.page_first == 2 and one.indexed_text in same for one in last.chunks)
    assert set(last.embedded) == last.vectors.keys() - same


@pytest.mark.parametrize("step", list(Step))
def test_repeated_step_is_idempotent(runner: StepRunner, step: Step, tmp_path: Path) -> None:
    content = make_scan(make_study(f"Repeated {step}"), tilt=0.0, dpi=150, keep={1})
    task = stored_task(content, runner.config, tmp_path, "again")
    first: StepOutcome | None = None
    for one in Step:
        first = runner.run_step(task, one)
        if one is step:
            break
    assert first is not None
    again = runner.run_step(task, step, attempt=2)
    assert again.embedded == []
    assert again.finished == first.finished
    assert again.chunks == first.chunks
