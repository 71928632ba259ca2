"""Embedder: concurrent calls with token ids, texts and queries give the vectors of single calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# In a process of its own, because the embedder lowers the CPU priority of its process.
CONCURRENT = """
import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np

from actors.embedder import Embedder
from domain.jobs import Lane
from pipelines.chunking.tokens import ModelTokenizer
from embedding.load import DEFAULT_MODEL, resolve_model

embedder = Embedder(DEFAULT_MODEL, engine=sys.argv[1], cache=sys.argv[2], threads=2, device="cpu")
tokenizer = ModelTokenizer(resolve_model(DEFAULT_MODEL) / "tokenizer.json")
words = "wing gene lemma silver orbit enzyme vowel tariff glacier kernel".split()
random = Random(3)
loads = [[" ".join(random.choices(words, k=9 * (k + 1))) for k in range(n % 7)] for n in range(24)]
alone = [embedder.encode(load) for load in loads]


def call(number):
    load, lane = loads[number], (Lane.BULK, Lane.INTERACTIVE, Lane.OCR)[number % 3]
    if number % 4 == 0:
        return embedder.encode(load, lane)
    if number % 11 == 0:
        return np.array([embedder.encode_query(text) for text in load]).reshape(-1, 384)
    return embedder.encode_tokens(tokenizer.encode(load), lane)


with ThreadPoolExecutor(16) as pool:
    together = list(pool.map(call, range(len(loads))))
least = min(np.sum(a * b, axis=1).min(initial=1) for a, b in zip(alone, together, strict=True))
assert [len(a) for a in together] == [len(load) for load in loads]
assert "ray" not in sys.modules
print(least)
"""


@pytest.mark.models
@pytest.mark.parametrize("engine", ["openvino-fp32", "torch-fp32"])
def test_embedder_gives_each_concurrent_call_its_own_vectors(engine: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CONCURRENT, engine, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert float(ended.stdout.splitlines()[-1]) > 0.9999
