"""Embedder: concurrent calls with token ids, texts and queries give the vectors of single calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

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


# Prints the share of the CPU time of queries, and of passages, that threads with a lower priority
# have used.
PRIORITIES = """
import json
import os
import sys
from pathlib import Path

from actors.embedder import Embedder
from embedding.load import DEFAULT_MODEL

NICE, USER, SYSTEM = 16, 11, 12  # fields of /proc/PID/stat after the name


def cpu_times():
    stats = [path.read_text() for path in Path("/proc/self/task").glob("*/stat")]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    used = [(int(one[NICE]), int(one[USER]) + int(one[SYSTEM])) for one in fields]
    return sum(ticks for nice, ticks in used if nice > own), sum(ticks for _, ticks in used)


def share_of_background(work):
    before = cpu_times()
    work()
    background, all_threads = (after - one for after, one in zip(cpu_times(), before))
    return background / all_threads


own = os.getpriority(os.PRIO_PROCESS, 0)
embedder = Embedder(DEFAULT_MODEL, engine=sys.argv[1], cache=sys.argv[2], threads=2, device="cpu")
queries = lambda: [embedder.encode_query(f"what is glacier {number}") for number in range(300)]
passages = lambda: embedder.encode([f"glacier {number} " * 40 for number in range(100)])
print(json.dumps([share_of_background(queries), share_of_background(passages)]))
"""


@pytest.mark.models
@pytest.mark.parametrize("engine", ["openvino-fp32", "torch-fp32"])
def test_embedder_gives_each_concurrent_call_its_own_vectors(
    engine: str, converted_models: Path
) -> None:
    assert float(_last_line(CONCURRENT, engine, converted_models)) > 0.9999


@pytest.mark.models
@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities on Linux only")
@pytest.mark.parametrize("engine", ["openvino-fp32", "torch-fp32"])
def test_passages_have_lower_cpu_priority_than_queries(engine: str, converted_models: Path) -> None:
    of_queries, of_passages = json.loads(_last_line(PRIORITIES, engine, converted_models))
    assert of_queries < 0.1
    assert of_passages > 0.9


def _last_line(script: str, engine: str, cache: Path) -> str:
    """Returns the last line that the script prints, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", script, engine, str(cache)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return ended.stdout.splitlines()[-1]
