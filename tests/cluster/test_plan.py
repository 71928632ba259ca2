"""A micro-batch as one Ray Data plan: errors are rows, and steps of dead workers are retried."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from domain.jobs import Task
from pipelines.config import PipelineConfig, blob_store, vector_store
from pipelines.lane_config import LaneConfig, TaskResult
from tests.cluster.fake_embedder import CRASHES_ALWAYS, CRASHES_ONCE, UNAVAILABLE
from tests.cluster.plan_harness import lane_config, start_embedder, stored_task
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.pages import make_pages
from tests.pdf_builder.papers import Part, make_paper


@pytest.fixture(scope="module")
def plan(cluster: Any, config: PipelineConfig) -> LaneConfig:
    """A lane that may use both CPUs and runs all steps in one Ray task."""
    return lane_config(config, start_embedder(cluster))


def run_plan(tasks: Sequence[Task], plan: LaneConfig) -> dict[uuid.UUID, TaskResult]:
    """Returns the outcomes by task id; asserts that each task has exactly one."""
    from actors.runner import Runner

    outcomes = list(chain.from_iterable(Runner([plan]).run(plan.lane, tasks)))
    found = {outcome.task.task_id: outcome for outcome in outcomes}
    assert len(found) == len(outcomes) == len(tasks)
    return found


def code_of(outcome: TaskResult) -> str | None:
    """Returns the code of the failure; None for a result."""
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
    tasks = {code: stored_task(content, config, tmp_path) for code, content in contents.items()}
    lost = stored_task(good_paper("lost"), config, tmp_path)
    lost = lost.model_copy(update={"sha256": "0" * 64})
    last = stored_task(good_paper("b"), config, tmp_path)
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
    tasks = [stored_task(good_paper(f"order {n}"), config, tmp_path) for n in range(5)]
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
    together = [stored_task(content, config, tmp_path, "together") for content in contents]
    apart = [stored_task(content, config, tmp_path, "apart") for content in contents]
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
    unavailable = stored_task(make_pages(UNAVAILABLE), config, tmp_path)
    good = stored_task(good_paper("available"), config, tmp_path)
    outcomes = run_plan([unavailable, good], plan)
    failure = outcomes[unavailable.task_id].failure
    assert failure is not None
    assert (failure.code, failure.category) == ("vector_store_unavailable", "dependency")
    assert failure.retryable
    assert code_of(outcomes[good.task_id]) is None


def test_plan_retries_step_of_dead_worker(
    cluster: Any, plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    tasks = [
        stored_task(good_paper("c"), config, tmp_path),
        stored_task(make_pages(CRASHES_ONCE), config, tmp_path),
        stored_task(good_paper("d"), config, tmp_path),
    ]
    outcomes = run_plan(tasks, plan)
    assert [code_of(outcomes[task.task_id]) for task in tasks] == [None] * 3
    assert cluster.get(plan.embedders[0].count.remote(CRASHES_ONCE)) == 2
    assert texts_of(tasks[1], config) == [(0, CRASHES_ONCE)]


def test_document_that_always_kills_its_worker_ends_no_other(
    cluster: Any, plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    """It has no result, nor has the paper that shares its Ray task."""
    from actors.runner import Runner

    poison = stored_task(make_pages(CRASHES_ALWAYS), config, tmp_path)
    shared, *others = [stored_task(good_paper(f"good {n}"), config, tmp_path) for n in range(3)]
    groups = list(Runner([plan]).run(plan.lane, [shared, poison, *others], per_task=2))
    assert [[one.task.task_id for one in group] for group in groups] == [
        [task.task_id for task in others]
    ]
    assert [code_of(one) for group in groups for one in group] == [None, None]
    assert cluster.get(plan.embedders[0].count.remote(CRASHES_ALWAYS)) == 3
    assert code_of(run_plan([shared], plan)[shared.task_id]) is None


def test_results_of_a_ray_task_arrive_together(
    plan: LaneConfig, config: PipelineConfig, tmp_path: Path
) -> None:
    from actors.runner import Runner

    tasks = [stored_task(good_paper(f"group {n}"), config, tmp_path) for n in range(7)]
    groups = list(Runner([plan]).run(plan.lane, tasks, per_task=3))
    assert sorted(len(group) for group in groups) == [2, 2, 3]
    found = {one.task.task_id for group in groups for one in group if code_of(one) is None}
    assert found == {task.task_id for task in tasks}


def test_warm_up_reads_one_paper_for_each_cpu_of_the_cluster(plan: LaneConfig) -> None:
    """The lanes of `configs/cluster.yaml` may use more CPUs than a cluster starts with."""
    from actors.runner import Runner

    assert Runner([replace(plan, cpus=64)]).warm_up() == 2
    assert Runner([replace(plan, cpus=1)]).warm_up() == 1
