"""Collections as resources over HTTP."""

from __future__ import annotations

import pytest

from tests.unit.serve_app.library import API, Library, pdf

ADDRESS = f"{API}/collections"


async def test_collection_is_created_read_and_changed(library: Library) -> None:
    settings = {"description": "of <b>lasers</b>", "max_papers": 10}
    created = await library.http.post(ADDRESS, json={"name": "physics", **settings})
    assert created.status_code == 201
    assert created.json() == (await library.get("/collections/physics")).json()
    assert created.json() | settings == created.json()
    assert (created.json()["documents"], created.json()["max_bytes"]) == (0, None)
    again = await library.http.post(ADDRESS, json={"name": "physics"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    changed = await library.http.patch(f"{ADDRESS}/physics", json={"max_papers": None})
    assert (changed.json()["max_papers"], changed.json()["description"]) == (
        None,
        "of <b>lasers</b>",
    )
    await library.upload(pdf("one"), collection="physics")
    [listed] = (await library.get("/collections")).json()["items"]
    assert (listed["documents"], listed["bytes"]) == (1, len(pdf("one")))


async def test_unknown_collection_is_not_found(library: Library) -> None:
    for method, body in (("GET", None), ("PATCH", {"max_papers": 1}), ("PATCH", {})):
        answer = await library.http.request(method, f"{ADDRESS}/unknown", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_collection")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "a b"},
        {"name": "a", "max_papers": -1},
        {"name": "a", "max_bytes": 2**63},
        {"name": "a", "owner": "x"},
        {"name": "a", "description": "x" * 2001},
        {"name": "a", "description": None},
    ],
)
async def test_bad_settings_are_refused(library: Library, body: dict[str, object]) -> None:
    answer = await library.http.post(ADDRESS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
