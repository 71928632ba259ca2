"""TorchEncoder gives the vectors of sentence-transformers, which runs all other models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedding.encoder import TokenEncoder
from embedding.model_files import plain_model
from tests.unit.embedding.test_convert import TEXTS, small_model

pytestmark = pytest.mark.models


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_torch_encoder_gives_vectors_of_sentence_transformers(
    pooling: str, kind: str, tmp_path: Path
) -> None:
    from embedding.sentence_engine import SentenceEncoder
    from embedding.torch_engine import TorchEncoder, torch_encoder

    model = small_model(tmp_path, pooling, kind)
    encoder = torch_encoder(model, "fp32", "cpu", threads=1)
    reference = SentenceEncoder(model, "fp32", "cpu")
    assert isinstance(encoder, TorchEncoder)
    assert (encoder.dimension, encoder.max_tokens) == (reference.dimension, reference.max_tokens)
    np.testing.assert_allclose(encoder.encode(TEXTS), reference.encode(TEXTS), atol=1e-5)
    questions = encoder.encode_queries(TEXTS)
    np.testing.assert_allclose(questions, reference.encode_queries(TEXTS), atol=1e-5)
    assert not np.allclose(questions[0], encoder.encode(TEXTS)[0], atol=1e-4)


def test_torch_encoder_with_document_prompt_accepts_no_token_ids(tmp_path: Path) -> None:
    from embedding.torch_engine import torch_encoder

    encoder = torch_encoder(small_model(tmp_path, "mean"), "fp32", "cpu", threads=1)
    assert isinstance(encoder, TokenEncoder) and encoder.token_format is None


def test_torch_encoder_leaves_other_pooling_to_sentence_transformers(tmp_path: Path) -> None:
    from embedding.sentence_engine import SentenceEncoder
    from embedding.torch_engine import torch_encoder

    encoder = torch_encoder(small_model(tmp_path, "max"), "fp32", "cpu", threads=1)
    assert isinstance(encoder, SentenceEncoder)
    assert not isinstance(encoder, TokenEncoder)
    assert encoder.encode(TEXTS).shape == (len(TEXTS), encoder.dimension)


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("config.json", {"auto_map": {"AutoModel": "code.Model"}}),
        ("config.json", {"is_encoder_decoder": True}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("sentence_bert_config.json", {"document_length": 8}),
        ("1_Pooling/config.json", {"include_prompt": False}),
        ("1_Pooling/config.json", {"pooling_mode": ["mean", "cls"]}),
    ],
    ids=str,
)
def test_plain_model_excludes_models_with_options(
    file: str, changed: dict[str, Any], tmp_path: Path
) -> None:
    model = small_model(tmp_path, "mean")
    assert plain_model(model) is not None
    config = json.loads((model / file).read_text())
    (model / file).write_text(json.dumps({**config, **changed}))
    assert plain_model(model) is None


def test_plain_model_excludes_modules_of_other_packages(tmp_path: Path) -> None:
    model = small_model(tmp_path, "mean")
    modules = json.loads((model / "modules.json").read_text())
    modules[0]["type"] = "custom_st.Transformer"
    (model / "modules.json").write_text(json.dumps(modules))
    assert plain_model(model) is None
