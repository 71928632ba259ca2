"""Several files of one work over HTTP: documents, jobs, events, settings, searches and pages."""

from __future__ import annotations

from typing import Any

import pytest

from domain.papers import Author, Metadata
from tests.unit.serve_app.library import API, Library, pdf

LASER, PUMP = "a laser cools trapped ions", "a pump evacuates the chamber"
TITLE = "Cooling of trapped ions by a narrow laser"
IONS = Metadata(TITLE, (Author("Ada Berg", family="Berg"),), doi="10.1234/ions", year=2018)


async def add(
    library: Library, content: str, *texts: str, metadata: Metadata = IONS, **fields: str
) -> dict[str, Any]:
    """Adds a searchable paper with these passages; returns the response to its upload."""
    answer = await library.upload(pdf(content), name=f"{content}.pdf", **fields)
    await library.read_papers(*(texts or (LASER, PUMP)), metadata=metadata)
    return answer.json()


async def three_copies(library: Library) -> list[str]:
    return sorted([(await add(library, name))["document_id"] for name in ("one", "two", "three")])


async def document(library: Library, name: str) -> dict[str, Any]:
    return (await library.get(f"/documents/{name}")).json()


async def hits(library: Library, query: str = "laser ions", **options: Any) -> list[dict[str, Any]]:
    answer = await library.search(query, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()["hits"]


async def test_documents_name_their_copies(library: Library) -> None:
    names = await three_copies(library)
    for name in names:
        assert (await document(library, name))["same_work_as"] == [n for n in names if n != name]
    listed = (await library.get("/documents")).json()["items"]
    assert {one["document_id"]: one["same_work_as"] for one in listed} == {
        name: [n for n in names if n != name] for name in names
    }


async def test_etag_changes_with_the_copies_and_is_accepted(library: Library) -> None:
    name = (await add(library, "one"))["document_id"]
    address = f"{API}/documents/{name}"
    before = (await library.http.get(address)).headers["ETag"]
    await add(library, "two")
    after = (await library.http.get(address)).headers["ETag"]
    assert before != after
    old = await library.http.patch(address, json={"tags": ["x"]}, headers={"If-Match": before})
    new = await library.http.patch(address, json={"tags": ["x"]}, headers={"If-Match": after})
    assert (old.status_code, new.status_code) == (412, 200)
    assert new.json()["same_work_as"] != []


async def test_correction_unlinks_the_copies(library: Library) -> None:
    one, two, three = await three_copies(library)
    changed = await library.http.patch(
        f"{API}/documents/{two}", json={"doi": "10.1234/pumps", "title": "On the pumps of a trap"}
    )
    assert changed.json()["same_work_as"] == []
    assert (await document(library, one))["same_work_as"] == [three]


async def test_job_and_events_name_the_copies(library: Library) -> None:
    first = await add(library, "one")
    second = await add(library, "two")
    job = (await library.get(f"/jobs/{second['job_id']}")).json()
    assert job["tasks"][0]["same_work_as"] == [first["document_id"]]
    assert job["tasks"][0]["same_work_title"] == TITLE
    stream = (await library.get(f"/jobs/{second['job_id']}/events")).text
    assert f'"same_work_as":["{first["document_id"]}"]' in stream
    page = (await library.http.get(f"/jobs/{second['job_id']}")).text
    assert "The library already has this work" in page and TITLE in page


async def test_pages_name_the_copies(library: Library) -> None:
    name = (await three_copies(library))[0]
    paper = (await library.http.get(f"/papers/{name}")).text
    assert paper.count("The library already has this work") == 2
    page = (await library.http.get("/search?q=laser")).text
    assert "another copy (2)" in page
    assert "The library already has this work" in (await library.http.get("/")).text
    settings = (await library.http.get("/?collection=default")).text
    assert '<option value="keep" selected>' in settings


async def test_passage_is_listed_once_and_names_the_copies(library: Library) -> None:
    names = await three_copies(library)
    found = await hits(library)
    assert sorted(hit["text"] for hit in found) == sorted([LASER, PUMP])
    for hit in found:
        assert sorted([hit["document_id"], *hit["also_in"]]) == names
    (grouped,) = await hits(library, group_by="document")
    assert sorted([grouped["document_id"], *grouped["also_in"]]) == names


async def test_passage_that_only_one_copy_has_is_listed(library: Library) -> None:
    first = (await add(library, "one"))["document_id"]
    note = "a note on laser ions in the margin"
    second = (await add(library, "two", LASER, PUMP, note))["document_id"]
    by_text = {hit["text"]: hit for hit in await hits(library)}
    assert (by_text[note]["document_id"], by_text[note]["also_in"]) == (second, [])
    assert {by_text[LASER]["document_id"], *by_text[LASER]["also_in"]} == {first, second}


async def test_equal_texts_of_different_works_are_listed(library: Library) -> None:
    other = Metadata("A different paper about trapped ions", IONS.authors, year=2018)
    await add(library, "one", LASER)
    await add(library, "two", LASER, metadata=other)
    assert [hit["text"] for hit in await hits(library)] == [LASER, LASER]


async def test_text_that_a_paper_has_twice_is_listed_twice(library: Library) -> None:
    await add(library, "one", LASER, LASER)
    await add(library, "two", LASER, LASER)
    found = await hits(library)
    assert len(found) == 2 and len({hit["document_id"] for hit in found}) == 1


async def test_chosen_documents_are_listed_each(library: Library) -> None:
    names = await three_copies(library)
    for chosen in ([names[1]], names):
        found = await hits(library, filters={"document_ids": chosen}, group_by="document")
        assert sorted(hit["document_id"] for hit in found) == chosen
    (once,) = await hits(library, "laser", limit=1, filters={"doi": "10.1234/ions"})
    assert len(once["also_in"]) == 2


async def test_named_work_is_listed_once(library: Library) -> None:
    names = await three_copies(library)
    (found,) = await hits(library, "10.1234/ions", group_by="document")
    assert found["named_by"] == "doi"
    assert sorted([found["document_id"], *found["also_in"]]) == names
    passages = await hits(library, "10.1234/ions")
    assert [hit["named_by"] for hit in passages] == ["doi", *[None] * (len(passages) - 1)]
    assert len({hit["text"] for hit in passages}) == len(passages)


async def test_pages_of_a_search_repeat_no_passage(library: Library) -> None:
    texts = [f"laser ions number {n}" for n in range(12)]
    for name in ("one", "two", "three"):
        await add(library, name, *texts)
    found, cursor = [], None
    for _ in range(10):
        answer = (await library.search("laser ions number", limit=5, cursor=cursor)).json()
        found += [hit["text"] for hit in answer["hits"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(texts)


async def test_copies_are_not_similar_papers(library: Library) -> None:
    names = await three_copies(library)
    other = Metadata("A different paper about trapped ions", IONS.authors, year=2018)
    unlike = (await add(library, "four", "a laser cools other ions", metadata=other))["document_id"]
    answer = (await library.get(f"/documents/{names[0]}/similar")).json()
    assert [one["document_id"] for one in answer["documents"]] == [unlike]
    (chunk,) = [
        one
        for one in (await library.get(f"/documents/{names[0]}/chunks")).json()["items"]
        if one["text"] == LASER
    ]
    address = f"/documents/{names[0]}/chunks/{chunk['chunk_id']}/similar"
    nearest = (await library.get(address)).json()["hits"]
    assert LASER not in [hit["text"] for hit in nearest]


async def test_rule_is_set_and_refuses(library: Library) -> None:
    address = f"{API}/collections"
    created = await library.http.post(address, json={"name": "ions", "duplicates": "refuse"})
    assert created.json()["duplicates"] == "refuse"
    first = await add(library, "one", collection="ions")
    second = await add(library, "two", collection="ions")
    job = (await library.get(f"/jobs/{second['job_id']}")).json()
    assert (job["status"], job["error"]["code"]) == ("failed", "same_work")
    assert first["document_id"] in job["error"]["message"]
    changed = await library.http.patch(f"{address}/ions", json={"duplicates": "newest"})
    assert changed.json()["duplicates"] == "newest"
    await library.http.post(f"{API}/jobs/{second['job_id']}/retry")
    await library.read_papers(LASER, metadata=IONS)
    listed = (await library.get("/documents?collection=ions")).json()["items"]
    assert [one["document_id"] for one in listed] == [second["document_id"]]


@pytest.mark.parametrize("rule", ["all", "", 1, None, ["keep"], {"x": 1}, "KEEP"])
async def test_unknown_rule_is_refused(library: Library, rule: object) -> None:
    body = {"name": "ions", "duplicates": rule}
    answer = await library.http.post(f"{API}/collections", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
