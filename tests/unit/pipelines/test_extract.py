"""A task's PDF from a real blob store, read in a real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import BlobStoreUnavailable, DamagedPdf, NoText
from extraction.options import OcrEngine, ReadOptions
from extraction.text.mupdf import pymupdf
from pipelines.config import PipelineConfig
from pipelines.extract import extract_task
from stores.blobs.blob_store import BlobStore
from tests.reading import reading_recipe, reading_task

MIB = 1024**2
News = tuple[int, int] | None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def recipe(root: Path) -> PipelineConfig:
    return reading_recipe(str(root), read=ReadOptions(ocr=OcrEngine.OFF))


def stored(root: Path, content: bytes) -> str:
    """The digest of the bytes, which are in the store now."""
    source = root.parent / "paper.pdf"
    source.write_bytes(content)
    return BlobStore(str(root)).put_file(source, MIB).sha256


def blank_pages(count: int) -> bytes:
    document = pymupdf.open()
    for _ in range(count):
        document.new_page()
    return document.tobytes()


def once(do: Callable[[], object]) -> Callable[[News], None]:
    """A watch that does this at the first page."""
    left = [do]

    def watch(news: News) -> None:
        if news and left:
            left.pop()()

    return watch


def test_a_verdict_stands_when_the_file_can_be_read(root: Path, recipe: PipelineConfig) -> None:
    damaged = stored(root, b"%PDF-1.7\nnothing more")
    with pytest.raises(DamagedPdf):
        extract_task(reading_task(sha256=damaged), recipe, lambda news: None)


def test_what_could_not_be_read_says_nothing_of_the_paper(
    root: Path, recipe: PipelineConfig
) -> None:
    """The store goes away while the paper is read: that is no fault of the paper's."""
    blank = stored(root, blank_pages(40))
    with pytest.raises(NoText):
        extract_task(reading_task(sha256=blank), recipe, lambda news: None)
    goes_away = once(lambda: root.rename(root.parent / "away"))
    with pytest.raises(BlobStoreUnavailable):
        extract_task(reading_task(sha256=blank), recipe, goes_away)
