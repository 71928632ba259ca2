"""Calls of the stores that run as Ray tasks, in worker processes with an open Milvus connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ray

from domain.deletions import VersionRange
from pipelines.recipe import Recipe, blob_store, vector_store


def in_worker(call: Callable[..., Any], *arguments: Any) -> Any:
    """What the call returns; it runs as a Ray task, in an idle worker if there is one."""
    return ray.get(ray.remote(call).options(num_cpus=0, name=call.__name__).remote(*arguments))


def prepare(recipe: Recipe) -> None:
    """Returns when the vector store can take chunks, and the blob store files."""
    vector_store(recipe).prepare()
    blob_store(recipe).prepare()


class RemoteEraser:
    """Erases from the vector store and the blob store; each call runs in a worker process."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """As `delete_versions`."""
        in_worker(delete_versions, self.recipe, ranges)

    def trash_pdf(self, sha256: str) -> bool:
        """As `BlobStore.trash_pdf`."""
        return in_worker(trash_pdf, self.recipe, sha256)

    def restore_pdf(self, sha256: str) -> bool:
        """As `BlobStore.restore_pdf`."""
        return in_worker(restore_pdf, self.recipe, sha256)


def delete_versions(recipe: Recipe, ranges: Sequence[VersionRange]) -> None:
    """Chunks and artifacts of these versions are gone. Raises Unavailable."""
    for one in ranges:
        vector_store(recipe).delete_versions(one.document_id, one.first, one.last)
        blob_store(recipe).delete_artifacts(one.document_id, one.first, one.last)


def trash_pdf(recipe: Recipe, sha256: str) -> bool:
    """True when the PDF was there; it is in the trash now. Raises BlobStoreUnavailable."""
    return blob_store(recipe).trash_pdf(sha256)


def restore_pdf(recipe: Recipe, sha256: str) -> bool:
    """True when the PDF is in its place again. Raises BlobStoreUnavailable."""
    return blob_store(recipe).restore_pdf(sha256)


class WorkerChunks:
    """The vector store for who has no connection to it; each call runs in a worker."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def total(self) -> int:
        """As `VectorStore.total`."""
        return in_worker(count_chunks, self.recipe)

    def contents(self) -> dict[tuple[str, int], int]:
        """As `VectorStore.contents`."""
        return in_worker(list_chunks, self.recipe)

    def delete_version(self, document_id: str, version: int) -> None:
        """As `VectorStore.delete_version`."""
        in_worker(delete_chunks, self.recipe, document_id, version)


def count_chunks(recipe: Recipe) -> int:
    """How many chunks are stored."""
    return vector_store(recipe).total()


def list_chunks(recipe: Recipe) -> dict[tuple[str, int], int]:
    """How many chunks are stored of each (document, version)."""
    return vector_store(recipe).contents()


def delete_chunks(recipe: Recipe, document_id: str, version: int) -> None:
    """Deletes the chunks of one version of a document; its artifacts stay."""
    vector_store(recipe).delete_version(document_id, version)
