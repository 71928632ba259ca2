"""Search over HTTP: hits, filters, and invisible passages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.errors import VectorStoreUnavailable
from tests.unit.serve_app.library import Library, pdf

LASER = "a laser cools trapped ions"
ROSES = "roses grow in warm gardens"


async def add(library: Library, *texts: str, content: str, **fields: str) -> str:
    """Adds a searchable paper with these passages, and returns its id."""
    answer = await library.upload(pdf(content), name=f"{content}.pdf", **fields)
    await library.read_papers(*texts)
    return answer.json()["document_id"]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
async def test_search_returns_best_passage_first_with_all_fields(
    library: Library, mode: str
) -> None:
    await add(library, ROSES, content="roses")
    laser = await add(library, "unrelated words here", LASER, content="laser")
    answer = (await library.search("laser ions", mode=mode)).json()
    assert answer["mode"] == mode
    assert answer["took_ms"] >= 0
    assert answer["total_candidates"] >= 1
    hit = answer["hits"][0]
    assert hit["document_id"] == laser
    assert (hit["title"], hit["filename"]) == ("On laser.pdf", "laser.pdf")
    assert (hit["page_first"], hit["section"], hit["kind"]) == (2, "Introduction", "text")
    assert hit["boxes"][0]["page"] == 2
    marked = [LASER[item["start"] : item["end"]] for item in hit["highlights"]]
    assert marked == ["laser", "ions"]
    assert set(hit["scores"]) <= {"dense", "sparse"}
    assert library.embedded == ([] if mode == "sparse" else ["laser ions"])


async def test_search_grouped_by_document_returns_each_once(library: Library) -> None:
    first = await add(library, LASER, f"{LASER} again", content="one")
    second = await add(library, f"{LASER} and more words", content="two")
    flat = (await library.search("laser ions")).json()["hits"]
    grouped = (await library.search("laser ions", group_by="document")).json()["hits"]
    assert len(flat) == 3
    assert sorted(hit["document_id"] for hit in grouped) == sorted([first, second])


async def test_search_applies_filters(library: Library) -> None:
    first = await add(library, LASER, f"{LASER} again", content="one")
    await add(library, LASER, content="two")
    filters = {"document_ids": [first], "page_first": 2, "page_last": 2}
    hits = (await library.search("laser", filters=filters)).json()["hits"]
    assert [(hit["document_id"], hit["page_first"]) for hit in hits] == [(first, 2)]
    nothing = await library.search("laser", filters={"kinds": ["reference"]})
    assert nothing.json()["hits"] == []
    assert (await library.search("laser", limit=1)).json()["hits"][0]["text"]


async def test_search_covers_one_collection_or_all(
    library: Library,
) -> None:
    first = await add(library, LASER, content="one", collection="one")
    second = await add(library, LASER, content="two", collection="two")
    alone = (await library.search("laser", collection="one")).json()["hits"]
    both = (await library.search("laser")).json()["hits"]
    assert {hit["document_id"] for hit in alone} == {first}
    assert {hit["document_id"] for hit in both} == {first, second}


async def test_search_rejects_unknown_collection(library: Library) -> None:
    answer = await library.search("laser", collection="nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_collection")
    assert "'nowhere'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": " \n"}, "query"),
        ({"query": "x" * 4001}, "query"),
        ({"query": 7}, "query"),
        ({"query": "a", "colour": "red"}, "colour"),
        ({"query": "a", "filters": {"colour": "x"}}, "filters.colour"),
        ({"query": "a", "filters": {"kinds": ["song"]}}, "filters.kinds.0"),
        ({"query": "a", "filters": {"page_first": 0}}, "filters.page_first"),
        ({"query": "a", "filters": {"page_first": 3, "page_last": 2}}, "filters"),
        ({"query": "a", "filters": "year > 2000"}, "filters"),
        ({"query": "a", "mode": "magic"}, "mode"),
        ({"query": "a", "limit": 0}, "limit"),
        ({"query": "a", "limit": 201}, "limit"),
        ({"query": "a", "group_by": "author"}, "group_by"),
        ({"query": "a", "min_relevance": 1.5}, "min_relevance"),
        ({"query": "a", "collection": "a b"}, "collection"),
    ],
)
async def test_search_error_names_invalid_field(
    library: Library, body: dict[str, Any], field: str
) -> None:
    answer = await library.http.post("/api/v1/search", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert field in problem["detail"]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
async def test_search_states_relevance_that_is_comparable_between_queries(
    library: Library, mode: str
) -> None:
    await add(library, LASER, ROSES, content="laser")
    fitting = (await library.search(LASER, mode=mode)).json()
    foreign = (await library.search("sonnets of a laser poet in exile", mode=mode)).json()
    assert not fitting["nothing_fits"] and foreign["nothing_fits"]
    assert fitting["hits"][0]["relevance"] > 0.5 > 0.1 > foreign["hits"][0]["relevance"]
    assert (await library.search("poet", mode="sparse")).json()["nothing_fits"]


async def test_search_leaves_out_hits_below_min_relevance(library: Library) -> None:
    await add(library, LASER, ROSES, content="laser")
    kept = (await library.search(LASER, min_relevance=0.5)).json()
    assert [hit["text"] for hit in kept["hits"]] == [LASER]
    none = (await library.search("unrelated", min_relevance=0.5)).json()
    assert (none["hits"], none["nothing_fits"]) == ([], True)


async def test_search_without_calibration_has_no_relevance(library: Library) -> None:
    await add(library, LASER, content="laser")
    library.app.state.services = replace(library.services, calibration=None)
    answer = (await library.search(LASER)).json()
    assert (answer["hits"][0]["relevance"], answer["nothing_fits"]) == (None, None)
    refused = await library.search(LASER, min_relevance=0.5)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert "not calibrated" in refused.json()["detail"]


async def test_search_hides_inactive_versions(library: Library) -> None:
    name = await add(library, ROSES, content="paper")
    await library.upload(pdf("paper"), name="paper.pdf", on_duplicate="reprocess")
    [task] = await library.claim()
    library.index(task, [LASER])
    for options in ({}, {"group_by": "document"}):
        hits = (await library.search("laser ions roses", **options)).json()["hits"]
        assert [(hit["document_id"], hit["text"]) for hit in hits] == [(name, ROSES)]


async def test_search_overfetches_when_passages_are_hidden(library: Library) -> None:
    await add(library, ROSES, content="roses")
    await library.upload(pdf("late"))
    [task] = await library.claim()
    library.index(task, [f"roses grow {n}" for n in range(3)])
    hits = (await library.search("roses grow", limit=2)).json()["hits"]
    assert [hit["text"] for hit in hits] == [ROSES]


async def test_search_returns_503_when_vector_store_is_unavailable(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise VectorStoreUnavailable

    monkeypatch.setattr(library.vectors, "search", away)
    answer = await library.search("laser")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "vector_store_unavailable")
    assert answer.headers["retry-after"] == str(problem["retry_after_seconds"]) == "5"
