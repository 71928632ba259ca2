"""A JSON value of another type is refused, never converted: `false` would be a quota of 0."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.serve_app.library import API, Library

WRONG: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/collections", {"name": "a", "max_bytes": False}),
    ("POST", "/collections", {"name": "a", "max_papers": "5"}),
    ("POST", "/search", {"query": "a", "limit": True}),
    ("POST", "/search", {"query": "a", "limit": "5"}),
    ("POST", "/search", {"query": "a", "explain": 1}),
    ("POST", "/search", {"query": "a", "rerank": "no"}),
    ("POST", "/search", {"query": "a", "min_relevance": "0.5"}),
    ("POST", "/search", {"query": "a", "min_relevance": True}),
    ("POST", "/search", {"query": "a", "filters": {"year_first": "2020"}}),
    ("POST", "/search", {"query": "a", "filters": {"page_first": True}}),
    ("PATCH", "/documents/doc_000000000000000000000000", {"year": True}),
    ("POST", "/keys", {"name": "a", "scopes": ["search"], "expires_days": True}),
    ("POST", "/consistency/adopt", {"collection": "a", "claim_stores": 1}),
    ("PATCH", "/webhooks/wh_0000000000000000", {"enabled": 0}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRONG)
async def test_value_of_another_type_is_refused(
    library: Library, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = await library.http.request(method, f"{API}{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_numbers_of_json_are_accepted(library: Library) -> None:
    body = {"query": "a", "min_relevance": 0, "limit": 5, "filters": {"year_first": 2020}}
    assert (await library.http.post(f"{API}/search", json=body)).status_code == 200


@pytest.mark.parametrize("number", ["0", "0.5", "1764403200", "-1"])
async def test_number_is_no_time(library: Library, number: str) -> None:
    for method, path in (("GET", f"documents?since={number}"), ("POST", "acknowledgements")):
        query = {} if "?" in path else {"until": number}
        answer = await library.http.request(method, f"{API}/{path}", params=query or None)
        assert answer.status_code == 422, path
    given = {"since": "2026-11-29T08:00:00+01:00"}
    assert (await library.http.get(f"{API}/documents", params=given)).status_code == 200
