"""Chunks with their vectors -> vector store, and the paper -> blob store; harmless to repeat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.documents import Chunk
from domain.jobs import Finished, Task
from domain.papers import Paper
from pipelines.artifact import dump_paper
from stores.blob_store import BlobStore, artifact_key
from stores.vector_store import VectorStore

PIPELINE_DIGEST = "text-1"  # what the artifact holds; a new one when reading changes


def index_paper(
    task: Task,
    paper: Paper,
    chunks: Sequence[Chunk],
    vectors: np.ndarray,
    *,
    blobs: BlobStore,
    store: VectorStore,
) -> Finished:
    """What the task knows of its document once every chunk can be found.

    `vectors` is (len(chunks), dimension). Raises VectorStoreUnavailable, BlobStoreUnavailable.
    """
    key = artifact_key(task.document_id, task.version, PIPELINE_DIGEST)
    blobs.put_artifact(key, dump_paper(paper))
    store.upsert(chunks, vectors, collection=task.collection)
    return Finished(
        title=paper.title,
        pages=len(paper.pages),
        chunks=len(chunks),
        sections=len(paper.sections),
        references=len(paper.references),
        artifact_key=key,
    )
