"""Token ids of the chunks reach embedding actors with the same tokenizer; others receive texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.jobs import Task
from embedding.load import resolve_model
from embedding.token_format import TOKENIZER_FILE, EncoderInput, TokenFormat, token_format
from pipelines.config import PipelineConfig, vector_store
from tests.cluster.fake_embedder import TokenEmbedder
from tests.cluster.plan_harness import lane_config, start_embedder, stored_task
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import Part, make_paper


@pytest.fixture(scope="module")
def with_tokens(config: PipelineConfig) -> PipelineConfig:
    """The configuration of a service whose chunks keep their token ids."""
    return replace(config, tokens=token_format(resolve_model(config.embed.name)))


def indexed_calls(task: Task, config: PipelineConfig, accepted: EncoderInput, cluster: Any) -> int:
    """Returns the number of calls with token ids while the paper was indexed completely."""
    from actors.runner import Runner

    tokenizer = str(resolve_model(config.embed.name) / TOKENIZER_FILE)
    embedder = start_embedder(cluster, TokenEmbedder, accepted, tokenizer)
    plan = lane_config(config, embedder)
    [[outcome]] = Runner([plan]).run(plan.lane, [task])
    assert outcome.finished is not None
    assert vector_store(config).count(task.document_id, 1) == outcome.finished.chunks > 0
    calls = cluster.get(embedder.calls_with_tokens.remote())
    cluster.kill(embedder)
    return calls


def paper(name: str) -> bytes:
    return make_paper(f"Paper {name}", [Part("1 Part", [f"{LOREM * 3} {name}."])])


def test_plan_passes_token_ids_to_same_tokenizer(
    cluster: Any, with_tokens: PipelineConfig, tmp_path: Path
) -> None:
    task = stored_task(paper("ids"), with_tokens, tmp_path)
    accepted = EncoderInput(with_tokens.tokens, 256, 2048)
    assert indexed_calls(task, with_tokens, accepted, cluster) >= 1


@pytest.mark.parametrize(
    "accepted",
    [
        EncoderInput(None, 256, 2048),
        EncoderInput(TokenFormat("another", 30_522), 256, 2048),
    ],
    ids=["texts only", "other tokenizer"],
)
def test_plan_passes_texts_to_other_tokenizer(
    accepted: EncoderInput, cluster: Any, with_tokens: PipelineConfig, tmp_path: Path
) -> None:
    task = stored_task(paper(f"texts {accepted.tokens}"), with_tokens, tmp_path)
    assert indexed_calls(task, with_tokens, accepted, cluster) == 0


def test_plan_passes_texts_where_encoder_truncates(
    cluster: Any, with_tokens: PipelineConfig, tmp_path: Path
) -> None:
    task = stored_task(paper("truncated"), with_tokens, tmp_path)
    accepted = EncoderInput(with_tokens.tokens, 16, 2048)
    assert indexed_calls(task, with_tokens, accepted, cluster) == 0
