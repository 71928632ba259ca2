"""The schema of the chunk collection in Milvus: fields, indexes, rows and filters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from domain.documents import Chunk, ChunkKind
from domain.errors import InternalError
from domain.papers import Box
from domain.search import SearchQuery
from runtime.patches.pymilvus import CollectionSchema, DataType, MilvusClient
from stores.milvus.bm25 import text_vector

MAX_BYTES = 65_535  # of a VARCHAR; a limit of Milvus
ROWS_PER_QUERY = 16_384  # of a response; a limit of Milvus
LONG_TEXTS = ("section", "boxes", "text", "context")
CHUNK_FIELDS = [one.name for one in fields(Chunk)]
ROW_FIELDS = [*CHUNK_FIELDS, "collection"]

_corners = attrgetter(*(one.name for one in fields(Box)))


class MilvusCall(Protocol):
    """Calls a method of the Milvus client for the collection, on the rows of the condition."""

    def __call__(self, method: str, condition: Filter | None = None, **arguments: Any) -> Any: ...


def collection_schema(dimension: int, *, embedded: bool) -> CollectionSchema:
    """Returns the schema of the collection.

    A Milvus server uses `collection` as partition key and searches one partition only. Milvus Lite
    accepts the key but scans all 16 partitions in every search, each with its own segments;
    therefore it gets no partition key.
    """
    schema = MilvusClient.create_schema(enable_dynamic_field=False)
    schema.add_field("chunk_id", DataType.VARCHAR, max_length=64, is_primary=True)
    schema.add_field("document_id", DataType.VARCHAR, max_length=64)
    schema.add_field("collection", DataType.VARCHAR, max_length=512, is_partition_key=not embedded)
    schema.add_field("kind", DataType.VARCHAR, max_length=32)
    for name in ("version", "ordinal"):
        schema.add_field(name, DataType.INT64)
    for name in ("page_first", "page_last", "tokens"):
        schema.add_field(name, DataType.INT32)
    for name in LONG_TEXTS:
        schema.add_field(name, DataType.VARCHAR, max_length=MAX_BYTES)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension)
    return schema


def collection_indexes(*, embedded: bool) -> dict[str, dict[str, str]]:
    """Returns the index parameters by field: cosine for `dense`, inner product for `sparse`.

    A Milvus server also gets a scalar index on `document_id`. In Milvus Lite, HNSW and scalar
    indexes took minutes to build and made no search faster at 10,000 chunks, because it spends its
    time on iterating over rows, not on vectors.
    """
    dense_index = "FLAT" if embedded else "AUTOINDEX"
    indexes = {
        "dense": {"index_type": dense_index, "metric_type": "COSINE"},
        "sparse": {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP"},
    }
    if not embedded:
        indexes["document_id"] = {"index_type": "INVERTED"}
    return indexes


def columns_of(
    chunks: Sequence[Chunk], vectors: np.ndarray, collection: str
) -> dict[str, list[Any]]:
    """Returns the rows of the chunks as columns; `vectors` has the shape (chunks, dimension).

    Raises `InternalError` if a field exceeds MAX_BYTES; text is never truncated.
    """
    names = (*CHUNK_FIELDS, "page_first", "page_last")
    columns = {name: [getattr(chunk, name) for chunk in chunks] for name in names} | {
        "collection": [collection] * len(chunks),
        "kind": [str(chunk.kind) for chunk in chunks],
        "section": [chunk.section or "" for chunk in chunks],
        "boxes": [_boxes_text(chunk.boxes) for chunk in chunks],
    }
    for name in LONG_TEXTS:
        _check_sizes(name, columns[name], chunks)
    return columns | {
        "dense": np.asarray(vectors, np.float32).tolist(),
        "sparse": [text_vector(chunk.indexed_text) for chunk in chunks],
    }


def chunk_of(row: Mapping[str, Any]) -> Chunk:
    """Returns the chunk of a row that contains `CHUNK_FIELDS`."""
    values = {name: row[name] for name in CHUNK_FIELDS} | {
        "kind": ChunkKind(row["kind"]),
        "section": row["section"] or None,
        "boxes": tuple(Box(*corners) for corners in json.loads(row["boxes"])),
    }
    return Chunk(**values)


def _boxes_text(boxes: Sequence[Box]) -> str:
    return json.dumps([_corners(box) for box in boxes], separators=(",", ":"))


def _check_sizes(name: str, texts: Sequence[str], chunks: Sequence[Chunk]) -> None:
    for text, chunk in zip(texts, chunks, strict=True):
        if not _fits(text):
            raise InternalError(
                f"The {name} of a chunk of page {chunk.page_first} does not fit the vector store.",
                chunk.page_first,
            )


def _fits(value: str) -> bool:
    try:
        return len(value.encode()) <= MAX_BYTES
    except UnicodeEncodeError:  # a lone surrogate, which protobuf cannot encode
        return False


@dataclass(slots=True)
class Filter:
    """A conjunction of conditions, with values separate from the expression (no injection)."""

    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def where(self, condition: str, **values: Any) -> Filter:
        """Adds a condition, as `where("version == {version}", version=2)`; returns the filter."""
        self.conditions.append(condition)
        self.values.update(values)
        return self

    def arguments(self, *, embedded: bool) -> dict[str, Any]:
        """Returns the filter as keyword arguments of a pymilvus call, with bound parameters.

        Milvus Lite 3.2 does not support bound parameters ("unexpected character '{'"); it gets
        literals instead, which are escaped like those of JSON.
        """
        expression = " and ".join(self.conditions)
        if not embedded:
            return {"filter": expression, "filter_params": self.values}
        literals = {name: json.dumps(v, ensure_ascii=False) for name, v in self.values.items()}
        return {"filter": re.sub(r"\{(\w+)\}", lambda match: literals[match[1]], expression)}


def filter_of(query: SearchQuery) -> Filter:
    """Returns the filter of a search: collection, documents, kinds, and overlapping pages."""
    condition = Filter()
    if query.collection is not None:
        condition.where("collection == {collection}", collection=query.collection)
    elif query.among is not None:
        condition.where("collection in {among}", among=sorted(query.among))
    if query.document_ids:
        condition.where("document_id in {documents}", documents=list(query.document_ids))
    if query.kinds:
        condition.where("kind in {kinds}", kinds=[str(kind) for kind in query.kinds])
    if query.page_first is not None:
        condition.where("page_last >= {page_first}", page_first=query.page_first)
    if query.page_last is not None:
        condition.where("page_first <= {page_last}", page_last=query.page_last)
    return condition


def version_filter(document_id: str, version: int) -> Filter:
    """Returns the filter for the chunks of one version of a document."""
    condition = Filter().where("document_id == {document}", document=document_id)
    return condition.where("version == {version}", version=version)
