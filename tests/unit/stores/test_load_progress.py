"""LoadProgress: the file between a starting server and its supervisor."""

from __future__ import annotations

from pathlib import Path

from stores.embedded.embedded_milvus import PROGRESS, EmbeddedMilvus
from stores.embedded.load_progress import LoadProgress


def test_load_progress_writes_first_and_last_numbers(tmp_path: Path) -> None:
    progress = LoadProgress(tmp_path / "loading")
    assert progress.read() is None
    for loaded in (0, 10, 20):  # within WRITE_SECONDS
        progress.record(loaded, 30)
    assert progress.read() == (0, 30)
    progress.record(30, 30)
    assert progress.read() == (30, 30)
    progress.clear()
    assert progress.read() is None


def test_embedded_milvus_reports_loaded_chunks(tmp_path: Path) -> None:
    server = EmbeddedMilvus(tmp_path)
    assert server.activity == "opening the collections"
    LoadProgress(tmp_path / PROGRESS).record(40_000, 87_000)
    assert server.activity == "loading 40,000 of 87,000 chunks"
