"""Extraction of a task's PDF from a real blob store in a real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import BlobStoreUnavailable, DamagedPdf, NoText
from extraction.options import OcrEngine, ReadOptions
from pipelines.config import PipelineConfig
from pipelines.extract import extract_task
from stores.blobs.blob_store import BlobStore
from tests.extraction_harness import extraction_config
from tests.pdf_builder.pages import make_pages
from tests.records import make_task

MIB = 1024**2
News = tuple[int, int] | None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def config(root: Path) -> PipelineConfig:
    return extraction_config(str(root), read=ReadOptions(ocr=OcrEngine.OFF))


def stored(root: Path, content: bytes) -> str:
    """Stores the bytes and returns their digest."""
    source = root.parent / "paper.pdf"
    source.write_bytes(content)
    return BlobStore(str(root)).put_file(source, MIB).sha256


def once(do: Callable[[], object]) -> Callable[[News], None]:
    """A progress callback that calls the function at the first page."""
    left = [do]

    def watch(news: News) -> None:
        if news and left:
            left.pop()()

    return watch


def test_extract_task_keeps_error_of_readable_file(root: Path, config: PipelineConfig) -> None:
    damaged = stored(root, b"%PDF-1.7\nnothing more")
    with pytest.raises(DamagedPdf):
        extract_task(make_task(sha256=damaged), config, lambda news: None)


def test_extract_task_blames_blob_store_for_unreadable_file(
    root: Path, config: PipelineConfig
) -> None:
    """The store fails during the extraction: the paper must not be blamed."""
    blank = stored(
        root,
        make_pages(*[""] * 40),
    )
    with pytest.raises(NoText):
        extract_task(make_task(sha256=blank), config, lambda news: None)
    goes_away = once(lambda: root.rename(root.parent / "away"))
    with pytest.raises(BlobStoreUnavailable):
        extract_task(make_task(sha256=blank), config, goes_away)
