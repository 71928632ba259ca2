"""Documents over HTTP: lists, passages, contents, the PDF, deletion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.errors import VectorStoreUnavailable
from tests.unit.serve_app.library import API, Library, pdf


async def read_paper(library: Library, *texts: str, content: bytes | None = None, **fields) -> str:
    """Uploads and completes a document, and returns its id."""
    answer = await library.upload(content or pdf(), **fields)
    await library.read_papers(*texts)
    return answer.json()["document_id"]


async def test_document_api_returns_documented_fields(library: Library) -> None:
    name = await read_paper(library, "one", "two", name="x.pdf")
    document = (await library.get(f"/documents/{name}")).json()
    assert document["status"] == "ready"
    assert document["title"] == "On x.pdf"
    assert document["pages"] == 2
    assert document["counts"] == {
        "chunks": 2, "sections": 1, "references": 1, "tables": None, "figures": None,
    }  # fmt: skip
    assert document["authors"] == []
    assert document["created_at"].endswith("Z")


async def test_document_list_paginates_with_cursor(library: Library) -> None:
    made = [(await library.upload(pdf(str(n)))).json()["document_id"] for n in range(3)]
    first = (await library.get("/documents?limit=2")).json()
    second = (await library.get("/documents", params={"cursor": first["next_cursor"]})).json()
    listed = [document["document_id"] for document in first["items"] + second["items"]]
    assert listed == made[::-1]
    assert second["next_cursor"] is None
    assert (await library.get("/documents?status=ready")).json()["items"] == []
    assert (await library.get("/documents?collection=other")).json()["items"] == []


async def test_chunks_api_returns_reading_order_pages_and_boxes(library: Library) -> None:
    name = await read_paper(library, "first", "second", "third")
    first = (await library.get(f"/documents/{name}/chunks?limit=2")).json()
    second = (await library.get(f"/documents/{name}/chunks?cursor={first['next_cursor']}")).json()
    assert [chunk["text"] for chunk in first["items"]] == ["first", "second"]
    assert [chunk["text"] for chunk in second["items"]] == ["third"]
    assert second["next_cursor"] is None
    [chunk] = second["items"]
    assert chunk["page_first"] == chunk["page_last"] == 3
    assert chunk["boxes"] == [{"page": 3, "x0": 50, "y0": 100, "x1": 250, "y1": 120}]
    assert chunk["filename"] == "paper.pdf"
    assert (await library.get(f"/documents/{name}/chunks?cursor=x")).status_code == 422


async def test_contents_api_returns_extracted_content(library: Library) -> None:
    name = await read_paper(library, "first", "second")
    [section] = (await library.get(f"/documents/{name}/sections")).json()["sections"]
    assert (section["number"], section["title"], section["level"]) == ("1", "Introduction", 1)
    assert section["box"]["x0"] == 50
    [reference] = (await library.get(f"/documents/{name}/references")).json()["references"]
    assert reference["raw"].startswith("Knuth")
    assert (await library.get(f"/documents/{name}/text")).text == "first\n\nsecond"
    assert (await library.get(f"/documents/{name}/tables")).json() == {"tables": [], "read": False}
    assert (await library.get(f"/documents/{name}/figures")).json() == {
        "figures": [], "read": False,
    }  # fmt: skip


async def test_sections_api_reports_unread_and_failed_documents(library: Library) -> None:
    name = (await library.upload(pdf())).json()["document_id"]
    answer = await library.get(f"/documents/{name}/sections")
    assert answer.status_code == 409
    assert "has not been read yet" in answer.json()["detail"]
    await library.fail_papers()
    answer = await library.get(f"/documents/{name}/sections")
    assert "could not be read" in answer.json()["detail"]


async def test_original_api_returns_uploaded_bytes_and_etag(library: Library) -> None:
    content = pdf("the bytes", filler=5000)
    name = await read_paper(library, content=content, name='naïve "quoted".pdf')
    answer = await library.get(f"/documents/{name}/original")
    assert answer.content == content
    assert answer.headers["content-type"] == "application/pdf"
    assert int(answer.headers["content-length"]) == len(content)
    disposition = answer.headers["content-disposition"]
    assert 'filename="na_ve _quoted_.pdf"' in disposition
    assert "filename*=UTF-8''na%C3%AFve%20%22quoted%22.pdf" in disposition
    etag = answer.headers["etag"]
    same = await library.get(f"/documents/{name}/original", headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=5-999999", 5, None),
        ("bytes=-999999", 0, None),
    ],
)
async def test_original_api_returns_ranges(
    library: Library, wanted: str, first: int, end: int | None
) -> None:
    content = pdf("the bytes", filler=90_000)
    name = await read_paper(library, content=content)
    path = f"/documents/{name}/original"
    answer = await library.get(path, headers={"Range": wanted})
    part = content[first:end]
    start = first % len(content)
    assert (answer.status_code, answer.content) == (206, part)
    expected = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
    assert answer.headers["content-range"] == expected
    assert int(answer.headers["content-length"]) == len(part)
    head = await library.http.head(f"{API}{path}", headers={"Range": wanted})
    assert (head.status_code, head.content) == (206, b"")
    assert head.headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,4-5", "bytes=9-2", "bytes=-", "lines=1-2", "bytes=a-b", "x" * 5000]
)
async def test_original_api_ignores_ranges_that_it_does_not_support(
    library: Library, wanted: str
) -> None:
    content = pdf("the bytes", filler=5000)
    name = await read_paper(library, content=content)
    answer = await library.get(f"/documents/{name}/original", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["accept-ranges"] == "bytes"


async def test_original_api_rejects_range_behind_the_end(library: Library) -> None:
    content = pdf("the bytes")
    name = await read_paper(library, content=content)
    for wanted in (f"bytes={len(content)}-", "bytes=-0", f"bytes={10**14}-{10**14 + 1}"):
        answer = await library.get(f"/documents/{name}/original", headers={"Range": wanted})
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
        assert answer.headers["content-range"] == f"bytes */{len(content)}"


async def test_original_api_sends_whole_file_if_it_has_changed(library: Library) -> None:
    content = pdf("the bytes", filler=5000)
    name = await read_paper(library, content=content)
    path = f"/documents/{name}/original"
    etag = (await library.get(path)).headers["etag"]
    for given, length in ((etag, 2), ('"other"', len(content))):
        headers = {"Range": "bytes=0-1", "If-Range": given}
        assert len((await library.get(path, headers=headers)).content) == length


async def test_original_api_returns_404_for_missing_blob(library: Library) -> None:
    name = await read_paper(library)
    for path in blobs(library):
        path.unlink()
    answer = await library.get(f"/documents/{name}/original")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await library.http.head(f"{API}/documents/{name}/original")).status_code == 404


async def test_document_routes_return_404_for_unknown_ids(library: Library) -> None:
    for part in ("", "/chunks", "/original", "/sections", "/references", "/tables", "/text"):
        for name in ("doc_nope", "..%2F..%2Fetc", "%00", "a" * 3000):
            answer = await library.get(f"/documents/{name}{part}")
            assert answer.status_code == 404, (part, name)
            assert answer.headers["content-type"] == "application/problem+json"


async def test_document_deletion_removes_row_vectors_and_blobs(library: Library) -> None:
    name = await read_paper(library, "gone soon")
    answer = await library.http.delete(f"/api/v1/documents/{name}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await library.get(f"/documents/{name}")).status_code == 404
    assert library.deletion_hints == 1
    await library.erase()
    assert library.vectors.chunk_ids(name) == set()
    assert [path.parts[-3] for path in blobs(library)] == ["trash"], "only the PDF, in the trash"
    again = await library.http.delete(f"/api/v1/documents/{name}")
    assert again.status_code == 404


async def test_document_deletion_keeps_pdf_used_by_other_collection(library: Library) -> None:
    first = await read_paper(library, "text", collection="one")
    second = await read_paper(library, "text", collection="two")
    await library.http.delete(f"/api/v1/documents/{first}")
    await library.erase()
    assert not list((library.folder / "blobs").glob("trash/*/*"))
    answer = await library.get(f"/documents/{second}/original")
    assert answer.content == pdf()


async def test_document_deletion_works_without_the_vector_store(
    library: Library, monkeypatch
) -> None:
    name = await read_paper(library, "some words")

    def away(*arguments: object) -> None:
        raise VectorStoreUnavailable

    monkeypatch.setattr(library.vectors, "ping", away)
    monkeypatch.setattr(library.vectors, "delete_versions", away)
    answer = await library.http.delete(f"/api/v1/documents/{name}")
    assert answer.status_code == 204
    assert (await library.search("some words")).json()["hits"] == []
    with pytest.raises(VectorStoreUnavailable):
        await library.erase()
    assert await library.stores.deletions.waiting() == 1


async def test_deletion_cleanup_keeps_later_upload(
    library: Library,
) -> None:
    name = await read_paper(library, "first")
    await library.http.delete(f"/api/v1/documents/{name}")
    assert await read_paper(library, "second") == name
    await library.erase()
    chunks = (await library.get(f"/documents/{name}/chunks")).json()["items"]
    assert [chunk["text"] for chunk in chunks] == ["second"]
    assert (await library.get(f"/documents/{name}/text")).text == "second"
    assert (await library.get(f"/documents/{name}/original")).content == pdf()


async def test_reingest_does_not_restore_concurrently_deleted_document(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await read_paper(library, "text")
    admit = library.stores.jobs.admit

    async def delete_and_admit(*arguments: Any, **options: Any) -> Any:
        assert (await library.http.delete(f"/api/v1/documents/{name}")).status_code == 204
        return await admit(*arguments, **options)

    monkeypatch.setattr(library.stores.jobs, "admit", delete_and_admit)
    answer = await library.http.post(f"/api/v1/documents/{name}/reingest")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await library.get(f"/documents/{name}")).status_code == 404
    assert await library.claim() == []


async def test_collection_deletion_is_complete_and_upload_recreates_it(
    library: Library,
) -> None:
    names = [await read_paper(library, "text", content=pdf(n), collection="one") for n in "ab"]
    other = await read_paper(library, "text", collection="two")
    answer = await library.http.delete("/api/v1/collections/one")
    assert (answer.status_code, answer.content) == (204, b"")
    await library.erase()
    assert [(await library.get(f"/documents/{name}")).status_code for name in names] == [404, 404]
    assert all(library.vectors.chunk_ids(name) == set() for name in names)
    assert (await library.get(f"/documents/{other}")).status_code == 200
    items = (await library.get("/collections")).json()["items"]
    assert [item["name"] for item in items] == ["two"]
    for unknown in ("one", "never"):
        answer = await library.http.delete(f"/api/v1/collections/{unknown}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_collection")
    await read_paper(library, "text", content=pdf("a"), collection="one")
    items = (await library.get("/collections")).json()["items"]
    assert [(item["name"], item["documents"]) for item in items] == [("one", 1), ("two", 1)]


async def test_collection_list_counts_documents(library: Library) -> None:
    await library.upload(pdf("a"), collection="one")
    await library.upload(pdf("b"), collection="one")
    await library.upload(pdf("a"), collection="two")
    items = (await library.get("/collections")).json()["items"]
    assert [(item["name"], item["documents"]) for item in items] == [("one", 2), ("two", 1)]


def blobs(library: Library) -> list[Path]:
    return [path for path in (library.folder / "blobs").rglob("*") if path.is_file()]


async def test_correction_is_used_everywhere_and_can_be_taken_back(library: Library) -> None:
    name = await read_paper(library, "one")
    given = {
        "title": " On  engines ",
        "authors": ["Ada Lovelace"],
        "year": 1843,
        "doi": "10.1234/AB",
    }
    answer = await library.http.patch(f"{API}/documents/{name}", json=given)
    document = answer.json()
    assert (answer.status_code, document["title"], document["year"]) == (200, "On engines", 1843)
    assert document["authors"] == [{"name": "Ada Lovelace", "given": "Ada", "family": "Lovelace"}]
    assert document["doi"] == "10.1234/ab"
    assert document["corrected"] == ["title", "authors", "year", "doi"]
    assert "Lovelace, Ada" in (await library.get(f"/documents/{name}/export?format=bibtex")).text
    restored = {"title": None, "authors": None, "year": None, "doi": None}
    document = (await library.http.patch(f"{API}/documents/{name}", json=restored)).json()
    assert (document["corrected"], document["authors"], document["year"]) == ([], [], None)
    assert (await library.http.patch(f"{API}/documents/{name}", json={})).json() == document


async def test_correction_before_the_reading_is_kept(library: Library) -> None:
    name = (await library.upload(pdf())).json()["document_id"]
    refused = await library.http.patch(f"{API}/documents/{name}", json={"title": None})
    assert (refused.status_code, "no extracted value" in refused.text) == (409, True)
    await library.http.patch(f"{API}/documents/{name}", json={"title": "On engines"})
    await library.read_papers("one")
    assert (await library.get(f"/documents/{name}")).json()["title"] == "On engines"


async def test_document_moves_to_another_collection(library: Library) -> None:
    name = await read_paper(library, "one two")
    given = {"collection": "others", "tags": ["to read"], "year": 1843}
    answer = await library.http.patch(f"{API}/documents/{name}", json=given)
    moved = answer.json()
    assert (answer.status_code, moved["collection"], moved["status"]) == (
        200,
        "others",
        "processing",
    )
    assert (moved["tags"], moved["year"]) == (["to read"], 1843)
    location = f"{API}/documents/{moved['document_id']}"
    assert answer.headers["content-location"] == location
    assert (await library.get(f"/documents/{name}")).status_code == 404
    await library.read_papers("one two")
    found = (await library.http.post(f"{API}/search", json={"query": "one two"})).json()["hits"]
    assert {hit["document_id"] for hit in found} == {moved["document_id"]}
    assert (await library.http.get(location)).json()["year"] == 1843


async def test_move_is_refused_without_a_change(library: Library) -> None:
    name = await read_paper(library, "one")
    other = (await library.upload(pdf(), collection="others")).json()["document_id"]
    before = (await library.get(f"/documents/{name}")).json()
    for collection, status in (("others", 409), ("no/name", 422), (None, 422), ("x" * 129, 422)):
        given = {"collection": collection}
        answer = await library.http.patch(f"{API}/documents/{name}", json=given)
        assert answer.status_code == status, (collection, answer.text)
        assert status != 409 or other in answer.json()["detail"]
    same = {"collection": before["collection"]}
    assert (await library.http.patch(f"{API}/documents/{name}", json=same)).json() == before


@pytest.mark.parametrize(
    "correction",
    [
        {"title": ""},
        {"title": " ."},
        {"title": "x" * 2001},
        {"title": "\x00"},
        {"authors": [","]},
        {"authors": "Ada"},
        {"year": 12},
        {"doi": "doi:10.1234/x"},
        {"abstract": "x"},
    ],
)
async def test_correction_api_rejects_invalid_values(library: Library, correction: Any) -> None:
    name = await read_paper(library, "one")
    answer = await library.http.patch(f"{API}/documents/{name}", json=correction)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    unknown = await library.http.patch(f"{API}/documents/doc_{'0' * 24}", json={"title": "On x"})
    assert unknown.status_code == 404


async def test_body_that_is_not_utf8_is_refused_in_words(library: Library) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await library.http.patch(
        f"{API}/documents/doc_{'0' * 24}", content=b"\xffT\x19", headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert "does not match its Content-Type" in answer.json()["detail"]


async def test_document_is_changed_only_with_its_current_etag(library: Library) -> None:
    name = await read_paper(library, "one")
    address = f"{API}/documents/{name}"
    etag = (await library.http.get(address)).headers["etag"]
    unchanged = await library.http.get(address, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    mine = {"If-Match": etag}
    first = await library.http.patch(address, json={"title": "New words"}, headers=mine)
    assert first.status_code == 200 and first.headers["etag"] != etag
    for method, body in (("PATCH", {"title": "Other words"}), ("DELETE", None)):
        late = await library.http.request(method, address, json=body, headers=mine)
        assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await library.http.get(address)).json()["title"] == "New words"
    current = {"If-Match": first.headers["etag"]}
    assert (await library.http.delete(address, headers=current)).status_code == 204


async def test_tags_are_replaced_and_survive_another_reading(library: Library) -> None:
    name = await read_paper(library, "one")
    address = f"{API}/documents/{name}"
    tagged = await library.http.patch(address, json={"tags": ["to  read", "optics", "optics"]})
    assert tagged.json()["tags"] == ["to read", "optics"]
    assert tagged.json()["corrected"] == []
    await library.http.post(f"{address}/reingest")
    await library.read_papers("two")
    assert (await library.http.get(address)).json()["tags"] == ["to read", "optics"]
    await library.http.patch(address, json={"title": "New words"})
    assert (await library.http.get(address)).json()["tags"] == ["to read", "optics"]
    assert (await library.http.patch(address, json={"tags": None})).json()["tags"] == []
    for bad in ([""], ["x" * 101], ["?"], "optics", ["a"] * 51):
        refused = await library.http.patch(address, json={"tags": bad})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), bad


async def test_document_list_is_ordered_and_filtered(library: Library) -> None:
    papers = {"beta": 2001, "Ädel": 1999, "gamma": None}
    names = {}
    for title, year in papers.items():
        names[title] = await read_paper(library, "one", content=pdf(title))
        change = {"title": title, "year": year} if year else {"title": title}
        await library.http.patch(f"{API}/documents/{names[title]}", json=change)

    async def titles(**params: Any) -> list[str]:
        found, cursor = [], None
        while True:
            after = {"cursor": cursor} if cursor else {}
            page = await library.get("/documents", params={**params, **after, "limit": 2})
            found += [document["title"] for document in page.json()["items"]]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                return found

    assert await titles() == ["gamma", "Ädel", "beta"]
    assert await titles(order="oldest") == ["beta", "Ädel", "gamma"]
    assert await titles(order="title") == ["Ädel", "beta", "gamma"]
    assert await titles(order="year") == ["beta", "Ädel", "gamma"]
    for title, author in (("gamma", "Ada Berg"), ("beta", "Bo Aalto")):
        await library.http.patch(f"{API}/documents/{names[title]}", json={"authors": [author]})
    assert await titles(order="author") == ["beta", "gamma", "Ädel"]
    assert await titles(order="state") == ["gamma", "Ädel", "beta"]
    tagged = f"{API}/documents/{names['beta']}"
    await library.http.patch(
        tagged, json={"tags": ["x"], "authors": ["Ada King"], "doi": "10.1000/B"}
    )
    assert await titles(tag="x") == await titles(author="king") == await titles(doi="10.1000/b")
    assert await titles(tag=["x", "y"]) == []
    added = (await library.http.get(f"{API}/documents/{names['gamma']}")).json()["created_at"]
    assert await titles(since=added) == ["gamma"]
    for bad in (
        {"since": "2020-01-01T00:00:00"},
        {"order": "size"},
        {"cursor": "x", "order": "title"},
        {"cursor": "x", "order": "author"},
        {"cursor": "x", "order": "state"},
    ):
        assert (await library.get("/documents", params=bad)).status_code == 422
