"""The shape of the chunk collection in Milvus: fields, indexes, rows and filters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.documents import Chunk, ChunkKind
from domain.errors import InternalError
from domain.papers import Box
from domain.search import SearchQuery
from runtime.patches.pymilvus import CollectionSchema, DataType, MilvusClient
from stores.milvus.bm25 import text_vector

MAX_BYTES = 65_535  # of a VARCHAR, by Milvus' own limit
CHUNK_FIELDS = [
    "chunk_id", "document_id", "version", "ordinal", "kind", "text", "context",
    "section", "boxes", "tokens", "collection",
]  # fmt: skip


def collection_schema(dimension: int, *, embedded: bool) -> CollectionSchema:
    """The fields of the collection.

    A real Milvus gets `collection` as partition key and searches one partition. Milvus Lite takes
    the key too, but walks all 16 partitions in every search, each with its own segments: no key.
    """
    schema = MilvusClient.create_schema(enable_dynamic_field=False)
    schema.add_field("chunk_id", DataType.VARCHAR, max_length=64, is_primary=True)
    schema.add_field("document_id", DataType.VARCHAR, max_length=64)
    schema.add_field("collection", DataType.VARCHAR, max_length=512, is_partition_key=not embedded)
    schema.add_field("version", DataType.INT64)
    schema.add_field("kind", DataType.VARCHAR, max_length=32)
    schema.add_field("page_first", DataType.INT32)
    schema.add_field("page_last", DataType.INT32)
    schema.add_field("ordinal", DataType.INT64)
    schema.add_field("tokens", DataType.INT32)
    for name in ("section", "boxes", "text", "context"):
        schema.add_field(name, DataType.VARCHAR, max_length=MAX_BYTES)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension)
    return schema


def collection_indexes(*, embedded: bool) -> dict[str, dict[str, str]]:
    """By field: cosine for `dense`, inner product for `sparse`; on a real Milvus one more.

    Milvus Lite spends its time on walking rows, not on vectors: HNSW and scalar indexes cost it
    minutes of building and gave nothing at 10,000 chunks.
    """
    nearness = "FLAT" if embedded else "AUTOINDEX"
    indexes = {
        "dense": {"index_type": nearness, "metric_type": "COSINE"},
        "sparse": {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP"},
    }
    if not embedded:
        indexes["document_id"] = {"index_type": "INVERTED"}
    return indexes


def row_of(chunk: Chunk, vector: np.ndarray, collection: str) -> dict[str, Any]:
    """The row of a chunk.

    Raises `InternalError` when a field does not fit: a text is never cut behind its author's back.
    """
    row = {
        "chunk_id": chunk.chunk_id,
        "document_id": chunk.document_id,
        "collection": collection,
        "version": chunk.version,
        "kind": str(chunk.kind),
        "page_first": chunk.page_first,
        "page_last": chunk.page_last,
        "ordinal": chunk.ordinal,
        "tokens": chunk.tokens,
        "section": chunk.section or "",
        "boxes": _packed(chunk.boxes),
        "text": chunk.text,
        "context": chunk.context,
    }
    for name in ("section", "boxes", "text", "context"):
        if not _fits(row[name]):
            raise InternalError(
                f"The {name} of a chunk of page {chunk.page_first} does not fit the vector store.",
                chunk.page_first,
            )
    return row | {
        "dense": np.asarray(vector, dtype=np.float32),
        "sparse": text_vector(chunk.indexed_text),
    }


def chunk_of(row: Mapping[str, Any]) -> Chunk:
    """The chunk of a row with `CHUNK_FIELDS`."""
    return Chunk(
        chunk_id=row["chunk_id"],
        document_id=row["document_id"],
        version=int(row["version"]),
        ordinal=int(row["ordinal"]),
        kind=ChunkKind(row["kind"]),
        text=row["text"],
        section=row["section"] or None,
        boxes=tuple(Box(*corners) for corners in json.loads(row["boxes"])),
        context=row["context"],
        tokens=int(row["tokens"]),
    )


def _packed(boxes: tuple[Box, ...]) -> str:
    corners = [[box.page, box.x0, box.y0, box.x1, box.y1] for box in boxes]
    return json.dumps(corners, separators=(",", ":"))


def _fits(value: str) -> bool:
    try:
        return len(value.encode()) <= MAX_BYTES
    except UnicodeEncodeError:  # half a surrogate pair: not text that protobuf carries
        return False


@dataclass(slots=True)
class Filter:
    """Conditions that all must hold, their values kept apart from the expression."""

    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def where(self, condition: str, **values: Any) -> Filter:
        """This filter with one more condition: `where("version == {version}", version=2)`."""
        self.conditions.append(condition)
        self.values.update(values)
        return self

    def arguments(self, *, embedded: bool) -> dict[str, Any]:
        """The keyword arguments of a pymilvus call: values bound by the server.

        Milvus Lite 3.2 knows no bound values ("unexpected character '{'"): there they become
        literals in which nothing can end the literal early.
        """
        expression = " and ".join(self.conditions)
        if not embedded:
            return {"filter": expression, "filter_params": self.values}
        return {"filter": re.sub(r"\{(\w+)\}", lambda m: literal(self.values[m[1]]), expression)}


def filter_of(query: SearchQuery) -> Filter:
    """The filter of a search: collection, documents, kinds, and pages that overlap the range."""
    chosen = Filter()
    if query.collection is not None:
        chosen.where("collection == {collection}", collection=query.collection)
    if query.document_ids:
        chosen.where("document_id in {documents}", documents=list(query.document_ids))
    if query.kinds:
        chosen.where("kind in {kinds}", kinds=[str(kind) for kind in query.kinds])
    if query.page_first is not None:
        chosen.where("page_last >= {page_first}", page_first=query.page_first)
    if query.page_last is not None:
        chosen.where("page_first <= {page_last}", page_last=query.page_last)
    return chosen


def literal(value: str | int | list[str]) -> str:
    """A value in the expression language of Milvus: quotes, backslashes, line ends escaped."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, int):
        return str(int(value))
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(character, character) for character in value) + '"'


def version_filter(document_id: str, version: int) -> Filter:
    """Selects the chunks of one version of a document."""
    mine = Filter().where("document_id == {document}", document=document_id)
    return mine.where("version == {version}", version=version)
