"""The real encoders on the bundled model: accuracy, thread safety, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from embedding import load
from embedding.encoder import Encoder
from embedding.load import (
    DEFAULT_MODEL,
    NotConverted,
    files_digest,
    load_encoder,
    resolve_model,
)
from tests.paths import ROOT

pytestmark = pytest.mark.models
LEAST_COSINE = {"openvino-bf16": 0.999, "openvino-int8": 0.98, "torch-fp32": 0.99999}
SENTENCES = [
    "The boundary layer separates from the wing at high angles of attack.",
    "Attention weights are computed by a softmax over scaled dot products.",
    "Mice that lacked the gene gained weight on the same diet.",
    "Yes.",
    "We report the mean and the standard deviation over five runs; see Table 2 for the ablations. "
    * 4,
]


@pytest.fixture(scope="session")
def load_once(converted_models: Path) -> Callable[[str], Encoder]:
    """Returns the encoder of an engine; loads each once."""
    return cache(
        lambda engine: load_encoder(engine=engine, cache=converted_models, threads=2, device="cpu")
    )


@pytest.fixture(params=sorted(LEAST_COSINE))
def encoder(request: pytest.FixtureRequest, load_once: Callable[[str], Encoder]) -> Encoder:
    return load_once(request.param)


@pytest.fixture(scope="session")
def reference() -> Encoder:
    from embedding.sentence_engine import SentenceEncoder

    return SentenceEncoder(resolve_model(DEFAULT_MODEL), "fp32", "cpu")


def test_encoder_vectors_are_close_to_reference(
    encoder: Encoder, reference: Encoder, request: pytest.FixtureRequest
):
    cosines = np.sum(encoder.encode(SENTENCES) * reference.encode(SENTENCES), axis=1)
    assert cosines.min() >= LEAST_COSINE[request.node.callspec.params["encoder"]]


def test_query_does_not_wait_for_end_of_batch(encoder: Encoder) -> None:
    texts = [f"{number} {SENTENCES[-1]}" for number in range(600)]
    with ThreadPoolExecutor(1) as pool:
        batch = pool.submit(encoder.encode, texts)
        expected = None
        for _ in range(3):
            vector = encoder.encode_queries(["boundary layer"])[0]
            expected = vector if expected is None else expected
            np.testing.assert_allclose(vector, expected, atol=1e-5)
        assert not batch.done()
        assert batch.result().shape == (len(texts), encoder.dimension)


def test_encoder_is_exact_at_every_length(
    encoder: Encoder, reference: Encoder, request: pytest.FixtureRequest
) -> None:
    words = " ".join(SENTENCES).split()
    texts = [" ".join((words * 9)[: count or 1]) for count in range(0, 300, 6)]
    vectors = np.vstack([encoder.encode_queries([text]) for text in texts])
    cosines = np.sum(vectors * reference.encode(texts), axis=1)
    least = LEAST_COSINE[request.node.callspec.params["encoder"]]
    assert cosines.min() >= least, texts[int(cosines.argmin())]


def test_encoder_vectors_have_norm_one_and_stated_dimension(encoder: Encoder):
    vectors = encoder.encode(SENTENCES)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(SENTENCES), encoder.dimension))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert (encoder.dimension, encoder.max_tokens) == (384, 256)


def test_encoder_vector_does_not_depend_on_batch(encoder: Encoder):
    texts = [f"{sentence} {n}" for n in range(12) for sentence in SENTENCES]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.sum(together * alone, axis=1).min() > 0.995
    assert list(np.argmax(together @ alone.T, axis=1)) == list(range(len(texts)))


def test_encoder_accepts_no_texts_and_empty_texts(encoder: Encoder, reference: Encoder):
    for each in (encoder, reference):
        assert each.encode([]).shape == (0, 384)
        assert np.isfinite(each.encode(["", " "])).all()


def test_encoder_truncates_at_max_tokens(encoder: Encoder, reference: Encoder):
    fits, longer = "wing " * 254, "wing " * 254 + "tail " * 2000
    for each in (encoder, reference):
        whole, truncated = each.encode([fits, longer])
        assert whole @ truncated > 0.9999


def test_encoder_without_prompts_encodes_queries_like_passages(encoder: Encoder):
    np.testing.assert_allclose(encoder.encode_queries(SENTENCES[:1]), encoder.encode(SENTENCES[:1]))


def test_encoder_is_thread_safe(encoder: Encoder, reference: Encoder):
    loads = [
        [f"{sentence} {n} {k}" for sentence in SENTENCES * 3] for n in range(4) for k in (1, 2)
    ]
    for each in (encoder, reference):
        expected = [each.encode(load) for load in loads[:2]]
        with ThreadPoolExecutor(2) as pool:
            vectors = list(pool.map(each.encode, loads))
        for got, wanted in zip(vectors, expected, strict=False):
            assert np.sum(got * wanted, axis=1).min() > 0.999


LIGHT = """
import json, sys
from pathlib import Path
from embedding.load import load_encoder
encoder = load_encoder(engine=sys.argv[1], cache=Path(sys.argv[2]), threads=1, device="cpu")
row = encoder.encode(["a wing in a slipstream"])[0]
heavy = {"torch", "transformers", "nncf", "sentence_transformers"} & set(sys.modules)
print(json.dumps({"heavy": sorted(heavy), "width": len(row), "kind": type(encoder).__name__}))
"""


@pytest.mark.parametrize("engine", ["openvino-int8", "auto"])
def test_encoder_in_second_process_needs_no_torch(
    engine: str, load_once: Callable[[str], Encoder], converted_models: Path, tmp_path: Path
):
    load_once(engine)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment.pop("CI", None)
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT, engine, str(converted_models)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    report = json.loads(ended.stdout.splitlines()[-1])
    assert report == {"heavy": [], "width": 384, "kind": "OpenVinoEncoder"}
    assert list(tmp_path.rglob("*")) == []


def test_files_digest_changes_with_model(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    before = files_digest(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert files_digest(tmp_path) == before
    (tmp_path / "config.json").write_text('{"layers": 2}')
    assert files_digest(tmp_path) != before


def test_resolve_model_accepts_local_folder(tmp_path: Path):
    assert resolve_model(str(tmp_path)) == tmp_path.resolve()
    assert (resolve_model(DEFAULT_MODEL) / "modules.json").is_file()


def test_resolve_model_unreachable_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ValueError, match=r"No embedding model 'a/b'.*needs no network"):
        resolve_model("a/b")


def test_load_encoder_unknown_engine_lists_engines(tmp_path: Path):
    with pytest.raises(ValueError, match=r"No embedding engine 'abacus'.*openvino-int8"):
        load_encoder(engine="abacus", cache=tmp_path)


def test_load_encoder_rejects_folder_without_model(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no model"):
        load_encoder(str(tmp_path), cache=tmp_path)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "import sys; print('its pooling is lasttoken'); sys.exit(3)",
            "cannot be converted: its pooling",
        ),
        ("print(1 / 0)", "ZeroDivisionError"),
    ],
)
def test_conversion_failure_gives_reason_and_leaves_no_folder(
    script: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(load, "CONVERT_COMMAND", (sys.executable, "-c", script))
    with pytest.raises(NotConverted, match=message):
        load.converted(tmp_path, "openvino-bf16", tmp_path / "cache" / "some-model")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_load_encoder_auto_falls_back_to_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(load, "CONVERT_COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    encoder = load_encoder(cache=tmp_path, device="cpu", threads=2)
    assert type(encoder).__name__ == "TorchEncoder"
    assert "slower on this machine" in caplog.text
