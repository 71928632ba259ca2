"""Small jobs for the stores, run in the processes that hold a connection to it already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray

from pipelines.recipe import Recipe, blob_store, vector_store


def in_worker(errand: Callable[..., Any], *arguments: Any) -> Any:
    """What the errand returns; it runs as a Ray task, in an idle worker if there is one."""
    return ray.get(ray.remote(errand).options(num_cpus=0, name=errand.__name__).remote(*arguments))


def prepare(recipe: Recipe) -> None:
    """Returns when the vector store can take chunks, and the blob store files."""
    vector_store(recipe).prepare()
    blob_store(recipe).prepare()


def forget(recipe: Recipe, document_id: str, keep_version: int | None) -> None:
    """Deletes chunks and artifacts of a document, all of them or all but one version's."""
    vector_store(recipe).delete(document_id, keep_version=keep_version)
    blob_store(recipe).delete_artifacts(document_id, keep_version)


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


def clear(recipe: Recipe, document_id: str, version: int) -> None:
    """Deletes chunks and artifacts of one version of a document."""
    vector_store(recipe).delete_version(document_id, version)
    blob_store(recipe).delete_artifacts_of(document_id, version)
