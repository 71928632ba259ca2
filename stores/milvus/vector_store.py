"""Chunks and their vectors in Milvus: upsert, hybrid search, delete.

A hybrid search consists of two Milvus searches: by embedding (cosine of `dense`) and by words
(inner product of `sparse`, stores/milvus/bm25.py), at the same time. domain/search.py fuses the two
result lists. For a Milvus server this happens here (server_search.py); the embedded server does it
itself (embedded_search.py). Both get the same other calls; the few exceptions are marked
`embedded`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from domain.documents import Chunk, Passage
from domain.errors import InternalError
from domain.search import SearchMode, SearchQuery
from runtime.patches.pymilvus import IndexParams, MilvusClient, upsert_columns
from stores.milvus import embedded_search
from stores.milvus.bm25 import SampledStatistics, TermStatistics
from stores.milvus.milvus_connection import MilvusConnection, create_if_missing
from stores.milvus.server_search import ServerSearch
from stores.milvus.vector_paging import all_rows
from stores.milvus.vector_schema import (
    CHUNK_FIELDS,
    ROW_FIELDS,
    ROWS_PER_QUERY,
    Filter,
    chunk_of,
    collection_indexes,
    collection_schema,
    columns_of,
    version_filter,
)

ROWS_PER_CALL = 500
VECTOR_BYTES_PER_QUERY = 32 * 1024**2  # with texts well below 100 MB, the response limit
SAMPLED_CHUNKS = 2_000
LIBRARY_ID = "paperworks.library_id"  # a property of the collection


class VectorStore:
    """The chunks of all papers, searchable by embedding and by words.

    Each embedding model has its own collection, `{name}_{digest}`; `name` is an alias. A function
    given as `name` is called at the first use. Thread-safe. The only state is a connection and a
    cache of term statistics. Every method raises `VectorStoreUnavailable` if the server does not
    respond within the timeout, and reconnects at the next call.
    """

    def __init__(
        self,
        uri: str,
        token: str | None = None,
        *,
        name: str | Callable[[], str],
        dimension: int,
        model: str,
        timeout_seconds: float = 8.0,
        database: str = "",
        ca_file: str | None = None,
    ) -> None:
        self._find_name = name
        self._digest = hashlib.sha256(f"{model} {dimension}".encode()).hexdigest()[:12]
        self.dimension = dimension
        self._connection = MilvusConnection(
            uri, token, timeout_seconds, database=database, ca_file=ca_file
        )
        self._statistics = SampledStatistics(
            lambda: TermStatistics(row["sparse"] for row in self._sample("sparse"))
        )
        self._server_search = ServerSearch(self._call, self._rows, self._statistics)

    @cached_property
    def alias(self) -> str:
        """The name without the digest of the model."""
        return self._find_name() if callable(self._find_name) else self._find_name

    @cached_property
    def name(self) -> str:
        """The name of the physical collection."""
        return f"{self.alias}_{self._digest}"

    def prepare(self) -> None:
        """Creates, indexes and loads the collection and creates its alias. Idempotent.

        Safe to run concurrently. An alias that points to the collection of another model is not
        changed; see `activate`.
        """
        self._connection.call(self._prepare)

    def activate(self) -> None:
        """Points the alias to the collection of this model."""
        self._call("alter_alias", alias=self.alias)

    def exists(self) -> bool:
        """True if the collection exists; never creates it."""
        return self._connection.call(
            lambda client, timeout: bool(client.has_collection(self.name, timeout=timeout))
        )

    def library_id(self) -> str | None:
        """Returns the id of the library that the collection belongs to, None if it has none yet."""
        return self._call("describe_collection").get("properties", {}).get(LIBRARY_ID)

    def set_library_id(self, library_id: str) -> None:
        """Writes the library id as a property of the collection."""
        self._call("alter_collection_properties", properties={LIBRARY_ID: library_id})

    def some_documents(self) -> set[str]:
        """Returns the document ids of a sample of 2,000 chunks."""
        return {row["document_id"] for row in self._sample("document_id")}

    def ping(self) -> None:
        """Returns if the server responds. Raises `VectorStoreUnavailable`."""
        self._connection.call(lambda client, timeout: client.get_server_version(timeout=timeout))

    def upsert(self, chunks: Sequence[Chunk], vectors: np.ndarray, *, collection: str) -> None:
        """Stores the chunks with their vectors of shape (n, dimension); replaces existing ids.

        The chunks are searchable when the call returns. Raises `InternalError` for vectors of
        another shape and for fields that exceed the size limit.
        """
        if np.shape(vectors) != (len(chunks), self.dimension):
            raise InternalError(
                f"{len(chunks)} chunks came with vectors of shape {np.shape(vectors)}; "
                f"({len(chunks)}, {self.dimension}) was expected."
            )
        for start in range(0, len(chunks), ROWS_PER_CALL):
            part = slice(start, start + ROWS_PER_CALL)
            self._upsert_columns(columns_of(chunks[part], vectors[part], collection))

    def _upsert_columns(self, columns: Mapping[str, list[Any]]) -> None:
        def upsert(client: MilvusClient, timeout: float) -> None:
            schema = collection_schema(self.dimension, embedded=self._connection.embedded)
            upsert_columns(client, self.name, schema, columns, timeout)

        self._connection.call(upsert, on_missing=self._prepare)

    def search(self, query: SearchQuery, vector: np.ndarray | None) -> list[Passage]:
        """Returns the best `query.limit` passages, best first; `vector` is the query embedding.

        With a vector, the scores of every passage contain its cosine ("dense").
        Raises `InternalError` for a dense or hybrid search without a vector.
        """
        if vector is None and query.mode is not SearchMode.SPARSE:
            raise InternalError("A dense or hybrid search needs the vector of the query.")
        if self._connection.call(lambda *_: self._connection.embedded):
            return embedded_search.search(self._call, query, vector)
        return self._server_search.search(query, vector)

    def chunks(
        self, document_id: str, version: int, *, offset: int = 0, limit: int = 100
    ) -> list[Chunk]:
        """Returns a page of the chunks of a document version in reading order."""
        ordinals = self._query(version_filter(document_id, version), ["chunk_id", "ordinal"])
        ordinals.sort(key=lambda row: (row["ordinal"], row["chunk_id"]))
        page = [row["chunk_id"] for row in ordinals[offset : offset + limit]]
        rows = self._rows(page, ROW_FIELDS)
        return [chunk_of(rows[key]) for key in page if key in rows]

    def stored(self, document_id: str, version: int) -> list[tuple[Chunk, np.ndarray]]:
        """Returns every chunk of a document version with its vector (float32), unordered."""
        condition = version_filter(document_id, version)
        limit = min(ROWS_PER_QUERY, VECTOR_BYTES_PER_QUERY // (4 * self.dimension))
        rows = self._query(condition, [*CHUNK_FIELDS, "dense"], limit)
        return [(chunk_of(row), np.asarray(row["dense"], dtype=np.float32)) for row in rows]

    def delete_chunks(self, chunk_ids: Collection[str]) -> None:
        """Deletes these chunks; unknown ids are ignored."""
        sorted_ids = sorted(chunk_ids)
        for start in range(0, len(sorted_ids), ROWS_PER_CALL):
            self._call("delete", ids=sorted_ids[start : start + ROWS_PER_CALL])

    def delete_versions(self, document_id: str, first: int, last: int) -> None:
        """Deletes the chunks of the document's versions from `first` to `last`, both included.

        There is no method that deletes all versions: a late call would delete a new upload.
        """
        condition = Filter().where("document_id == {document}", document=document_id)
        condition.where("version >= {first}", first=first).where("version <= {last}", last=last)
        self._call("delete", condition)

    def count(self, document_id: str, version: int) -> int:
        """Returns the number of stored chunks of a document version."""
        return self._count(version_filter(document_id, version))

    def delete_version(self, document_id: str, version: int) -> None:
        """Deletes the chunks of a document version."""
        self._call("delete", version_filter(document_id, version))

    def total(self) -> int:
        """Returns the total number of stored chunks."""
        return self._count(Filter())

    def contents(self) -> dict[tuple[str, int], int]:
        """Returns the number of stored chunks by (document id, version), without loading texts.

        Concurrent writes and deletions may or may not be counted. Takes the embedded server 0.2 s
        per 20,000 chunks; `total` takes 1 ms.
        """
        return self._connection.call(self._contents, on_missing=self._prepare)

    def chunk_ids(self, document_id: str) -> set[str]:
        """Returns the chunk ids of a document, of all versions."""
        condition = Filter().where("document_id == {document}", document=document_id)
        return {row["chunk_id"] for row in self._query(condition, ["chunk_id"])}

    def close(self) -> None:
        """Closes the connection; the next call reconnects."""
        self._connection.close()

    def _query(
        self, condition: Filter, fields: list[str], rows_per_call: int | None = None
    ) -> list[dict[str, Any]]:
        """Returns every matching row, in calls of `rows_per_call` (default ROWS_PER_QUERY) rows."""

        def query(page: Filter, limit: int) -> list[dict[str, Any]]:
            return self._call("query", page, output_fields=fields, limit=limit)

        return all_rows(query, condition, rows_per_call or ROWS_PER_QUERY)

    def _count(self, condition: Filter) -> int:
        [row] = self._call("query", condition, output_fields=["count(*)"])
        return int(row["count(*)"])

    def _contents(self, client: MilvusClient, timeout: float) -> dict[tuple[str, int], int]:
        counted = Counter[tuple[str, int]]()
        pages = client.query_iterator(
            self.name,
            batch_size=ROWS_PER_QUERY,
            output_fields=["document_id", "version"],
            timeout=timeout,
        )
        try:
            while page := pages.next():
                counted.update((row["document_id"], int(row["version"])) for row in page)
        finally:
            pages.close()
        return dict(counted)

    def _rows(self, chunk_ids: list[str], names: Sequence[str]) -> dict[str, dict[str, Any]]:
        if not chunk_ids:
            return {}
        rows = self._call("get", ids=chunk_ids, output_fields=names)
        return {row["chunk_id"]: row for row in rows}

    def _sample(self, name: str) -> list[Any]:
        """Returns the rows of a sample of the chunks, with this field."""
        return self._call("query", filter="", output_fields=[name], limit=SAMPLED_CHUNKS)

    def _call(self, method: str, condition: Filter | None = None, **arguments: Any) -> Any:
        """Returns the result of a client method for the collection, which is created if missing."""

        def ask(client: MilvusClient, timeout: float) -> Any:
            embedded = self._connection.embedded  # known once the connection is open
            chosen = condition.arguments(embedded=embedded) if condition else {}
            return getattr(client, method)(self.name, timeout=timeout, **chosen, **arguments)

        return self._connection.call(ask, on_missing=self._prepare)

    def _prepare(self, client: MilvusClient, timeout: float) -> None:
        embedded = self._connection.embedded
        create_if_missing(
            lambda: client.create_collection(
                self.name,
                schema=collection_schema(self.dimension, embedded=embedded),
                timeout=timeout,
                consistency_level="Strong",  # a completed task is searchable from any process
            ),
            lambda: bool(client.has_collection(self.name, timeout=timeout)),
        )
        for field, index in collection_indexes(embedded=embedded).items():
            self._prepare_index(client, timeout, field, index)
        client.load_collection(self.name, timeout=timeout)
        create_if_missing(
            lambda: client.create_alias(self.name, self.alias, timeout=timeout),
            lambda: self._has_alias(client, timeout),
        )

    def _prepare_index(
        self, client: MilvusClient, timeout: float, field: str, index: Mapping[str, str]
    ) -> None:
        indexes = IndexParams()
        indexes.add_index(field, **index)
        create_if_missing(
            lambda: client.create_index(self.name, indexes, timeout=timeout),
            lambda: bool(client.list_indexes(self.name, field, timeout=timeout)),
        )

    def _has_alias(self, client: MilvusClient, timeout: float) -> bool:
        # Annotated by pymilvus as a list of names, but it returns a dictionary with such a list.
        response: Any = client.list_aliases(timeout=timeout)
        return self.alias in response["aliases"]
