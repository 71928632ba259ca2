"""A micro-batch as one Ray Data plan: errors are rows, and dead workers are replaced."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.documents import document_id
from domain.jobs import Lane, Task, TaskStatus
from pipelines.config import PipelineConfig, blob_store, vector_store
from pipelines.plan import LaneConfig, TaskResult
from tests.cluster.wordy_embedder import AWAY, DEADLY, DEADLY_ONCE, WordyEmbedder
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.pages import make_pages
from tests.pdf_builder.papers import Part, make_paper


@pytest.fixture(scope="module")
def plan(cluster: Any, config: PipelineConfig) -> LaneConfig:
    """The plan of a lane that may use both CPUs, all steps in one task."""
    groups = {str(lane): 2 for lane in Lane}
    embedder = cluster.remote(num_cpus=0, concurrency_groups=groups)(WordyEmbedder).remote()
    return LaneConfig(
        config=config,
        lane=Lane.BULK,
        num_cpus=1,
        cpus=2,
        split_embed=False,
        can_grow=False,
        statistics=False,
        embedders=(embedder,),
    )


def task_for(
    content: bytes, config: PipelineConfig, folder: Path, collection: str = "plan"
) -> Task:
    """A running task for these bytes, which are in the blob store."""
    digest = hashlib.sha256(content).hexdigest()
    file = folder / f"{digest}.pdf"
    file.write_bytes(content)
    blob_store(config).put_file(file, 10_000_000)
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
        created_at=datetime.now(UTC),
    )


def run_plan(tasks: Sequence[Task], plan: LaneConfig) -> dict[uuid.UUID, TaskResult]:
    """The outcomes by task; each task has exactly one."""
    from pipelines.dataset import run

    outcomes = list(run(tasks, plan))
    found = {outcome.task.task_id: outcome for outcome in outcomes}
    assert len(found) == len(outcomes) == len(tasks)
    return found


def code_of(outcome: TaskResult) -> str | None:
    """The failure's code, None for a result."""
    assert (outcome.finished is None) != (outcome.failure is None)
    return outcome.failure.code if outcome.failure else None


def good_paper(name: str, extra: str = "") -> bytes:
    return make_paper(f"Paper {name}", [Part("1 Part", [f"{LOREM * 3} {name}. {extra}"])])


def test_plan_returns_errors_as_rows_and_completes_other_tasks(
    plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    contents = {
        None: good_paper("a"),
        "damaged_pdf": b"%PDF-1.7\nno objects here at all",
        "no_text": make_pages(""),
        "password_protected": make_paper(password="secret"),
    }
    tasks = {code: task_for(content, config, tmp_path) for code, content in contents.items()}
    lost = task_for(good_paper("lost"), config, tmp_path)
    lost = lost.model_copy(update={"sha256": "0" * 64})
    last = task_for(good_paper("b"), config, tmp_path)
    outcomes = run_plan([*tasks.values(), lost, last], plan)
    assert {code: code_of(outcomes[task.task_id]) for code, task in tasks.items()} == {
        code: code for code in contents
    }
    assert code_of(outcomes[lost.task_id]) is not None
    for task in (tasks[None], last):
        finished = outcomes[task.task_id].finished
        assert finished is not None and finished.pages == 1
        assert vector_store(config).count(task.document_id, 1) == finished.chunks > 0
        assert finished.artifact_key and blob_store(config).read(finished.artifact_key)


def test_plan_result_is_independent_of_task_order(
    plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    tasks = [task_for(good_paper(f"order {n}"), config, tmp_path) for n in range(5)]
    first = run_plan(tasks, plan)
    ids = {task.task_id: vector_store(config).chunk_ids(task.document_id) for task in tasks}
    random.Random(1).shuffle(tasks)
    again = run_plan(tasks, plan)
    for task in tasks:
        assert again[task.task_id].finished == first[task.task_id].finished
        assert vector_store(config).chunk_ids(task.document_id) == ids[task.task_id]


def test_plan_with_split_embedding_gives_same_chunks(
    plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    contents = [*(good_paper(f"split {n}") for n in range(3)), b"%PDF-1.7\nno objects"]
    together = [task_for(content, config, tmp_path, "together") for content in contents]
    apart = [task_for(content, config, tmp_path, "apart") for content in contents]
    fused, split = run_plan(together, plan), run_plan(apart, replace(plan, split_embed=True))
    for one, other in zip(together, apart, strict=True):
        assert code_of(fused[one.task_id]) == code_of(split[other.task_id])
        assert texts_of(one, config) == texts_of(other, config)


def texts_of(task: Task, config: PipelineConfig) -> list[tuple[int, str]]:
    chunks = vector_store(config).chunks(task.document_id, task.version)
    return [(chunk.ordinal, chunk.text) for chunk in chunks]


def test_plan_keeps_category_of_embedder_error(
    plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    away = task_for(make_pages(AWAY), config, tmp_path)
    good = task_for(good_paper("not away"), config, tmp_path)
    outcomes = run_plan([away, good], plan)
    failure = outcomes[away.task_id].failure
    assert failure is not None
    assert (failure.code, failure.category) == ("vector_store_unavailable", "dependency")
    assert failure.retryable
    assert code_of(outcomes[good.task_id]) is None


def test_plan_retries_step_of_dead_worker(
    cluster: Any, plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    tasks = [
        task_for(good_paper("c"), config, tmp_path),
        task_for(make_pages(DEADLY_ONCE), config, tmp_path),
        task_for(good_paper("d"), config, tmp_path),
    ]
    outcomes = run_plan(tasks, plan)
    assert [code_of(outcomes[task.task_id]) for task in tasks] == [None] * 3
    assert cluster.get(plan.embedders[0].count.remote(DEADLY_ONCE)) == 2
    assert texts_of(tasks[1], config) == [(0, DEADLY_ONCE)]


def test_plan_fails_if_document_always_kills_its_worker(
    cluster: Any, plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    from pipelines.dataset import run

    poison = task_for(make_pages(DEADLY), config, tmp_path)
    with pytest.raises(Exception, match=r"died|crash|exit|Worker"):
        list(run([poison], plan))
    assert cluster.get(plan.embedders[0].count.remote(DEADLY)) == 3
    good = task_for(good_paper("after"), config, tmp_path)
    assert code_of(run_plan([good], plan)[good.task_id]) is None
