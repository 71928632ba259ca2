"""The reranker on a small random cross-encoder, and models that are no rerankers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedding.load import DEFAULT_MODEL, resolve_model
from embedding.reranker_files import resolve_reranker
from tests.small_reranker import small_reranker

PASSAGES = ["laser light", "trap 1", "the gene of a cell", "", "trap 2", "laser ion cool " * 300]


@pytest.mark.models
def test_scores_are_those_of_the_cross_encoder(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    from embedding.cross_encoder import PairScorer

    model = small_reranker(tmp_path)
    scorer = PairScorer(resolve_reranker(str(model)), "cpu", threads=1)
    expected = CrossEncoder(str(model), device="cpu").predict([("ion", one) for one in PASSAGES])
    assert scorer.scores("ion", PASSAGES) == pytest.approx(expected.tolist(), abs=1e-6)
    assert len(set(expected.tolist())) == len(PASSAGES)
    assert scorer.engine == "sentence-transformers fp32 on the CPU"


@pytest.mark.models
def test_query_of_any_length_is_scored(tmp_path: Path) -> None:
    from embedding.cross_encoder import PairScorer

    scorer = PairScorer(small_reranker(tmp_path), "cpu", threads=1)
    for query in ("laser ion " * 2000, "\u202e\x01"):
        assert len(set(scorer.scores(query, PASSAGES[:3]))) == 3
    assert scorer.scores("ion", []) == []


@pytest.mark.models
def test_scores_that_are_not_numbers_are_an_error(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    from embedding.cross_encoder import PairScorer

    model = small_reranker(tmp_path)
    weights = load_file(model / "model.safetensors")
    weights["classifier.bias"] *= float("nan")
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="one number for each passage"):
        PairScorer(model, "cpu", threads=1).scores("ion", PASSAGES)


@pytest.mark.models
def test_model_with_several_scores_is_no_reranker(tmp_path: Path) -> None:
    model = small_reranker(tmp_path, labels=3)
    with pytest.raises(ValueError, match="it gives 3 scores"):
        resolve_reranker(str(model))


def write_model(folder: Path, **files: Any) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


HEAD = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}


@pytest.mark.parametrize(
    "files",
    [
        {"config": HEAD},
        {"config": {"architectures": ["Qwen3ForCausalLM"]}},
        {
            "config": {"architectures": ["ModernBertModel"]},
            "config_sentence_transformers": {"model_type": "CrossEncoder"},
        },
    ],
    ids=["classifier", "yes or no", "modules"],
)
def test_reranker_may_be_of_each_kind(files: dict[str, Any], tmp_path: Path) -> None:
    assert resolve_reranker(str(write_model(tmp_path, **files))) == tmp_path


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no config.json"),
        ({"config": {"architectures": ["BertModel"]}}, "its architecture is BertModel"),
        ({"config": {}}, "its architecture is unknown"),
        ({"config": {"architectures": HEAD["architectures"]}}, "it gives 2 scores"),
        ({"config": {**HEAD, "id2label": {"0": "no", "1": "yes", "2": "?"}}}, "it gives 3 scores"),
    ],
    ids=["empty", "encoder", "no architecture", "two labels", "three labels"],
)
def test_other_model_is_no_reranker(files: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{message}.*Set search.reranker"):
        resolve_reranker(str(write_model(tmp_path, **files)))


def test_embedding_model_is_no_reranker() -> None:
    with pytest.raises(ValueError, match="its architecture is BertModel"):
        resolve_reranker(str(resolve_model(DEFAULT_MODEL)))


def test_unknown_reranker_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"No reranker 'no/such'.*leave search\.reranker empty"):
        resolve_reranker("no/such")
