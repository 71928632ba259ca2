"""The search index of the embedded server gives the answers of Milvus Lite.

A request that names a partition is answered by Milvus Lite itself, all others by the index.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from domain.documents import Chunk, ChunkKind, Passage
from domain.search import SearchMode, SearchQuery
from runtime.patches.pymilvus import DataType, MilvusClient
from stores.milvus.bm25 import SampledStatistics, TermStatistics, query_vector, text_vector
from stores.milvus.server_search import ServerSearch
from stores.milvus.vector_schema import Filter, filter_of
from stores.milvus.vector_store import VectorStore
from tests.stores.milvus import DIMENSION, MilvusLite, chunk, connect, put, toward

WORDS = [f"word{number}" for number in range(60)]
COLLECTIONS, DOCUMENTS = ("physics", "chem"), [f"doc_{number}" for number in range(12)]
LIMIT = 25
BY_MILVUS_LITE: dict[str, Any] = {"partition_names": ["_default"]}


@pytest.fixture
def client(own_milvus: MilvusLite) -> Iterator[MilvusClient]:
    one = MilvusClient(own_milvus.uri, token=own_milvus.token, dedicated=True)
    yield one
    one.close()


@pytest.fixture
def store(own_milvus: MilvusLite) -> Iterator[VectorStore]:
    one = connect(own_milvus, "compared", seconds=20)
    one.prepare()
    yield one
    one.close()


def random_chunk(chance: random.Random, document: str, ordinal: int, version: int) -> Chunk:
    text = " ".join(chance.choices(WORDS, range(1, len(WORDS) + 1), k=chance.randrange(1, 30)))
    page = chance.randrange(1, 9)
    kind = chance.choice([ChunkKind.TEXT, ChunkKind.REFERENCE])
    last = page + chance.randrange(2)
    name = f"{document}_{version}_{ordinal}"  # the same key again: the row is replaced
    fields: dict[str, Any] = {"chunk_id": name, "version": version, "kind": kind}
    return chunk(document, ordinal, text, page=page, last_page=last, **fields)


def write_something(store: VectorStore, chance: random.Random) -> None:
    document, action = chance.choice(DOCUMENTS), chance.random()
    if action < 0.6:
        version, size = chance.randrange(1, 4), chance.randrange(1, 40)
        chunks = [random_chunk(chance, document, n, version) for n in range(size)]
        vectors = np.array([[chance.gauss(0, 1) for _ in range(DIMENSION)] for _ in chunks])
        store.upsert(chunks, vectors, collection=chance.choice(COLLECTIONS))
    elif action < 0.8:
        store.delete_versions(document, 1, chance.randrange(1, 4))
    elif action < 0.9:
        known = sorted(store.chunk_ids(document))
        store.delete_chunks([*chance.sample(known, len(known) // 2), "unknown"])
    else:
        store.delete_version(document, chance.randrange(1, 4))


def random_filter(chance: random.Random) -> dict[str, Any]:
    pages = sorted(chance.sample(range(1, 10), 2))
    query = SearchQuery(
        "",
        collection=chance.choice([None, None, *COLLECTIONS, "nowhere"]),
        document_ids=tuple(chance.sample([*DOCUMENTS, "other"], chance.choice([0, 0, 1, 3]))),
        kinds=chance.choice([(), (ChunkKind.TEXT,), tuple(ChunkKind)]),
        page_first=chance.choice([None, pages[0]]),
        page_last=chance.choice([None, pages[1]]),
    )
    return filter_of(query).arguments(embedded=True)


def compare(
    client: MilvusClient, name: str, chance: random.Random, statistics: TermStatistics
) -> None:
    """Asserts that index and Milvus Lite answer two random searches and a query alike."""
    chosen = random_filter(chance)
    vector = np.array([chance.gauss(0, 1) for _ in range(DIMENSION)], np.float32)
    words = " ".join(chance.sample(WORDS, 4))
    for field, data in (("dense", vector), ("sparse", query_vector(words, statistics))):
        request = {"data": [data], "anns_field": field, "output_fields": ["document_id"]}
        check_hits(
            client.search(name, limit=LIMIT, **request, **chosen)[0],
            client.search(name, limit=10 * LIMIT, **request, **chosen, **BY_MILVUS_LITE)[0],
        )
    fields = chance.choice([["document_id", "version"], ["text", "page_last", "dense"]])
    asked = {"output_fields": fields, **chosen}
    by_key = lambda rows: sorted(rows, key=lambda row: row["chunk_id"])  # noqa: E731
    assert by_key(client.query(name, **asked)) == by_key(
        client.query(name, **asked, **BY_MILVUS_LITE)
    )
    assert client.query(name, output_fields=["count(*)"], **chosen) == client.query(
        name, output_fields=["count(*)"], **chosen, **BY_MILVUS_LITE
    )


def check_hits(index: Any, milvus_lite: Any) -> None:
    """Equal scores in order; equal ids, except among hits of the same score."""
    expected = {hit["chunk_id"]: hit for hit in milvus_lite}
    scores = [hit["distance"] for hit in milvus_lite][: len(index)]
    assert len(index) == min(LIMIT, len(expected))
    assert [hit["distance"] for hit in index] == pytest.approx(scores, abs=1e-4)
    for hit in index:
        known = expected[hit["chunk_id"]]
        assert hit["distance"] == pytest.approx(known["distance"], abs=1e-4)
        assert hit["entity"]["document_id"] == known["entity"]["document_id"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_index_answers_like_milvus_lite(
    seed: int, own_milvus: MilvusLite, store: VectorStore, client: MilvusClient
) -> None:
    chance = random.Random(seed)
    statistics = TermStatistics([text_vector(word) for word in WORDS])
    for step in range(50):
        write_something(store, chance)
        if step % 12 == 5:
            client.flush(store.name)
        if step == 30:
            own_milvus.kill()
            own_milvus.start()
        compare(client, store.name, chance, statistics)


def test_search_without_output_fields_returns_keys_only(
    store: VectorStore, client: MilvusClient
) -> None:
    put(store, chunk())
    request: dict[str, Any] = {"data": [toward(0)], "anns_field": "dense", "limit": 3}
    assert dict(client.search(store.name, **request)[0][0]["entity"]) == {}
    assert client.search(store.name, **request, **BY_MILVUS_LITE)[0][0]["entity"]["text"]


def test_request_that_the_index_does_not_know_is_answered(
    store: VectorStore, client: MilvusClient
) -> None:
    put(store, *(chunk(f"doc_{number}") for number in range(4)))
    request: dict[str, Any] = {"data": [toward(0)], "anns_field": "dense", "limit": 9}
    wanted = {"doc_1", "doc_2"}
    for condition in ('document_id like "doc_1%" or document_id == "doc_2"', "version + 0 == 1"):
        hits = client.search(
            store.name, filter=condition, output_fields=["document_id"], **request
        )[0]
        assert {hit["entity"]["document_id"] for hit in hits} >= wanted
    rows = client.query(store.name, filter='text like "%plate%"', output_fields=["ordinal"])
    assert len(rows) == 4


def test_term_frequencies_are_weighted_by_live_rows(
    store: VectorStore, client: MilvusClient
) -> None:
    put(store, *(chunk("doc_a", number, f"flow {number}") for number in range(9)))
    put(store, chunk("doc_b", 0, "shock flow"), chunk("doc_c", 0, "shock"))
    store.delete_versions("doc_c", 1, 1)
    texts = [f"flow {number}" for number in range(9)] + ["shock flow"]
    statistics = TermStatistics([text_vector(text) for text in texts])
    expected = query_vector("shock flow", statistics)
    [hit] = store.search(SearchQuery("shock flow", mode=SearchMode.SPARSE, limit=1), None)
    weights = text_vector("shock flow")
    score = sum(weight * expected[number] for number, weight in weights.items())
    assert hit.score == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("mode", SearchMode)
@pytest.mark.parametrize("by_document", [False, True])
def test_one_call_ranks_like_the_searches_of_a_milvus_server(
    mode: SearchMode, by_document: bool, store: VectorStore
) -> None:
    chance = random.Random(str(mode))
    for _ in range(30):
        write_something(store, chance)
    texts = TermStatistics(row["sparse"] for row in store._query(Filter(), ["sparse"]))
    server_search = ServerSearch(store._call, store._rows, SampledStatistics(lambda: texts))
    for _ in range(25):
        words = " ".join(chance.sample(WORDS, 3))
        limit, pages = chance.choice([1, 7, 40]), chance.choice([(None, None), (2, 5)])
        document_ids = tuple(chance.sample(DOCUMENTS, chance.choice([0, 0, 3])))
        query = SearchQuery(
            words,
            collection=chance.choice([None, *COLLECTIONS]),
            mode=mode,
            limit=limit,
            document_ids=document_ids,
            page_first=pages[0],
            page_last=pages[1],
            group_by_document=by_document,
        )
        vector = np.array([chance.gauss(0, 1) for _ in range(DIMENSION)], np.float32)
        check_passages(store.search(query, vector), server_search.search(query, vector))


def check_passages(found: list[Passage], expected: list[Passage]) -> None:
    """Equal scores in order; equal passages, except among those of the same score."""
    near = partial(pytest.approx, abs=1e-4)
    assert [one.score for one in found] == near([one.score for one in expected])
    known = {one.chunk.chunk_id: one for one in expected}
    least = min((one.score for one in expected), default=0.0)
    for one in found:
        if one.score > least + 1e-4:
            other = known[one.chunk.chunk_id]
            assert one.chunk == other.chunk
            assert one.collection == other.collection
            assert one.scores == near(other.scores)
            assert one.parts == near(other.parts)


def test_index_is_ready_when_the_port_opens(own_milvus: MilvusLite, store: VectorStore) -> None:
    put(store, *(chunk(f"doc_{number}") for number in range(30)))
    own_milvus.kill()
    own_milvus.start()
    log = (own_milvus.folder / "server.log").read_text()
    assert f"Search index of {store.name}: 30 rows" in log
    client = MilvusClient(own_milvus.uri, token=own_milvus.token, dedicated=True)
    found = client.search(store.name, data=[toward(0)], anns_field="dense", limit=40)[0]
    client.close()
    assert len(found) == 30


def test_searches_during_writes_and_flushes_see_every_acknowledged_chunk(
    store: VectorStore, own_milvus: MilvusLite, client: MilvusClient
) -> None:
    ended, missing = threading.Event(), list[str]()
    reader = connect(own_milvus, "compared", seconds=20)
    acknowledged: list[str] = []

    def flush_on() -> None:
        while not ended.is_set():
            client.flush(store.name)

    def read_on() -> None:
        while not ended.is_set():
            for document in acknowledged[-3:]:
                query = SearchQuery("flow", document_ids=(document,))
                found = {hit.chunk.ordinal for hit in reader.search(query, toward(0))}
                if found != set(range(4)):
                    missing.append(document)

    threads = [threading.Thread(target=one) for one in (flush_on, read_on)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        document = f"doc_{len(acknowledged)}"
        put(store, *(chunk(document, number, f"flow {number}") for number in range(4)))
        acknowledged.append(document)
    ended.set()
    for thread in threads:
        thread.join()
    reader.close()
    assert missing == []
    assert len(acknowledged) > 10


def test_dropped_and_recreated_collection_is_empty_and_indexed(
    store: VectorStore, client: MilvusClient
) -> None:
    put(store, chunk("doc_a"))
    client.drop_collection(store.name)
    store.prepare()
    assert store.search(SearchQuery("flow"), toward(0)) == []
    put(store, chunk("doc_b"))
    assert store.search(SearchQuery("flow"), toward(0))[0].chunk.document_id == "doc_b"
    alias = client.search(store.alias, data=[toward(0)], anns_field="dense", limit=5)[0]
    assert len(alias) == 1


def test_collection_with_partitions_is_answered_by_milvus_lite(client: MilvusClient) -> None:
    schema = MilvusClient.create_schema()
    schema.add_field("key", DataType.VARCHAR, max_length=64, is_primary=True)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=2)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    client.create_collection("parts", schema=schema)
    client.create_partition("parts", "second")
    row = {"key": "a", "dense": [1.0, 0.0], "sparse": {1: 1.0}}
    client.upsert("parts", [row], partition_name="second")
    client.upsert("parts", [row | {"key": "b"}])
    hits = client.search("parts", data=[[1.0, 0.0]], anns_field="dense", limit=5)[0]
    assert {hit["key"] for hit in hits} == {"a", "b"}
    assert client.query("parts", filter="", output_fields=["count(*)"])[0]["count(*)"] == 2


def test_deletion_by_filter_deletes_matching_rows(store: VectorStore, client: MilvusClient) -> None:
    put(store, *(chunk(f"doc_{number}", page=number + 1) for number in range(6)))
    condition = Filter().where("page_first >= {page}", page=4).arguments(embedded=True)
    deleted: Any = client.delete(store.name, **condition)
    assert len(deleted) == 3
    assert store.total() == 3
    assert client.query(store.name, output_fields=["count(*)"], **BY_MILVUS_LITE) == [
        {"count(*)": 3}
    ]
