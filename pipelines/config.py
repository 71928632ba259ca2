"""The configuration of the pipelines, and the cached clients that a process builds from it.

The clients are imported inside the functions, because most processes do not need them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from domain.errors import InternalError
from embedding.embed_options import EmbedOptions
from embedding.token_format import TOKENIZER_FILE, TokenFormat
from extraction.options import ReadOptions
from runtime.sandbox.confine import SandboxMode
from runtime.sandbox.limits import Limits

if TYPE_CHECKING:
    from pipelines.chunking.tokens import ModelTokenizer
    from stores.blobs.blob_store import BlobStore
    from stores.milvus.vector_store import VectorStore


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Addresses and options; small enough to travel with every task, and without a secret.

    `tokens`: the format of the token ids that chunks keep; None: they keep none.
    """

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
    tokens: TokenFormat | None = None


@lru_cache(maxsize=4)
def blob_store(config: PipelineConfig) -> BlobStore:
    """Returns the blob store of this process."""
    from stores.blobs.blob_store import BlobStore
    from stores.credentials import with_password

    return BlobStore(with_password(config.blob_uri, "BLOB_URI"))


@lru_cache(maxsize=4)
def vector_store(config: PipelineConfig) -> VectorStore:
    """Returns the vector store of this process. Raises InternalError if its name is unknown."""
    if config.milvus_name is None:
        raise InternalError("The name of the Milvus collection is not known yet.")
    return named_vector_store(config, config.milvus_name)


def named_vector_store(config: PipelineConfig, name: str | Callable[[], str]) -> VectorStore:
    """Returns a connection to the collection `name`; a function is called at the first use."""
    from stores.credentials import milvus_token, with_password
    from stores.milvus.vector_store import VectorStore

    return VectorStore(
        with_password(config.milvus_uri, "MILVUS_URI"),
        milvus_token(config.milvus_token_file),
        name=name,
        dimension=config.dimension,
        model=config.embed.name,
        database=config.milvus_database,
        ca_file=config.milvus_ca,
    )


@lru_cache(maxsize=4)
def chunk_tokenizer(config: PipelineConfig) -> ModelTokenizer:
    """Returns the tokenizer of this process."""
    from embedding.load import resolve_model
    from pipelines.chunking.tokens import ModelTokenizer

    return ModelTokenizer(resolve_model(config.embed.name) / TOKENIZER_FILE)
