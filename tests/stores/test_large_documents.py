"""A document with more chunks than Milvus returns in one response."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from stores.milvus import vector_store
from stores.milvus.vector_paging import all_rows
from stores.milvus.vector_schema import Filter
from stores.milvus.vector_store import VectorStore
from tests.records import make_chunk
from tests.stores.milvus import MilvusLite, connect

COUNT = 1_000
LARGE, SMALL = "doc_large", "doc_small"


@pytest.fixture
def store(milvus: MilvusLite, monkeypatch: pytest.MonkeyPatch) -> Iterator[VectorStore]:
    """A collection with a large and a small document; responses are limited to 300 rows.

    With 20,000 chunks and the real limit of 16,384 rows, Milvus Lite takes two minutes.
    """
    monkeypatch.setattr(vector_store, "ROWS_PER_QUERY", 300)
    made = connect(milvus, dimension=2, seconds=60)
    made.prepare()
    for document, count in ((LARGE, COUNT), (SMALL, 3)):
        chunks = [
            make_chunk(document, ordinal, "flow", chunk_id=f"{document}-{ordinal}")
            for ordinal in range(count)
        ]
        vectors = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (count, 1))
        made.upsert(chunks, vectors, collection="physics")
    yield made
    made.close()


def test_all_chunks_of_large_document_are_returned_and_deleted(store: VectorStore) -> None:
    ids = {f"{LARGE}-{ordinal}" for ordinal in range(COUNT)}
    assert store.count(LARGE, 1) == COUNT
    assert store.chunk_ids(LARGE) == ids
    end = store.chunks(LARGE, 1, offset=COUNT - 2, limit=5)
    assert [one.ordinal for one in end] == [COUNT - 2, COUNT - 1]
    stored = store.stored(LARGE, 1)
    assert {one.chunk_id for one, _ in stored} == ids and len(stored) == COUNT
    store.delete_versions(LARGE, 2, 9)
    assert store.count(LARGE, 1) == COUNT
    store.delete_versions(LARGE, 1, 9)
    assert store.count(LARGE, 1) == 0 and store.chunk_ids(LARGE) == set()
    assert store.count(SMALL, 1) == 3


@pytest.mark.parametrize("copies", [1, 3, 7])
def test_all_rows_returns_each_row_once(copies: int) -> None:
    """Also if several versions have a chunk with the same ordinal."""
    rows = [{"ordinal": place, "copy": copy} for place in range(100) for copy in range(copies)]

    def ask(chosen: Filter, limit: int) -> list[dict[str, int]]:
        first, end = (
            chosen.values.get("ordinal_first", 0),
            chosen.values.get("ordinal_end", 1_000),
        )
        return [row for row in rows if first <= row["ordinal"] < end][-limit:]

    found = all_rows(ask, Filter(), 8)
    assert sorted(map(str, found)) == sorted(map(str, rows))
