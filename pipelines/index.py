"""Chunks -> vectors -> vector store, and the artifact -> blob store; harmless to repeat.

A later step of a paper, and a second attempt, find most chunks stored already: only what is new is
embedded, and what is no longer there goes last, so that the paper never leaves the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from domain.documents import Chunk
from domain.jobs import Step, StepResult, Task
from pipelines.extracted_paper import PIPELINE_DIGEST, ExtractedPaper
from stores.blobs.blob_store import BlobStore, artifact_key
from stores.protocols import VectorStore

SPAN = 256  # chunks that are embedded and made searchable together

Embed = Callable[[Sequence[Chunk]], np.ndarray]
OnSpan = Callable[[int], None]


def index_paper(
    task: Task,
    prepared: ExtractedPaper,
    embed: Embed,
    *,
    blobs: BlobStore,
    store: VectorStore,
    on_span: OnSpan | None = None,
) -> StepResult:
    """What the task knows of its document once every chunk can be found.

    `embed` gives the vectors of chunks, (n, dimension). `on_span(done)` is called when the first
    `done` chunks can be found and more are to come. Raises VectorStoreUnavailable,
    BlobStoreUnavailable.
    """
    chunks = prepared.chunks
    key = artifact_key(task.document_id, task.version, f"{PIPELINE_DIGEST}-{task.step}")
    blobs.put_artifact(key, prepared.artifact)
    stored = _stored(task, store)
    for done, span in _spans(chunks):
        _put(span, stored, embed, store, task.collection)
        if on_span is not None and done < len(chunks):
            on_span(done)
    store.delete_chunks(set(stored) - {chunk.chunk_id for chunk in chunks})
    return replace(prepared.finished, artifact_key=key)


def _stored(task: Task, store: VectorStore) -> dict[str, tuple[Chunk, np.ndarray]]:
    """What is stored of this version already, by chunk id."""
    if task.step is Step.READ_TEXT and task.attempt <= 1:
        return {}
    found = store.stored(task.document_id, task.version)
    return {chunk.chunk_id: (chunk, vector) for chunk, vector in found}


def _spans(chunks: Sequence[Chunk]) -> Iterator[tuple[int, Sequence[Chunk]]]:
    """Neighbouring chunks, each time with the number of those that are done with them."""
    for start in range(0, len(chunks), SPAN):
        span = chunks[start : start + SPAN]
        yield start + len(span), span


def _put(
    span: Sequence[Chunk],
    stored: dict[str, tuple[Chunk, np.ndarray]],
    embed: Embed,
    store: VectorStore,
    collection: str,
) -> None:
    """Stores what is not there yet; a text that is there under another id keeps its vector."""
    missing = [chunk for chunk in span if chunk.chunk_id not in stored]
    known = {chunk.indexed_text: vector for chunk, vector in stored.values()}
    fresh = [chunk for chunk in missing if chunk.indexed_text not in known]
    if fresh:
        vectors = embed(fresh)
        known |= {chunk.indexed_text: row for chunk, row in zip(fresh, vectors, strict=True)}
    if missing:
        rows = np.stack([known[chunk.indexed_text] for chunk in missing])
        store.upsert(missing, rows, collection=collection)
