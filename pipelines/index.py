"""Embeds the chunks into the vector store and writes the artifact to the blob store; idempotent.

A later step of a paper, or a second attempt, finds most chunks stored already. Only new texts are
embedded, and obsolete chunks are deleted last, so that the paper stays searchable.
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
    extracted: ExtractedPaper,
    embed: Embed,
    *,
    blobs: BlobStore,
    store: VectorStore,
    on_span: OnSpan | None = None,
) -> StepResult:
    """Indexes the paper and returns its step result, once every chunk is searchable.

    `embed` returns the vectors of chunks, (n, dimension). `on_span(done)` is called when the first
    `done` chunks are searchable and more follow. Raises VectorStoreUnavailable,
    BlobStoreUnavailable.
    """
    chunks = extracted.chunks
    key = artifact_key(task.document_id, task.version, f"{PIPELINE_DIGEST}-{task.step}")
    blobs.put_artifact(key, extracted.artifact)
    stored = _stored(task, store)
    for done, span in _spans(chunks):
        _put(span, stored, embed, store, task.collection)
        if on_span is not None and done < len(chunks):
            on_span(done)
    store.delete_chunks(set(stored) - {chunk.chunk_id for chunk in chunks})
    return replace(extracted.finished, artifact_key=key)


def _stored(task: Task, store: VectorStore) -> dict[str, tuple[Chunk, np.ndarray]]:
    """The chunks of this version that are stored already, by id, with their vectors."""
    if task.step is Step.READ_TEXT and task.attempt <= 1:
        return {}
    found = store.stored(task.document_id, task.version)
    return {chunk.chunk_id: (chunk, vector) for chunk, vector in found}


def _spans(chunks: Sequence[Chunk]) -> Iterator[tuple[int, Sequence[Chunk]]]:
    """Yields spans of consecutive chunks, each with the number of chunks up to its end."""
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
    """Stores the missing chunks; a text that is stored under another id keeps its vector."""
    missing = [chunk for chunk in span if chunk.chunk_id not in stored]
    known = {chunk.indexed_text: vector for chunk, vector in stored.values()}
    new = [chunk for chunk in missing if chunk.indexed_text not in known]
    if new:
        vectors = embed(new)
        known |= {chunk.indexed_text: row for chunk, row in zip(new, vectors, strict=True)}
    if missing:
        rows = np.stack([known[chunk.indexed_text] for chunk in missing])
        store.upsert(missing, rows, collection=collection)
