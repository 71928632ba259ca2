"""The steps of papers on real Ray and Milvus Lite, with the OCR program of this machine."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.documents import Chunk, ChunkKind, document_id
from domain.jobs import LANE_OF_STEP, Lane, Step, StepResult, Task, TaskStatus
from domain.papers import TableSource
from extraction.options import ReadOptions
from extraction.serialization import load_paper
from pipelines.config import PipelineConfig, blob_store, vector_store
from pipelines.plan import LaneConfig
from stores.blobs.blob_store import artifact_key
from tests.cluster.wordy_embedder import WordyEmbedder
from tests.pdf_builder.papers import STUDY, make_study
from tests.pdf_builder.scans import make_scan

Vectors = dict[str, np.ndarray]


@dataclass
class After:
    """What a step left behind: its result, the chunks in order, and what was embedded for it."""

    finished: StepResult
    chunks: list[Chunk]
    vectors: Vectors
    embedded: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [chunk.text for chunk in self.chunks]

    @property
    def body(self) -> str:
        return "\n".join(one.text for one in self.chunks if one.kind is ChunkKind.TEXT)


class Desk:
    """Runs one step of one paper after the other, as the JobManager would."""

    def __init__(self, cluster: Any, config: PipelineConfig) -> None:
        self.cluster = cluster
        self.config = config
        groups = {str(lane): 2 for lane in Lane}
        actor = cluster.remote(num_cpus=0, concurrency_groups=groups)(WordyEmbedder)
        self.embedder = actor.remote()

    def admit(self, content: bytes, file: Path, collection: str) -> Task:
        """A running task for these bytes, which are in the blob store."""
        file.write_bytes(content)
        blob_store(self.config).put_file(file, 10_000_000)
        digest = hashlib.sha256(content).hexdigest()
        return Task(
            task_id=uuid.uuid4(),
            job_id="job_0",
            document_id=document_id(collection, digest),
            collection=collection,
            version=1,
            sha256=digest,
            filename=file.name,
            lane=Lane.BULK,
            status=TaskStatus.RUNNING,
            attempt=1,
            created_at=datetime.now(UTC),
        )

    def take(self, task: Task, step: Step, attempt: int = 1) -> After:
        """What this step makes of the paper."""
        from pipelines.dataset import run

        lane = LANE_OF_STEP.get(step, Lane.BULK)
        self.cluster.get(self.embedder.forget.remote())
        fields = {"step": step, "lane": lane, "attempt": attempt}
        [outcome] = run([task.model_copy(update=fields)], self._plan(lane))
        assert outcome.failure is None and outcome.finished is not None
        stored = vector_store(self.config).stored(task.document_id, task.version)
        return After(
            outcome.finished,
            sorted((chunk for chunk, _ in stored), key=lambda chunk: chunk.ordinal),
            {chunk.indexed_text: vector for chunk, vector in stored},
            self.cluster.get(self.embedder.texts.remote()),
        )

    def walk(self, task: Task) -> dict[Step, After]:
        """Every step, each the one that the step before it asked for."""
        taken: dict[Step, After] = {}
        step: Step | None = Step.READ_TEXT
        while step is not None:
            taken[step] = self.take(task, step)
            step = taken[step].finished.next_step
        return taken

    def _plan(self, lane: Lane) -> LaneConfig:
        return LaneConfig(
            config=self.config,
            lane=lane,
            num_cpus=1,
            cpus=2,
            split_embed=False,
            can_grow=False,
            statistics=False,
            embedders=(self.embedder,),
        )


@pytest.fixture(scope="module")
def desk(cluster: Any, config: PipelineConfig) -> Desk:
    return Desk(cluster, replace(config, read=ReadOptions(text_first_pages=0)))


@pytest.fixture(scope="module")
def printed(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[Step, After]:
    """The steps of a paper with a text layer."""
    file = tmp_path_factory.mktemp("printed") / "study.pdf"
    return desk.walk(desk.admit(make_study(), file, "printed"))


@pytest.fixture(scope="module")
def scan(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A scan whose second page only is a picture."""
    content = make_scan(make_study(), tilt=0.3, keep={1})
    return desk.admit(content, tmp_path_factory.mktemp("scan") / "scan.pdf", "scanned")


@pytest.fixture(scope="module")
def scanned(desk: Desk, scan: Task) -> dict[Step, After]:
    return desk.walk(scan)


def test_plan_runs_required_steps_of_each_paper(
    printed: dict[Step, After], scanned: dict[Step, After]
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


def test_layout_step_moves_table_into_its_own_chunk(printed: dict[Step, After], desk: Desk) -> None:
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
    paper = load_paper(blob_store(desk.config).read(after.finished.artifact_key))
    assert paper.tables[0].source is not TableSource.OCR


def test_layout_step_embeds_only_changed_chunks(printed: dict[Step, After]) -> None:
    before, after = printed[Step.READ_TEXT], printed[Step.LAYOUT]
    same = before.vectors.keys() & after.vectors.keys()
    assert len(same) >= 4
    assert set(after.embedded) == after.vectors.keys() - same
    assert len(after.embedded) < len(after.chunks)
    for text in same:
        np.testing.assert_allclose(after.vectors[text], before.vectors[text], atol=1e-6)


def test_ocr_step_adds_chunks_of_scanned_page(scanned: dict[Step, After], scan: Task) -> None:
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


def test_layout_step_reuses_ocr_result(scanned: dict[Step, After], desk: Desk, scan: Task) -> None:
    assert blob_store(desk.config).exists(artifact_key(scan.document_id, 1, "scans"))
    read, last = scanned[Step.OCR], scanned[Step.LAYOUT]
    same = read.vectors.keys() & last.vectors.keys()
    assert any(one.page_first == 2 and one.indexed_text in same for one in last.chunks)
    assert set(last.embedded) == last.vectors.keys() - same


@pytest.mark.parametrize("step", list(Step))
def test_repeated_step_is_idempotent(desk: Desk, step: Step, tmp_path: Path) -> None:
    content = make_scan(make_study(f"Once More {step}"), tilt=0.0, dpi=150, keep={1})
    task = desk.admit(content, tmp_path / "again.pdf", "again")
    first: After | None = None
    for one in Step:
        first = desk.take(task, one)
        if one is step:
            break
    assert first is not None
    again = desk.take(task, step, attempt=2)
    assert again.embedded == []
    assert again.finished == first.finished
    assert again.chunks == first.chunks
