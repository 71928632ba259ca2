"""Token ids that the chunker keeps give the vectors that the texts give, on every engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedding.encoder import Encoder, TokenEncoder
from embedding.load import DEFAULT_MODEL, load_encoder, resolve_model
from embedding.token_batch import TokenBatch
from embedding.token_format import TOKENIZER_FILE, token_format
from extraction.steps import read_whole
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.tokens import ModelTokenizer
from tests.paths import ROOT
from tests.small_papers import write_small_papers

pytestmark = pytest.mark.models
SAMPLES = sorted((ROOT / "samples").glob("*.pdf"))
LEAST_COSINE = 1 - 1e-6
Chunked = tuple[list[str], TokenBatch]


@pytest.fixture(scope="module")
def chunked(tmp_path_factory: pytest.TempPathFactory) -> Chunked:
    """The indexed texts and the token ids of the chunks of the samples and of generated papers."""
    generated = write_small_papers(tmp_path_factory.mktemp("papers"), 3)
    tokenizer = ModelTokenizer(resolve_model(DEFAULT_MODEL) / TOKENIZER_FILE)
    texts: list[str] = []
    tokens: list[TokenBatch] = []
    for path in [*SAMPLES, *generated]:
        chunks, ids = split_paper(
            read_whole(path), document_id="doc_1", version=1, tokenizer=tokenizer
        )
        texts += [chunk.indexed_text for chunk in chunks]
        tokens.append(ids)
    return texts, TokenBatch.joined(tokens)


@pytest.fixture(scope="module", params=["openvino-int8", "openvino-fp32", "torch-fp32"])
def encoder(request: pytest.FixtureRequest, converted_models: Path) -> Encoder:
    return load_encoder(engine=request.param, cache=converted_models, threads=2, device="cpu")


def test_token_ids_are_those_of_indexed_text(chunked: Chunked) -> None:
    from transformers import AutoTokenizer

    texts, tokens = chunked
    assert len(texts) > 20
    reference = AutoTokenizer.from_pretrained(resolve_model(DEFAULT_MODEL))
    wanted = reference(texts, truncation=True, max_length=256)["input_ids"]
    assert [row.tolist() for row in tokens.rows()] == wanted


def test_token_ids_give_vectors_of_texts(encoder: Encoder, chunked: Chunked) -> None:
    texts, tokens = chunked
    assert isinstance(encoder, TokenEncoder)
    assert encoder.token_format == token_format(resolve_model(DEFAULT_MODEL)) is not None
    cosines = np.sum(encoder.encode_tokens(tokens) * encoder.encode(texts), axis=1)
    assert cosines.min() >= LEAST_COSINE


def test_encoder_of_no_token_ids_returns_no_vectors(encoder: Encoder) -> None:
    assert isinstance(encoder, TokenEncoder)
    assert encoder.encode_tokens(TokenBatch.from_rows([])).shape == (0, encoder.dimension)
