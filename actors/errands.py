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
    """Returns when the vector store can take chunks."""
    vector_store(recipe).prepare()


def forget(recipe: Recipe, document_id: str, keep_version: int | None) -> None:
    """Deletes chunks and artifacts of a document, all of them or all but one version's."""
    vector_store(recipe).delete(document_id, keep_version=keep_version)
    blob_store(recipe).delete_artifacts(document_id, keep_version)
