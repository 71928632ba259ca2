"""The search index against a plain model: every row scored in Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
import pytest

from stores.search_index import cells, chunk_index, vectors
from stores.search_index.chunk_index import ChunkIndex
from stores.search_index.columns import Condition, UnsupportedFilter
from stores.search_index.rows import Rows, SparseRows

DIMENSION, TERMS, DOCUMENTS = 16, 40, 8
Row = dict[str, Any]


def random_row(chance: random.Random, key: str) -> Row:
    terms = chance.sample(range(1, TERMS), chance.randrange(1, 9))
    return {
        "key": key,
        "vector": np.array([chance.gauss(0, 1) for _ in range(DIMENSION)], np.float32),
        "sparse": {term: round(chance.uniform(0.1, 2), 3) for term in terms},
        "document": f"doc_{chance.randrange(DOCUMENTS)}",
        "page": chance.randrange(30),
    }


def rows_of(rows: list[Row]) -> Rows:
    offsets = np.cumsum([0, *(len(row["sparse"]) for row in rows)])
    terms = [term for row in rows for term in row["sparse"]]
    weights = [weight for row in rows for weight in row["sparse"].values()]
    return Rows(
        [row["key"] for row in rows],
        np.stack([row["vector"] for row in rows]),
        SparseRows(offsets, np.array(terms, np.uint32), np.array(weights, np.float32)),
        {
            "document": [row["document"] for row in rows],
            "page": np.array([row["page"] for row in rows], np.int32),
        },
    )


def make_index() -> ChunkIndex:
    return ChunkIndex("key", strings=["document"], numbers=["page"])


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def inner(query: dict[int, float], row: Row) -> float:
    return sum(weight * row["sparse"].get(term, 0) for term, weight in query.items())


def meets(row: Row, conditions: list[Condition]) -> bool:
    checks = {
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "in": lambda a, b: a in b,
        "not in": lambda a, b: a not in b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
    }
    return all(checks[one.operator](row[one.column], one.value) for one in conditions)


def random_conditions(chance: random.Random) -> list[Condition]:
    names = tuple(f"doc_{chance.randrange(DOCUMENTS + 2)}" for _ in range(3))
    known = [
        Condition("document", chance.choice(["==", "!="]), names[0]),
        Condition("document", chance.choice(["in", "not in"]), names),
        Condition("page", chance.choice(["<=", ">"]), chance.randrange(30)),
        Condition("page", "in", (3, 4, 5)),
        Condition("key", "in", tuple(f"k{chance.randrange(300)}" for _ in range(40))),
    ]
    return chance.sample(known, chance.choice([0, 0, 1, 2]))


@pytest.mark.parametrize("seed", range(6))
def test_index_equals_plain_search(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(vectors, "QUANTIZED_ROWS", 30)  # codes and merges in a small index
    monkeypatch.setattr(chunk_index, "MAX_ROWS", 150)
    index, model = make_index(), dict[str, Row]()
    for _ in range(60):
        if model and chance.random() < 0.3:
            gone = [f"k{chance.randrange(300)}" for _ in range(chance.randrange(1, 40))]
            index.delete(gone)
            for key in gone:
                model.pop(key, None)
        else:
            keys = [f"k{chance.randrange(300)}" for _ in range(chance.randrange(1, 60))]
            rows = [random_row(chance, key) for key in keys]
            index.upsert(rows_of(rows))
            model |= {row["key"]: row for row in rows}
        assert len(index) == len(model)
        compare(index, model, chance)


def compare(index: ChunkIndex, model: dict[str, Row], chance: random.Random) -> None:
    conditions, limit = random_conditions(chance), chance.choice([1, 5, 20, 400])
    allowed = {key: row for key, row in model.items() if meets(row, conditions)}
    assert index.count(conditions) == len(allowed)
    listed = index.rows(conditions, ["document", "page"])
    assert set(listed.keys) == allowed.keys() and len(listed.keys) == len(allowed)
    assert listed.columns["page"] == [allowed[key]["page"] for key in listed.keys]
    vector = random_row(chance, "")["vector"]
    query = {chance.randrange(1, TERMS + 3): chance.uniform(0.1, 3) for _ in range(4)}
    frequencies = index.frequencies(query)
    assert frequencies == {t: sum(t in row["sparse"] for row in model.values()) for t in query}
    required = chance.sample(range(1, TERMS + 1), chance.choice([0, 0, 1, 2]))
    wanted = {key: row for key, row in allowed.items() if row["sparse"].keys() >= set(required)}
    dense = {key: cosine(vector, row["vector"]) for key, row in wanted.items()}
    sparse = {key: score for key, row in wanted.items() if (score := inner(query, row)) > 0}
    keys = [*chance.sample(sorted(model), min(5, len(model))), "unknown"]
    cosines = {key: cosine(vector, model[key]["vector"]) for key in keys if key in model}
    assert index.cosines(vector, keys) == pytest.approx(cosines, abs=1e-5)
    check(index.nearest(vector, limit, conditions, ["document"], required), dense, limit, wanted)
    check(index.matching(query, limit, conditions, ["document"], required), sparse, limit, wanted)


def check(
    found: chunk_index.Found, scores: dict[str, float], limit: int, rows: dict[str, Row]
) -> None:
    expected = sorted(scores.values(), reverse=True)[:limit]
    assert found.scores == pytest.approx(expected, abs=1e-4)
    assert len(set(found.keys)) == len(found.keys)
    assert found.scores == pytest.approx([scores[key] for key in found.keys], abs=1e-4)
    assert found.columns["document"] == [rows[key]["document"] for key in found.keys]


def test_nearest_is_exact_when_all_codes_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "QUANTIZED_ROWS", 30)
    chance = random.Random(1)
    rows = [random_row(chance, f"k{number}") for number in range(2_000)]
    middle = random_row(chance, "")["vector"]
    for row in rows:
        row["vector"] = middle + 1e-4 * row["vector"]
    index = make_index()
    index.upsert(rows_of(rows))
    scores = {row["key"]: cosine(middle, row["vector"]) for row in rows}
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:1]
    assert scores[index.nearest(middle, 1).keys[0]] == pytest.approx(scores[best[0]], abs=1e-6)


@pytest.fixture(params=["NONE", "AVX2", "AVX512", "AVX512_SPR", "ARM_NEON", "ARM_SVE"])
def simd_level(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set of the scan that this machine has."""
    level, found = getattr(faiss, f"SIMDLevel_{request.param}"), faiss.SIMDConfig.get_level()
    if not faiss.SIMDConfig.is_simd_level_available(level):
        pytest.skip("this machine does not have these instructions")
    faiss.SIMDConfig.set_level(level)
    yield request.param
    faiss.SIMDConfig.set_level(found)


