"""Reranker: kept answers; a service without a reranker does not load what one needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.small_reranker import small_reranker

WITHOUT = """
import sys

import actors.launch, actors.reranker, actors.reranker_handle, serve_app.deployment
from serve_app.cli.checkup import examine

print([name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules])
"""


@pytest.mark.models
def test_reranker_keeps_the_scores_of_a_search(tmp_path: Path) -> None:
    from actors.reranker import Reranker

    reranker = Reranker(str(small_reranker(tmp_path)), threads=1, device="cpu")
    first = reranker.scores("ion", ["laser light", "trap 1"])
    assert reranker.scores("ion", ["laser light", "trap 1"]) is first
    assert reranker.scores("ion", ["trap 1", "laser light"]) == pytest.approx(first[::-1])
    assert (reranker.state(), reranker.pid()) == (None, os.getpid())


@pytest.mark.slow
def test_service_without_reranker_loads_no_torch() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert ended.stdout.splitlines()[-1] == "[]"
