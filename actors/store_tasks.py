"""Store operations that run as Ray tasks, in workers that keep a Milvus connection open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ray

from domain.deletions import VersionRange
from pipelines.config import PipelineConfig, blob_store, vector_store


def run_remote(call: Callable[..., Any], *arguments: Any) -> Any:
    """Runs the call as a Ray task, in an idle worker process if there is one; returns its
    result."""
    return ray.get(ray.remote(call).options(num_cpus=0, name=call.__name__).remote(*arguments))


def prepare_stores(config: PipelineConfig) -> None:
    """Creates the collection of the vector store and the folders of the blob store if missing."""
    vector_store(config).prepare()
    blob_store(config).prepare()


class RemoteEraser:
    """Deletes from the vector store and the blob store; each call runs in a worker process.

    `config` is called each time, because the name of the collection is known only after the start.
    """

    def __init__(self, config: Callable[[], PipelineConfig]) -> None:
        self.config = config

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """Runs `delete_versions` in a worker process."""
        run_remote(delete_versions, self.config(), ranges)

    def trash_pdf(self, sha256: str) -> bool:
        """Runs `BlobStore.trash_pdf` in a worker process."""
        return run_remote(trash_pdf, self.config(), sha256)

    def restore_pdf(self, sha256: str) -> bool:
        """Runs `BlobStore.restore_pdf` in a worker process."""
        return run_remote(restore_pdf, self.config(), sha256)


def delete_versions(config: PipelineConfig, ranges: Sequence[VersionRange]) -> None:
    """Deletes the chunks and artifacts of these versions. Raises Unavailable."""
    for versions in ranges:
        document, first, last = versions.document_id, versions.first, versions.last
        vector_store(config).delete_versions(document, first, last)
        blob_store(config).delete_artifacts(document, first, last)


def trash_pdf(config: PipelineConfig, sha256: str) -> bool:
    """Moves the PDF to the trash; True if it existed. Raises BlobStoreUnavailable."""
    return blob_store(config).trash_pdf(sha256)


def restore_pdf(config: PipelineConfig, sha256: str) -> bool:
    """Restores the PDF from the trash; True if it is available. Raises BlobStoreUnavailable."""
    return blob_store(config).restore_pdf(sha256)


class RemoteVectorStore:
    """The vector store for a process without a connection to it; each call runs in a worker.

    Methods behave as those of `VectorStore`. `config` is called each time, because the name of the
    collection is known only after the start.
    """

    def __init__(self, config: Callable[[], PipelineConfig]) -> None:
        self.config = config

    def total(self) -> int:
        """Runs `VectorStore.total`."""
        return self._run("total")

    def contents(self) -> dict[tuple[str, int], int]:
        """Runs `VectorStore.contents`."""
        return self._run("contents")

    def delete_version(self, document_id: str, version: int) -> None:
        """Runs `VectorStore.delete_version`."""
        self._run("delete_version", document_id, version)

    def exists(self) -> bool:
        """Runs `VectorStore.exists`."""
        return self._run("exists")

    def library_id(self) -> str | None:
        """Runs `VectorStore.library_id`."""
        return self._run("library_id")

    def set_library_id(self, library_id: str) -> None:
        """Runs `VectorStore.set_library_id`."""
        self._run("set_library_id", library_id)

    def some_documents(self) -> set[str]:
        """Runs `VectorStore.some_documents`."""
        return self._run("some_documents")

    def _run(self, method: str, *arguments: Any) -> Any:
        return run_remote(call_vector_store, self.config(), method, *arguments)


def call_vector_store(config: PipelineConfig, method: str, *arguments: Any) -> Any:
    """Calls that method of the process's vector store and returns its result."""
    return getattr(vector_store(config), method)(*arguments)
