"""Calls of the stores that run as Ray tasks, in worker processes with an open Milvus connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ray

from domain.deletions import VersionRange
from pipelines.config import PipelineConfig, blob_store, vector_store


def run_remote(call: Callable[..., Any], *arguments: Any) -> Any:
    """What the call returns; it runs as a Ray task, in an idle worker if there is one."""
    return ray.get(ray.remote(call).options(num_cpus=0, name=call.__name__).remote(*arguments))


def prepare(recipe: PipelineConfig) -> None:
    """Returns when the vector store can take chunks, and the blob store files."""
    vector_store(recipe).prepare()
    blob_store(recipe).prepare()


class RemoteEraser:
    """Erases from the vector store and the blob store; each call runs in a worker process.

    `recipe` is called each time: the name of the collection is known only after the start.
    """

    def __init__(self, recipe: Callable[[], PipelineConfig]) -> None:
        self.recipe = recipe

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """As `delete_versions`."""
        run_remote(delete_versions, self.recipe(), ranges)

    def trash_pdf(self, sha256: str) -> bool:
        """As `BlobStore.trash_pdf`."""
        return run_remote(trash_pdf, self.recipe(), sha256)

    def restore_pdf(self, sha256: str) -> bool:
        """As `BlobStore.restore_pdf`."""
        return run_remote(restore_pdf, self.recipe(), sha256)


def delete_versions(recipe: PipelineConfig, ranges: Sequence[VersionRange]) -> None:
    """Chunks and artifacts of these versions are gone. Raises Unavailable."""
    for one in ranges:
        vector_store(recipe).delete_versions(one.document_id, one.first, one.last)
        blob_store(recipe).delete_artifacts(one.document_id, one.first, one.last)


def trash_pdf(recipe: PipelineConfig, sha256: str) -> bool:
    """True when the PDF was there; it is in the trash now. Raises BlobStoreUnavailable."""
    return blob_store(recipe).trash_pdf(sha256)


def restore_pdf(recipe: PipelineConfig, sha256: str) -> bool:
    """True when the PDF is in its place again. Raises BlobStoreUnavailable."""
    return blob_store(recipe).restore_pdf(sha256)


class WorkerVectors:
    """The vector store for a process without a connection to it; each call runs in a worker.

    `recipe` is called each time: the name of the collection is known only after the start.
    """

    def __init__(self, recipe: Callable[[], PipelineConfig]) -> None:
        self.recipe = recipe

    def total(self) -> int:
        """As `VectorStore.total`."""
        return self._in_worker("total")

    def contents(self) -> dict[tuple[str, int], int]:
        """As `VectorStore.contents`."""
        return self._in_worker("contents")

    def delete_version(self, document_id: str, version: int) -> None:
        """As `VectorStore.delete_version`."""
        self._in_worker("delete_version", document_id, version)

    def exists(self) -> bool:
        """As `VectorStore.exists`."""
        return self._in_worker("exists")

    def library_id(self) -> str | None:
        """As `VectorStore.library_id`."""
        return self._in_worker("library_id")

    def set_library_id(self, library_id: str) -> None:
        """As `VectorStore.set_library_id`."""
        self._in_worker("set_library_id", library_id)

    def some_documents(self) -> set[str]:
        """As `VectorStore.some_documents`."""
        return self._in_worker("some_documents")

    def _in_worker(self, method: str, *arguments: Any) -> Any:
        return run_remote(ask_vector_store, self.recipe(), method, *arguments)


def ask_vector_store(recipe: PipelineConfig, method: str, *arguments: Any) -> Any:
    """What that method of the vector store answers."""
    return getattr(vector_store(recipe), method)(*arguments)
