"""Indexing of chunks: in spans, each text embedded once, obsolete chunks deleted."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest

from domain.documents import Chunk, ChunkKind
from domain.errors import VectorStoreUnavailable
from domain.jobs import Step, StepResult, Task
from domain.papers import (
    Author,
    Block,
    BlockKind,
    Box,
    Cell,
    Metadata,
    PageSize,
    Paper,
    Quality,
    Reference,
    Section,
    SectionRole,
    Table,
    TableSource,
)
from domain.search import SearchMode, SearchQuery
from extraction.serialization import load_paper
from pipelines.chunking.chunk import split_paper
from pipelines.extract_worker import prepared
from pipelines.index import SPAN, OnSpan, index_paper
from stores.blobs.blob_store import BlobStore
from tests.fakes.counted_tokens import WordTokenizer
from tests.fakes.fake_encoder import FakeEncoder
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.records import make_chunk, make_task

DIMENSION = 32
BOX = Box(1, 50, 50, 300, 90)
PAPER = Paper("On Leaves", (PageSize(1, 595, 842),), (Block(BlockKind.TEXT, "Leaves.", (BOX,)),))


def task_at(step: Step, attempt: int = 1, version: int = 1) -> Task:
    return make_task(
        document_id="doc_0123456789ab",
        collection="herbs",
        version=version,
        filename="leaves.pdf",
        step=step,
        attempt=attempt,
    )


def chunks_of(texts: Sequence[str], task: Task, kind: ChunkKind = ChunkKind.TEXT) -> list[Chunk]:
    fields = {"version": task.version, "kind": kind, "boxes": (BOX,), "context": "On Leaves"}
    return [make_chunk(task.document_id, n, text, **fields) for n, text in enumerate(texts)]


class IndexHarness:
    """Private stores, and an embedder that records the texts it was called with."""

    def __init__(self) -> None:
        self.blobs = BlobStore(f"memory://{uuid.uuid4().hex}")
        self.store = RecordingVectorStore(DIMENSION)
        self.embedded: list[str] = []
        self.fails_after: int | None = None

    def embed(self, chunks: Sequence[Chunk]) -> np.ndarray:
        if self.fails_after is not None and len(self.embedded) >= self.fails_after:
            raise VectorStoreUnavailable
        self.embedded += [chunk.text for chunk in chunks]
        return FakeEncoder(DIMENSION).encode([chunk.indexed_text for chunk in chunks])

    def index(
        self,
        task: Task,
        chunks: Sequence[Chunk],
        paper: Paper = PAPER,
        next_step: Step | None = None,
        on_span: OnSpan | None = None,
    ) -> StepResult:
        self.embedded.clear()
        return index_paper(
            task,
            prepared(paper, chunks, next_step),
            self.embed,
            blobs=self.blobs,
            store=self.store,  # pyright: ignore[reportArgumentType]
            on_span=on_span,
        )

    def vectors(self, task: Task) -> dict[str, list[float]]:
        stored = self.store.stored(task.document_id, task.version)
        return {chunk.text: vector.tolist() for chunk, vector in stored}

    def texts(self, task: Task) -> list[str]:
        found = self.store.chunks(task.document_id, task.version, limit=10_000)
        return [chunk.text for chunk in found]


class RecordingVectorStore(InMemoryVectorStore):
    """Records every write."""

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension)
        self.writes: list[str] = []

    def upsert(self, chunks: Sequence[Chunk], vectors: np.ndarray, *, collection: str) -> None:
        super().upsert(chunks, vectors, collection=collection)
        self.writes.append(f"upsert {len(chunks)}")

    def delete_chunks(self, chunk_ids: Collection[str]) -> None:
        super().delete_chunks(chunk_ids)
        if chunk_ids:
            self.writes.append(f"delete {len(chunk_ids)}")


@pytest.fixture
def harness() -> IndexHarness:
    return IndexHarness()


def test_index_paper_makes_chunks_searchable_and_stores_artifact(harness: IndexHarness) -> None:
    task = task_at(Step.READ_TEXT)
    done = harness.index(task, chunks_of(["mint", "sage"], task), next_step=Step.LAYOUT)
    assert harness.texts(task) == harness.embedded == ["mint", "sage"]
    assert (done.chunks, done.pages, done.next_step) == (2, 1, Step.LAYOUT)
    assert done.artifact_key is not None
    assert load_paper(harness.blobs.read(done.artifact_key)) == PAPER
    query = SearchQuery("sage", "herbs", SearchMode.SPARSE, 5)
    assert [hit.chunk.text for hit in harness.store.search(query, None)] == ["sage"]


def test_index_paper_stores_artifact_per_step(harness: IndexHarness) -> None:
    keys = {
        harness.index(task_at(step), [], next_step=None).artifact_key
        for step in (Step.READ_TEXT, Step.OCR, Step.LAYOUT)
    }
    assert len(keys) == 3


def test_index_paper_embeds_only_new_texts_in_later_step(harness: IndexHarness) -> None:
    first, later = task_at(Step.READ_TEXT), task_at(Step.LAYOUT)
    harness.index(first, chunks_of(["intro", "the rows 1.25 2.50", "end"], first))
    before = harness.vectors(first)
    harness.index(later, chunks_of(["intro", "end", "Table 1 1.25 | 2.50"], later))
    assert harness.embedded == ["Table 1 1.25 | 2.50"]
    assert harness.texts(later) == ["intro", "end", "Table 1 1.25 | 2.50"]
    after = harness.vectors(later)
    for text in ("intro", "end"):
        assert after[text] == pytest.approx(before[text], abs=1e-6)


def test_index_paper_deletes_obsolete_chunks_last(harness: IndexHarness) -> None:
    first, later = task_at(Step.READ_TEXT), task_at(Step.LAYOUT)
    harness.index(first, chunks_of(["a", "b", "c"], first))
    harness.index(later, chunks_of(["a", "c", "d"], later))
    assert harness.store.writes == ["upsert 3", "upsert 2", "delete 2"]


@pytest.mark.parametrize("step", list(Step))
def test_index_paper_is_idempotent(harness: IndexHarness, step: Step) -> None:
    task, again = task_at(step), task_at(step, attempt=2)
    chunks = chunks_of(["mint", "sage"], task)
    first = harness.index(task, chunks)
    vectors, writes = harness.vectors(task), len(harness.store.writes)
    assert harness.index(again, chunks) == first
    assert harness.embedded == [] and len(harness.store.writes) == writes
    assert harness.vectors(task) == vectors


def test_index_paper_keeps_other_versions(harness: IndexHarness) -> None:
    old, new = task_at(Step.LAYOUT), task_at(Step.LAYOUT, version=2)
    harness.index(old, chunks_of(["mint"], old))
    harness.index(new, chunks_of(["sage"], new))
    assert (harness.texts(old), harness.texts(new)) == (["mint"], ["sage"])


def test_index_paper_second_attempt_resumes(harness: IndexHarness) -> None:
    task, again = task_at(Step.READ_TEXT), task_at(Step.READ_TEXT, attempt=2)
    texts = [f"leaf {n}" for n in range(SPAN + 10)]
    harness.fails_after = SPAN
    with pytest.raises(VectorStoreUnavailable):
        harness.index(task, chunks_of(texts, task))
    assert len(harness.texts(task)) == SPAN
    harness.fails_after = None
    harness.index(again, chunks_of(texts, again))
    assert harness.embedded == texts[SPAN:]
    assert harness.texts(task) == texts


def test_index_paper_does_not_report_single_span(harness: IndexHarness) -> None:
    progress: list[int] = []
    task = task_at(Step.READ_TEXT)
    harness.index(
        task, chunks_of([f"leaf {n}" for n in range(SPAN)], task), on_span=progress.append
    )
    assert progress == []


def thesis(pages: int) -> Paper:
    """A paper of this many pages of four paragraphs, each with different words."""
    places = [(page, 60.0 + 180 * part) for page in range(1, pages + 1) for part in range(4)]
    blocks = [
        Block(
            BlockKind.TEXT,
            f"Marker{n} says. " + f"Leaf {n} was seen in the light. " * 12,
            (Box(page, 60, top, 540, top + 160),),
        )
        for n, (page, top) in enumerate(places)
    ]
    sizes = [PageSize(number, 595, 842) for number in range(1, pages + 1)]
    return Paper("A thesis", tuple(sizes), tuple(blocks))


def test_index_paper_makes_spans_searchable_early(harness: IndexHarness) -> None:
    paper, task = thesis(300), task_at(Step.READ_TEXT)
    chunks, _ = split_paper(
        paper,
        document_id=task.document_id,
        version=1,
        tokenizer=WordTokenizer(),
        max_tokens=200,
    )
    assert len(chunks) > 2 * SPAN
    seen: list[tuple[int, int, bool]] = []

    def look(done: int) -> None:
        query = SearchQuery("marker0", "herbs", SearchMode.SPARSE, 1)
        hits = harness.store.search(query, None)
        found = bool(hits) and hits[0].chunk.page_first == 1
        seen.append((done, harness.store.count(task.document_id, 1), found))

    finished = harness.index(task, chunks, paper, on_span=look)
    assert seen == [(n, n, True) for n in range(SPAN, len(chunks), SPAN)]
    assert finished.pages == 300 and finished.chunks == len(chunks)
    assert harness.texts(task) == [chunk.text for chunk in chunks]


def whole(**more: Any) -> Paper:
    cells = ((Cell("Mint"), Cell("1.25")),)
    return Paper(
        "On Leaves",
        (PageSize(1, 595, 842), PageSize(2, 595, 842)),
        (),
        sections=(
            Section(0, 1, None, "Abstract", 1, BOX, SectionRole.ABSTRACT),
            Section(1, 1, "1", "Methods", 1, BOX),
        ),
        references=(
            Reference(1, "[1] A. Turing. Leaves that count. 2019.", 2, doi="10.1234/MADE.12"),
            Reference(2, "[2] Personal communication.", 2),
            Reference(
                3,
                "[3] R. Franklin. Symmetry of stirred fluids. 2008.",
                2,
                authors=(Author("R. Franklin", "R.", "Franklin"),),
                title="Symmetry of stirred fluids",
                year=2008,
            ),
        ),
        metadata=Metadata(title="On Leaves", authors=(Author("Ada Lovelace"),), year=2020),
        tables=(Table(1, "Table 1", None, (BOX,), cells, TableSource.RULED),),
        **more,
    )


def test_extracted_result_has_document_fields(harness: IndexHarness) -> None:
    done = harness.index(task_at(Step.LAYOUT), [], whole(quality=Quality(2, layout_done=True)))
    assert (done.pages, done.sections, done.references) == (2, 1, 3)
    assert (done.tables, done.figures) == (1, 0)
    assert done.title_key
    assert [(key.ordinal, key.doi) for key in done.cited] == [(1, "10.1234/made.12"), (3, None)]
    assert done.cited[1].title_key and done.cited[1].year == 2008
    assert not done.needs_review and done.quality["pages_read"] == 2


def test_extracted_result_counts_are_none_before_layout(harness: IndexHarness) -> None:
    done = harness.index(task_at(Step.READ_TEXT), [], whole(quality=Quality(2)))
    assert done.tables is None and done.figures is None


def test_extracted_result_needs_review_for_low_quality(harness: IndexHarness) -> None:
    done = harness.index(task_at(Step.LAYOUT), [], whole(quality=Quality(1, pages_failed=(2,))))
    assert done.needs_review
    assert done.quality["reasons"] == ["page 2 could not be read"]
    assert done.document_fields["quality"]["pages_failed"] == [2]
