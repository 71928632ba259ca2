"""The size of artifacts is limited when they are written and when they are read."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from domain.errors import TooMuchOutput
from domain.papers import Block, BlockKind, PageSize, Paper
from extraction import serialization as artifact
from extraction.serialization import dump_paper, load_paper

MIB = 1024**2
PAPER = Paper("Silver", (PageSize(1, 600, 800),), (Block(BlockKind.TEXT, "Words.", ()),))


def test_serialization_round_trips_paper() -> None:
    assert load_paper(dump_paper(PAPER)) == PAPER


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", dump_paper(PAPER)[:-20], gzip.compress(b"{}")],
    ids=["empty", "no gzip", "cut off", "no paper"],
)
def test_serialization_rejects_invalid_data(data: bytes) -> None:
    with pytest.raises(ValueError):
        load_paper(data)


def test_serialization_limits_decompressed_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MAX_BYTES", MIB)
    bomb = gzip.compress(b" " * 64 * MIB, compresslevel=1)
    tracemalloc.start()
    with pytest.raises(ValueError, match="exceeds the size limit"):
        load_paper(bomb)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 8 * MIB


def test_serialization_rejects_paper_beyond_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MAX_BYTES", 100)
    with pytest.raises(TooMuchOutput):
        dump_paper(PAPER)
