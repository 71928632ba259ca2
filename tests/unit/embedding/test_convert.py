"""Conversion of small random models: poolings and prompts are supported or rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedding.load import converted

# Imported within the functions: torch and what stands on it take seconds, which the collection of
# all other tests would pay for.

pytestmark = pytest.mark.models
WORDS = ["query", "passage", ":", "wing", "lift", "cell", "gene", "graph", "node", "a", "of", "the"]
TEXTS = ["the lift of a wing", "gene", "a graph of the cell : node node", "wing " * 40]
PROMPTS = {"query": "query : ", "passage": "passage : "}


def small_model(folder: Path, pooling: Any, kind: str = "bert", normalize: bool = True) -> Path:
    """A sentence-transformers folder with two random layers; texts are cut off at 16 tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel, BertTokenizer, RobertaConfig, RobertaModel

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    names = ["input_ids", "attention_mask"] + (["token_type_ids"] if kind == "bert" else [])
    tokenizer = BertTokenizer(str(folder / "vocab.txt"), model_input_names=names)
    sizes: dict[str, Any] = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
    }
    sizes |= {"num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 64}
    torch.manual_seed(7)
    model = (
        BertModel(BertConfig(**sizes))
        if kind == "bert"
        else RobertaModel(RobertaConfig(**sizes, pad_token_id=0))
    )
    model.save_pretrained(folder / "plain")
    tokenizer.save_pretrained(folder / "plain")
    modules = [Transformer(str(folder / "plain"), max_seq_length=16), Pooling(32, pooling)]
    modules += [Normalize()] if normalize else []
    SentenceTransformer(modules=modules, prompts=PROMPTS, device="cpu").save(str(folder / "model"))
    return folder / "model"


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_convert_graph_gives_vectors_of_model(pooling: str, kind: str, tmp_path: Path):
    from embedding.convert import convert
    from embedding.openvino_engine import OpenVinoEncoder
    from embedding.sentence_engine import SentenceEncoder

    model = small_model(tmp_path, pooling, kind)
    convert(model, "openvino-fp32", tmp_path / "graph")
    graph = OpenVinoEncoder(tmp_path / "graph", threads=1)
    reference = SentenceEncoder(model, "fp32", "cpu")
    assert (graph.dimension, graph.max_tokens) == (reference.dimension, reference.max_tokens)
    np.testing.assert_allclose(graph.encode(TEXTS), reference.encode(TEXTS), atol=1e-5)
    questions = graph.encode_queries(TEXTS)
    np.testing.assert_allclose(questions, reference.encode_queries(TEXTS), atol=1e-5)
    assert not np.allclose(questions[0], graph.encode(TEXTS)[0], atol=1e-4)


def test_convert_normalizes_vectors(tmp_path: Path):
    from embedding.convert import convert
    from embedding.openvino_engine import OpenVinoEncoder

    convert(small_model(tmp_path, "mean", normalize=False), "openvino-fp32", tmp_path / "graph")
    vectors = OpenVinoEncoder(tmp_path / "graph", threads=1).encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_conversion_leaves_one_folder_and_no_files_in_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("CI", raising=False)
    folder = converted(small_model(tmp_path, "mean"), "openvino-fp32", cache / "small")
    assert [path for path in cache.iterdir() if path.suffix != ".lock"] == [folder]
    assert list(home.rglob("*")) == []


def test_convert_rejects_unsupported_pooling(tmp_path: Path):
    from embedding.convert import UnsupportedModel, convert

    with pytest.raises(UnsupportedModel, match="its pooling is lasttoken"):
        convert(small_model(tmp_path, "lasttoken"), "openvino-fp32", tmp_path / "graph")
    assert not (tmp_path / "graph").exists()