@pytest.mark.parametrize("dimension", [100, 384, 768])
def test_scan_of_codes_is_exact(dimension: int, simd_level: str) -> None:
    chance = np.random.default_rng(1)
    rows = vectors.QUANTIZED_ROWS
    unit = vectors.unit_vectors(chance.standard_normal((rows, dimension), np.float32))
    indexed, mask = vectors.Vectors(unit), chance.random(rows) < 0.7
    for query in vectors.unit_vectors(chance.standard_normal((20, dimension), np.float32)):
        for among in (None, mask):
            scores = unit @ query if among is None else np.where(among, unit @ query, -1)
            expected = np.argsort(-scores)[:10]
            assert set(indexed.nearest(query, 10, among)[0]) == set(expected), simd_level


def test_scan_of_codes_finds_candidates_of_clustered_vectors(simd_level: str) -> None:
    chance = np.random.default_rng(2)
    topics = vectors.unit_vectors(chance.standard_normal((40, 384), np.float32))
    noise = vectors.unit_vectors(chance.standard_normal((vectors.QUANTIZED_ROWS, 384), np.float32))
    unit = vectors.unit_vectors(topics[chance.integers(0, 40, len(noise))] + noise)
    codes = vectors.Vectors(unit).codes
    assert codes is not None
    for query in unit[:20]:
        rows, bounds = codes.scan(query, 400, None)
        nearest = set(np.argsort(-(unit @ query))[:100])
        assert len(nearest & set(rows)) >= 99, simd_level
        assert np.all(unit[rows] @ query <= bounds)
        assert np.delete(unit @ query, rows).max() <= bounds[-1]


def clustered_rows(chance: np.random.Generator, count: int, dimension: int = 64) -> Rows:
    """Returns rows of 60 subjects; each row is its subject plus noise of the same length."""
    subjects = vectors.unit_vectors(chance.standard_normal((60, dimension), np.float32))
    noise = vectors.unit_vectors(chance.standard_normal((count, dimension), np.float32))
    pages, documents = np.arange(count) % 30, [f"doc_{row % 8}" for row in range(count)]
    sparse = SparseRows(np.arange(count + 1), np.ones(count, np.uint32), np.ones(count, np.float32))
    columns = {"document": documents, "page": pages}
    keys = [f"k{row}" for row in range(count)]
    return Rows(keys, subjects[chance.integers(0, 60, count)] + noise, sparse, columns)


