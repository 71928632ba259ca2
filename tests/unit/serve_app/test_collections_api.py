"""Collections as resources over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.collection_names import CollectionNames
from domain.errors import DatabaseUnavailable
from tests.fakes.in_memory_collections import InMemoryCollectionStore
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


async def renamed(library: Library) -> dict[str, Any]:
    """Renames the collection physics, which has one paper, to optics; returns the paper."""
    await library.upload(pdf("one"), collection="physics")
    await library.read_papers("Light bends near the sun.")
    response = await library.http.patch(f"{ADDRESS}/physics", json={"name": "optics"})
    assert (response.status_code, response.json()["name"]) == (200, "optics")
    assert response.json()["collection_id"] == "physics"
    [document] = (await library.get("/documents")).json()["items"]
    return document


async def test_renamed_collection_has_its_new_name_everywhere(library: Library) -> None:
    document = await renamed(library)
    [job] = (await library.get("/jobs", params={"collection": "optics"})).json()["items"]
    [hit] = (await library.search("light", collection="optics")).json()["hits"]
    assert {one["collection"] for one in (document, job, hit)} == {"optics"}
    exported = await library.get("/collections/optics/export")
    assert 'filename="optics.bib"' in exported.headers["Content-Disposition"]
    stream = await library.get("/collections/optics/events", params={"seconds": 0})
    assert '"collection": "optics"' in stream.text
    key = {"name": "reader", "scopes": ["search"], "collections": ["optics"]}
    created = await library.http.post(f"{API}/keys", json=key)
    assert created.json()["collections"] == ["optics"]
    [listed] = (await library.get("/collections")).json()["items"]
    assert (listed["name"], listed["documents"]) == ("optics", 1)
    for page in (
        "/",
        "/?collection=optics",
        "/jobs",
        "/search?q=light",
        "/upload?collection=optics",
    ):
        html = (await library.http.get(page)).text
        assert "optics" in html, page
        assert "physics" not in html, page


async def test_both_names_lead_to_a_renamed_collection(library: Library) -> None:
    document = await renamed(library)
    for name in ("optics", "physics"):
        assert (await library.get(f"/collections/{name}")).json()["name"] == "optics"
        again = await library.upload(pdf("one"), collection=name)
        assert again.json()["duplicate_of"] == document["document_id"]
        listed = (await library.get("/documents", params={"collection": name})).json()["items"]
        assert [one["document_id"] for one in listed] == [document["document_id"]]
        assert len((await library.search("light", collection=name)).json()["hits"]) == 1


async def test_deleted_collection_gives_its_name_back(library: Library) -> None:
    await renamed(library)
    assert (await library.http.delete(f"{ADDRESS}/optics")).status_code == 204
    for name in ("optics", "physics"):
        assert (await library.get(f"/collections/{name}")).status_code == 404
    created = await library.http.post(ADDRESS, json={"name": "optics"})
    assert (created.status_code, created.json()["collection_id"]) == (201, "optics")


@pytest.mark.parametrize("name", ["other", "", "a b", None, 3])
async def test_name_that_is_taken_or_malformed_is_refused(library: Library, name: object) -> None:
    for known in ("physics", "other"):
        await library.http.post(ADDRESS, json={"name": known})
    answer = await library.http.patch(f"{ADDRESS}/physics", json={"name": name})
    assert answer.status_code == (409 if name == "other" else 422)
    assert (await library.get("/collections/physics")).json()["name"] == "physics"


async def test_unreadable_names_fail_only_requests_that_need_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_: InMemoryCollectionStore) -> CollectionNames:
        raise DatabaseUnavailable

    monkeypatch.setattr(InMemoryCollectionStore, "names", unavailable)
    library = Library(tmp_path)
    assert (await library.http.get("/metrics")).status_code == 200
    answer = await library.get("/collections/physics")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    await library.http.aclose()
    library.close()
