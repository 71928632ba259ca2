"""Chunks -> vectors -> vector store, and the paper -> blob store; harmless to repeat.

A later step of a paper, and a second attempt, find most chunks stored already: only what is new is
embedded, and what is no longer there goes last, so that the paper never leaves the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from domain.documents import Chunk
from domain.jobs import Cited, Finished, Step, Task
from domain.papers import Paper
from pipelines.artifact import dump_paper
from pipelines.citations.match import match_key
from pipelines.quality import quality_report
from stores.blob_store import BlobStore, artifact_key
from stores.vector_store import VectorStore

PIPELINE_DIGEST = "paper-2"  # what the artifact holds; a new one when reading changes
SPAN = 256  # chunks that are embedded and made searchable together

Embed = Callable[[Sequence[Chunk]], np.ndarray]
OnSpan = Callable[[int], None]


def index_paper(
    task: Task,
    paper: Paper,
    chunks: Sequence[Chunk],
    embed: Embed,
    *,
    next_step: Step | None,
    blobs: BlobStore,
    store: VectorStore,
    on_span: OnSpan | None = None,
) -> Finished:
    """What the task knows of its document once every chunk can be found.

    `embed` gives the vectors of chunks, (n, dimension). `on_span(done)` is called when the first
    `done` chunks can be found and more are to come. Raises VectorStoreUnavailable,
    BlobStoreUnavailable.
    """
    key = artifact_key(task.document_id, task.version, f"{PIPELINE_DIGEST}-{task.step}")
    blobs.put_artifact(key, dump_paper(paper))
    stored = _stored(task, store)
    for done, span in _spans(chunks):
        _put(span, stored, embed, store, task.collection)
        if on_span is not None and done < len(chunks):
            on_span(done)
    store.delete_chunks(set(stored) - {chunk.chunk_id for chunk in chunks})
    return finished(paper, len(chunks), key, next_step)


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


def finished(paper: Paper, chunks: int, key: str | None, next_step: Step | None) -> Finished:
    """What is known of a document of which this paper was read."""
    report = quality_report(paper)
    looked = paper.quality.layout_done
    return Finished(
        metadata=paper.metadata,
        pages=len(paper.pages),
        chunks=chunks,
        sections=len(paper.own_sections),
        references=len(paper.references),
        tables=len(paper.tables) if looked else None,
        figures=len(paper.figures) if looked else None,
        title_key=match_key(
            paper.metadata.title, paper.metadata.year, next(iter(paper.metadata.authors), None)
        ),
        cited=tuple(_cited(paper)),
        quality=report,
        needs_review=bool(report["reasons"]),
        artifact_key=key,
        next_step=next_step,
    )


def _cited(paper: Paper) -> Iterator[Cited]:
    for one in paper.references:
        key = match_key(one.title, one.year, next(iter(one.authors), None))
        if one.doi or one.arxiv_id or key:
            yield Cited(one.ordinal, _plain(one.doi), _plain(one.arxiv_id), key, one.year)


def _plain(identifier: str | None) -> str | None:
    """As every paper's own is kept: DOIs and arXiv ids do not tell capitals apart."""
    return identifier.lower() if identifier else None