@pytest.mark.parametrize("last_page", [29, 20, 4, 0])
def test_cells_find_nearly_all_nearest_rows(
    last_page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "EXACT_ROWS", 4_000)
    monkeypatch.setattr(cells, "CELLS", 64)
    monkeypatch.setattr(vectors, "QUANTIZED_ROWS", 1_000)
    monkeypatch.setattr(chunk_index, "MAX_ROWS", 3_000)
    rows, index = clustered_rows(np.random.default_rng(3), 9_000), make_index()
    for part in rows.parts(700):
        index.upsert(part)
    gone = set(rows.keys[::7])
    index.delete(gone)
    unit, found_rows = vectors.unit_vectors(rows.vectors), 0
    allowed = (np.asarray(rows.columns["page"]) <= last_page) & (np.arange(len(rows)) % 7 != 0)
    conditions = [Condition("page", "<=", last_page)] if last_page < 29 else []
    queries = unit[1::450]
    for query in queries:
        scores = np.where(allowed, unit @ query, -1)
        expected = {rows.keys[row] for row in np.argsort(-scores)[:20]}
        found = index.nearest(query, 20, conditions)
        assert len(found.keys) == 20 and not gone & set(found.keys)
        found_rows += len(expected & set(found.keys))
    assert found_rows >= 0.95 * 20 * len(queries)


def test_cells_are_read_in_part() -> None:
    unit = vectors.unit_vectors(clustered_rows(np.random.default_rng(4), 9_000).vectors)
    centres = cells.train_cells([unit])
    codes = vectors.Vectors(unit, centres).codes
    assert codes is not None and centres.ntotal == cells.CELLS
    rows, _ = codes.scan(unit[0], len(unit), None)
    assert 0.05 * len(unit) < len(rows) < 0.3 * len(unit)
    rows, _ = codes.scan(unit[0], len(unit), np.arange(len(unit)) % 10 == 0)
    assert len(rows) == len(unit) / 10


def test_empty_index_finds_nothing() -> None:
    index = make_index()
    assert index.nearest(np.ones(DIMENSION), 5).keys == []
    assert index.matching({1: 1.0}, 5).keys == []
    assert (len(index), index.count(), index.rows().keys) == (0, 0, [])


@pytest.mark.parametrize(
    "condition",
    [Condition("title", "==", "x"), Condition("document", "<", "x"), Condition("page", "like", 1)],
)
def test_unknown_condition_is_unsupported(condition: Condition) -> None:
    index = make_index()
    index.upsert(rows_of([random_row(random.Random(0), "k0")]))
    with pytest.raises(UnsupportedFilter):
        index.count([condition])


def test_kept_mask_is_that_of_the_present_rows() -> None:
    chance, index = random.Random(5), make_index()
    conditions, expected = [Condition("document", "==", "doc_new")], set[str]()
    for count, document in ((40, "doc_0"), (4, "doc_new"), (1, "doc_new"), (1, "doc_1")):
        keys = [f"{document}_{len(index) + number}" for number in range(count)]
        index.upsert(rows_of([random_row(chance, key) | {"document": document} for key in keys]))
        expected |= {key for key in keys if document == "doc_new"}
        assert set(index.rows(conditions).keys) == expected  # keeps the masks of the segments
    assert index.sizes[0] == 40  # the first segment, whose mask was kept before "doc_new" came
    index.delete([expected.pop()])
    assert set(index.rows(conditions).keys) == expected


def test_cosines_are_complete_while_a_merge_numbers_rows_anew() -> None:
    chance, index = random.Random(6), make_index()
    rows = [random_row(chance, f"k{number}") for number in range(60)]
    index.upsert(rows_of(rows[:50]))
    index.delete([row["key"] for row in rows[:10]])
    index.upsert(rows_of(rows[50:]))
    vector = random_row(chance, "")["vector"]
    expected = {row["key"]: cosine(vector, row["vector"]) for row in rows[10:]}
    index._numbered_in_place(list(index._segments))  # not published yet, as during a write
    found = index.cosines(vector, [row["key"] for row in rows])
    assert found == pytest.approx(expected, abs=1e-5)


def test_segments_are_few_and_free_of_dead_rows() -> None:
    index, chance = make_index(), random.Random(2)
    for number in range(200):
        index.upsert(rows_of([random_row(chance, f"k{number}_{row}") for row in range(20)]))
    assert len(index.sizes) <= 6  # 4,000 rows, each segment 4 times the next
    index.delete([f"k{number}_{row}" for number in range(150) for row in range(20)])
    assert sum(index.sizes) <= 2 * len(index)
