"""The plain values that every step needs, and the tools that a process builds from them once.

The tools are imported where they are built: most processes of the service never need them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from domain.errors import InternalError
from extraction.options import ReadOptions
from pipelines.embed_options import EmbedOptions
from runtime.sandbox.confine import SandboxMode
from runtime.sandbox.limits import Limits

if TYPE_CHECKING:
    from stores.blobs.blob_store import BlobStore
    from stores.milvus.vector_store import VectorStore


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Addresses and options; small enough to travel with every task, and without a secret."""

    blob_uri: str
    milvus_uri: str
    milvus_token_file: str | None
    milvus_name: str | None  # None until it was read from PostgreSQL
    dimension: int
    embed: EmbedOptions = EmbedOptions()
    read: ReadOptions = ReadOptions()
    ocr_workers: int = 1
    limits: Limits = field(default_factory=Limits)
    sandbox: SandboxMode = SandboxMode.AUTO
    milvus_database: str = ""
    milvus_ca: str | None = None


@lru_cache(maxsize=4)
def blob_store(recipe: PipelineConfig) -> BlobStore:
    """The process's blob store."""
    from stores.blobs.blob_store import BlobStore
    from stores.credentials import with_password

    return BlobStore(with_password(recipe.blob_uri, "BLOB_URI"))


@lru_cache(maxsize=4)
def vector_store(recipe: PipelineConfig) -> VectorStore:
    """The process's connection to the vector store. Raises InternalError without its name."""
    if recipe.milvus_name is None:
        raise InternalError("The name of the Milvus collection is not known yet.")
    return named_vector_store(recipe, recipe.milvus_name)


def named_vector_store(recipe: PipelineConfig, name: str | Callable[[], str]) -> VectorStore:
    """A connection to the vector store of that name; a function is called when it is needed."""
    from stores.credentials import milvus_token, with_password
    from stores.milvus.vector_store import VectorStore

    return VectorStore(
        with_password(recipe.milvus_uri, "MILVUS_URI"),
        milvus_token(recipe.milvus_token_file),
        name=name,
        dimension=recipe.dimension,
        model=recipe.embed.name,
        database=recipe.milvus_database,
        ca_file=recipe.milvus_ca,
    )


@lru_cache(maxsize=4)
def count_tokens(recipe: PipelineConfig) -> Callable[[Sequence[str]], list[int]]:
    """The process's tokenizer, as a function that counts."""
    from pipelines.chunking.tokens import token_counter
    from pipelines.encoders.load import resolve_model

    return token_counter(resolve_model(recipe.embed.name) / "tokenizer.json")
