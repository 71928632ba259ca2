"""Contract tests of the vector store, on the fake and on a real Milvus Lite server."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from domain.documents import ChunkKind
from domain.errors import InternalError, VectorStoreUnavailable
from domain.search import SearchMode, SearchQuery
from runtime.patches.pymilvus import MilvusClient
from stores.milvus import vector_store
from stores.milvus.terms import phrase_terms
from stores.milvus.vector_store import VectorStore
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.stores.milvus import DIMENSION, MilvusLite, chunk, connect, put, toward

Store = VectorStore | InMemoryVectorStore


@pytest.fixture(params=["memory", "milvus"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield InMemoryVectorStore(DIMENSION)
        return
    server: MilvusLite = request.getfixturevalue("milvus")
    real = connect(server)
    real.prepare()
    yield real
    real.close()


def ask(text: str = "flow", mode: SearchMode = SearchMode.SPARSE, **filters: object) -> SearchQuery:
    return SearchQuery(text, mode=mode, **filters)  # pyright: ignore[reportArgumentType]


def documents(store: Store, query: SearchQuery, vector: np.ndarray | None = None) -> list[str]:
    return [hit.chunk.document_id for hit in store.search(query, vector)]


def test_chunk_round_trips_through_vector_store(store: Store) -> None:
    original = chunk(text='Flow "quoted" – naïve 𝛼\n\ttab \\ end', page=3, last_page=4, context="A")
    put(store, original)
    (hit,) = store.search(ask("flow"), None)
    assert hit.chunk == original
    assert hit.collection == "physics"
    assert store.chunks("doc_a", 1) == [original]


def test_chunk_without_section_or_terms_is_stored(store: Store) -> None:
    bare = replace(chunk(text="???"), section=None)
    put(store, bare)
    assert store.chunks("doc_a", 1) == [bare]
    assert documents(store, ask("???")) == []


def test_dense_search_ranks_by_cosine(store: Store) -> None:
    put(store, chunk("doc_a"), chunk("doc_b"), chunk("doc_c"))
    query = toward(1) + 0.5 * toward(2)
    hits = store.search(ask(mode=SearchMode.DENSE), query)
    assert [hit.chunk.document_id for hit in hits] == ["doc_b", "doc_c", "doc_a"]
    assert hits[0].score == pytest.approx(1 / np.sqrt(1.25), abs=1e-5)
    assert hits[0].scores == {"dense": hits[0].score}


def test_sparse_search_stems_and_ranks_rare_terms_first(store: Store) -> None:
    put(
        store,
        chunk("doc_a", text="The flow was measured."),
        chunk("doc_b", text="A flow with shock waves was measured."),
        chunk("doc_c", text="Nothing of the kind."),
    )
    hits = store.search(ask("flows and shock"), None)
    assert [hit.chunk.document_id for hit in hits] == ["doc_b", "doc_a"]
    assert hits[0].scores["sparse"] > hits[1].scores["sparse"] > 0


def test_sparse_search_includes_chunk_context(store: Store) -> None:
    put(store, chunk(text="It was measured.", context="Wind tunnels"))
    assert documents(store, ask("tunnel")) == ["doc_a"]


def test_bm25_ranks_unsealed_chunks_like_sealed_ones(store: Store) -> None:
    old = [chunk("doc_old", i, f"Plate number {i} in a flow.") for i in range(120)]
    put(store, *old, chunk("doc_x", 0, "Aeroelastic flutter of a plate."))
    store.search(ask("flutter"), None)
    put(store, chunk("doc_new", 0, "Aeroelastic flutter of a plate."))
    hits = store.search(ask("aeroelastic flutter", limit=2), None)
    assert {hit.chunk.document_id for hit in hits} == {"doc_x", "doc_new"}
    assert hits[0].score == pytest.approx(hits[1].score, rel=1e-4)


def test_hybrid_search_ranks_matches_of_both_fields_first(store: Store) -> None:
    put(
        store,
        chunk("doc_a", text="Shock waves."),
        chunk("doc_b", text="Shock waves."),
        chunk("doc_c", text="Other words."),
    )
    hits = store.search(ask("shock", SearchMode.HYBRID), toward(1) + 0.1 * toward(2))
    assert hits[0].chunk.document_id == "doc_b"
    assert hits[0].score > hits[1].score > 0
    assert set(hits[0].scores) == {"dense", "sparse"}


def test_hybrid_search_states_cosine_of_hits_that_only_the_words_found(store: Store) -> None:
    near, far = [chunk("doc_near", i) for i in range(5)], [chunk("doc_far", i) for i in range(120)]
    vectors = [toward(0)] * 5 + [toward(0) + 5 * toward(2)] * 120 + [toward(0) + 9 * toward(3)]
    both = chunk("doc_words", text="The flutter of a wing.")
    store.upsert([*near, *far, both], np.stack(vectors), collection="physics")
    hits = store.search(ask("flutter", SearchMode.HYBRID), toward(0))
    [found] = [hit for hit in hits if hit.chunk.document_id == "doc_words"]
    assert set(found.scores) == {"dense", "sparse"}
    assert found.scores["dense"] == pytest.approx(1 / np.sqrt(82), abs=1e-4)


@pytest.mark.parametrize("query", ["K2Cr2O7", "Wróblewski", "10.5555/echo.2018.27"])
def test_rare_word_ranks_before_passages_with_small_cosines(store: Store, query: str) -> None:
    filler = "The flow over a plate was measured at every station of the channel. " * 8
    noise = [chunk("doc_noise", number, text=f"{filler} {number}") for number in range(150)]
    exact = chunk("doc_exact", text=f"{filler} See {query} for the sample.")
    vectors = [toward(0) + (3.5 + i / 100) * toward(2) for i in range(150)] + [toward(3)]
    store.upsert([*noise, exact], np.stack(vectors), collection="physics")
    [first, *_] = store.search(ask(query, SearchMode.HYBRID), toward(0))
    assert first.chunk.document_id == "doc_exact"


@pytest.mark.parametrize("mode", SearchMode)
def test_passages_without_a_required_term_are_left_out(store: Store, mode: SearchMode) -> None:
    put(
        store,
        chunk("doc_a", text="The spin echo of a sample."),
        chunk("doc_b", text="The spin of a sample."),
        chunk("doc_c", text="An echo of a sample."),
    )
    query = replace(ask("spin echo sample", mode), required_terms=phrase_terms("spin echo"))
    assert documents(store, query, toward(1)) == ["doc_a"]


def test_stop_word_query_falls_back_to_dense_search(store: Store) -> None:
    put(store, chunk("doc_a"), chunk("doc_b"))
    assert documents(store, ask("what is it", SearchMode.HYBRID), toward(1))[0] == "doc_b"
    assert documents(store, ask("what is it")) == []


def test_dense_search_without_vector_raises(store: Store) -> None:
    with pytest.raises(InternalError):
        store.search(ask(mode=SearchMode.DENSE), None)


def test_vector_search_filters(store: Store) -> None:
    put(store, chunk("doc_a", page=1, last_page=2), chunk("doc_b", page=5))
    put(store, chunk("doc_c", kind=ChunkKind.REFERENCE), collection="physics")
    put(store, chunk("doc_d"), collection="chem")
    found = lambda **filters: set(documents(store, ask(**filters)))  # noqa: E731
    assert found() == {"doc_a", "doc_b", "doc_d"}
    assert found(collection="chem") == {"doc_d"}
    assert found(collection="nowhere") == set()
    assert found(document_ids=("doc_a", "doc_d")) == {"doc_a", "doc_d"}
    assert found(kinds=(ChunkKind.REFERENCE,)) == {"doc_c"}
    assert found(kinds=()) == {"doc_a", "doc_b", "doc_c", "doc_d"}
    assert found(page_first=2, page_last=4) == {"doc_a"}
    assert found(page_first=3) == {"doc_b"}


@pytest.mark.parametrize(
    "name",
    [
        'x" or collection != "',
        "x\\",
        'a\\" or "1" == "1',
        "{documents}",
        "tab\tnew\nline",
        "naïve ✓",
    ],
)
def test_collection_name_cannot_inject_filter_expression(store: Store, name: str) -> None:
    put(store, chunk("doc_secret"), collection="secret")
    assert documents(store, ask(collection=name)) == []
    put(store, chunk("doc_mine"), collection=name)
    assert documents(store, ask(collection=name)) == ["doc_mine"]


def test_group_by_document_returns_best_passage_per_document(store: Store) -> None:
    long_one = [chunk("doc_long", i, f"Flow flow flow {i}.") for i in range(450)]
    others = [chunk(f"doc_{i}", 0, "A flow of some other words here.") for i in range(5)]
    put(store, *long_one, *others)
    hits = store.search(ask(limit=6, group_by_document=True), None)
    assert hits[0].chunk.document_id == "doc_long"
    assert len({h.chunk.document_id for h in hits}) == len(hits) == 6


def test_vector_search_respects_limit(store: Store) -> None:
    put(store, *(chunk("doc_a", i, f"Flow {i}.") for i in range(30)))
    assert len(store.search(ask(limit=7), None)) == 7
    assert len(store.search(ask(limit=1000), None)) == 30


def test_search_of_empty_vector_store_returns_nothing(store: Store) -> None:
    assert store.search(ask("flow", SearchMode.HYBRID), toward(0)) == []
    assert store.chunks("doc_a", 1) == []
    assert store.count("doc_a", 1) == 0
    assert store.chunk_ids("doc_a") == set()
    store.delete_versions("doc_a", 1, 9)


def test_upsert_is_idempotent(store: Store) -> None:
    some = [chunk("doc_a", i, f"Flow {i}.") for i in range(5)]
    put(store, *some)
    put(store, *some)
    assert store.count("doc_a", 1) == 5
    assert store.chunk_ids("doc_a") == {c.chunk_id for c in some}
    assert len(store.search(ask(), None)) == 5


def test_chunks_are_paged_in_reading_order(store: Store) -> None:
    some = [chunk("doc_a", i, f"Flow {i}.") for i in range(25)]
    put(store, *reversed(some))
    assert store.chunks("doc_a", 1) == some
    assert store.chunks("doc_a", 1, offset=20, limit=10) == some[20:]
    assert store.chunks("doc_a", 1, offset=3, limit=2) == some[3:5]


def test_delete_versions_deletes_only_the_range(store: Store) -> None:
    put(store, *(chunk("doc_a", version=version) for version in (1, 2, 3, 12)), chunk("doc_b"))
    for _ in range(2):  # idempotent
        store.delete_versions("doc_a", 2, 3)
        assert [store.count("doc_a", version) for version in (1, 2, 3, 12)] == [1, 0, 0, 1]
    store.delete_versions("doc_a", 0, 12)
    assert store.chunk_ids("doc_a") == set()
    assert documents(store, ask()) == ["doc_b"]


def test_contents_counts_chunks_by_document_and_version(store: Store) -> None:
    assert (store.contents(), store.total()) == ({}, 0)
    put(store, *(chunk("doc_a", i, f"Flow {i}.") for i in range(30)), chunk("doc_a", version=2))
    put(store, chunk("doc_b"), chunk("doc_c"))
    store.delete_versions("doc_c", 0, 9)
    assert store.contents() == {("doc_a", 1): 30, ("doc_a", 2): 1, ("doc_b", 1): 1}
    assert store.total() == 32


def test_contents_reads_several_pages(milvus: MilvusLite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_store, "ROWS_PER_QUERY", 7)
    real = connect(milvus)
    real.prepare()
    put(real, *(chunk(f"doc_{i % 5}", i, f"Flow {i}.") for i in range(50)))
    assert real.contents() == {(f"doc_{i}", 1): 10 for i in range(5)}
    real.close()


def test_delete_version_keeps_other_versions(store: Store) -> None:
    put(store, *(chunk("doc_a", version=version) for version in (1, 2, 3)), chunk("doc_b"))
    store.delete_version("doc_a", 2)
    store.delete_version("doc_a", 4)
    assert store.contents() == {("doc_a", 1): 1, ("doc_a", 3): 1, ("doc_b", 1): 1}


def test_stored_returns_vectors_and_delete_chunks_removes_some(store: Store) -> None:
    first, second = chunk(ordinal=0), chunk(ordinal=1, text="Another text.")
    put(store, first, second, chunk(version=2))
    found = {one.chunk_id: (one, vector) for one, vector in store.stored("doc_a", 1)}
    assert {name: one for name, (one, _) in found.items()} == {
        first.chunk_id: first,
        second.chunk_id: second,
    }
    assert all(abs(np.linalg.norm(vector) - 1) < 1e-5 for _, vector in found.values())
    store.delete_chunks({first.chunk_id, "unknown"})
    store.delete_chunks([])
    assert [one for one, _ in store.stored("doc_a", 1)] == [second]


def test_upsert_splits_rows_into_several_calls(store: Store) -> None:
    put(store, *(chunk("doc_a", i, f"Flow {i}.") for i in range(1201)))
    assert store.count("doc_a", 1) == 1201


def test_upsert_rejects_vectors_of_wrong_shape(store: Store) -> None:
    with pytest.raises(InternalError):
        store.upsert([chunk()], np.zeros((1, DIMENSION + 1), np.float32), collection="physics")
    store.upsert([], np.zeros((0, DIMENSION), np.float32), collection="physics")


def test_upsert_rejects_oversized_text(milvus: MilvusLite) -> None:
    real = connect(milvus)
    real.prepare()
    for text in ("ä" * 40_000, "half a pair \ud800"):
        with pytest.raises(InternalError):
            put(real, replace(chunk(), text=text))
    assert real.count("doc_a", 1) == 0
    real.close()


def test_prepare_is_idempotent_and_safe_for_concurrent_use(milvus: MilvusLite) -> None:
    name = f"test_{uuid.uuid4().hex[:8]}"
    stores = [connect(milvus, name) for _ in range(4)]
    failures: list[BaseException] = []

    def prepare(one: VectorStore) -> None:
        try:
            one.prepare()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=prepare, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    stores[0].prepare()
    put(stores[1], chunk())
    assert documents(stores[2], ask()) == ["doc_a"]
    for one in stores:
        one.close()


def test_vector_store_creates_missing_collection_on_demand(milvus: MilvusLite) -> None:
    real = connect(milvus)
    put(real, chunk())
    assert documents(real, ask()) == ["doc_a"]
    real.close()


def test_activate_moves_alias_to_collection_of_model(
    milvus: MilvusLite,
) -> None:
    name = f"test_{uuid.uuid4().hex[:8]}"
    old = connect(milvus, name, model="old")
    new = connect(milvus, name, model="new")
    old.prepare()
    new.prepare()
    put(old, chunk())
    assert old.name != new.name
    assert documents(new, ask()) == []
    new.activate()
    assert documents(old, ask()) == ["doc_a"]
    old.close()
    new.close()


def test_vector_store_reconnects_after_server_restart(
    own_milvus: MilvusLite,
) -> None:
    real = connect(own_milvus, seconds=2.0)
    real.prepare()
    put(real, chunk())
    own_milvus.kill()
    for attempt in (real.ping, lambda: real.search(ask(), None), lambda: put(real, chunk("doc_b"))):
        began = time.monotonic()
        with pytest.raises(VectorStoreUnavailable):
            attempt()
        assert time.monotonic() - began < 10
    own_milvus.start()
    real.ping()
    assert documents(real, ask()) == ["doc_a"]
    put(real, chunk("doc_b"))
    assert set(documents(real, ask())) == {"doc_a", "doc_b"}
    real.close()


def test_client_that_another_thread_closes_counts_as_unavailable(milvus: MilvusLite) -> None:
    """After a lost connection one thread closes the client while others begin their calls."""
    real = connect(milvus)
    real.prepare()
    put(real, chunk())

    def close_then_count(client: MilvusClient, timeout: float) -> object:
        real.close()
        return client.query(real.name, filter="", limit=1, timeout=timeout)

    with pytest.raises(VectorStoreUnavailable):
        real._connection.call(close_then_count)
    assert documents(real, ask()) == ["doc_a"]
    real.close()


def test_vector_store_without_server_raises_unavailable(milvus: MilvusLite) -> None:
    nowhere = VectorStore(
        "http://127.0.0.1:9", name="x", dimension=DIMENSION, model="m", timeout_seconds=1.0
    )
    began = time.monotonic()
    with pytest.raises(VectorStoreUnavailable):
        nowhere.prepare()
    assert time.monotonic() - began < 10
