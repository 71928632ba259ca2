"""Exports of documents and collections."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from serve_app.api.bibliography import MAX_DOCUMENTS
from serve_app.library import bibliography
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import METADATA, PAPER, add_paper


async def test_export_defaults_to_markdown(library: Library) -> None:
    name = await add_paper(library)
    plain = await library.get(f"/documents/{name}/export")
    assert plain.text == (await library.get(f"/documents/{name}/markdown")).text
    assert plain.headers["content-type"] == "text/markdown; charset=utf-8"


async def test_export_writes_bibtex_and_csl(library: Library) -> None:
    name = await add_paper(library)
    bibtex = await library.get(f"/documents/{name}/export?format=bibtex")
    assert bibtex.headers["content-type"] == "application/x-bibtex; charset=utf-8"
    assert 'filename="engine.bib"' in bibtex.headers["content-disposition"]
    assert bibtex.text.startswith("@misc{lovelace1843notes,\n")
    assert "author = {Lovelace, Ada and {The Engine Group}}" in bibtex.text
    csl = await library.get(f"/documents/{name}/export?format=csl")
    assert csl.headers["content-type"] == "application/vnd.citationstyles.csl+json"
    [item] = csl.json()
    assert (item["id"], item["DOI"]) == (name, "10.1000/notes")
    assert item["issued"] == {"date-parts": [[1843]]}


async def test_json_export_contains_all_extracted_content(library: Library) -> None:
    name = await add_paper(library)
    answer = await library.get(f"/documents/{name}/export?format=json")
    assert answer.headers["content-type"] == "application/json"
    assert 'filename="engine.json"' in answer.headers["content-disposition"]
    everything = answer.json()
    assert everything["document"] == (await library.get(f"/documents/{name}")).json()
    every = (await library.get(f"/documents/{name}/sections?headings=all")).json()["sections"]
    assert everything["sections"] == every
    for part in ("tables", "figures", "references"):
        listed = (await library.get(f"/documents/{name}/{part}")).json()[part]
        assert everything[part] == listed
        assert listed
    assert everything["pages"][1] == {"number": 2, "width": 300, "height": 400}
    block = everything["blocks"][1]
    assert (block["kind"], block["section"]) == ("text", 0)
    assert block["text"] == "Looms weave <b>flowers</b>."
    assert block["boxes"][0]["x1"] == 250


async def test_export_rejects_unknown_format(library: Library) -> None:
    name = await add_paper(library)
    for path in (f"/documents/{name}/export", "/collections/default/export"):
        answer = await library.get(f"{path}?format=docx")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "format")


async def test_collection_export_has_unique_citation_keys(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bibliography, "PAGE", 2)
    await add_paper(library)
    await add_paper(library, content=pdf("same"))
    other = replace(PAPER, metadata=replace(METADATA, title="Weaving", year=None))
    await add_paper(library, other)
    await add_paper(library, content=pdf("third"))
    await add_paper(library, collection="elsewhere", content=pdf("elsewhere"))
    await library.upload(pdf("not read yet"))
    answer = await library.get("/collections/default/export")
    assert answer.headers["content-type"] == "application/x-bibtex; charset=utf-8"
    assert 'filename="default.bib"' in answer.headers["content-disposition"]
    keys = re.findall(r"^@misc\{(.+),$", answer.text, re.MULTILINE)
    assert keys == [
        "lovelace1843notes-3", "lovelacendweaving", "lovelace1843notes-2", "lovelace1843notes",
    ]  # fmt: skip
    assert answer.text.count("\n\n@misc") == 3
    assert answer.text.endswith("}\n")


async def test_collection_export_keeps_keys_after_later_upload(library: Library) -> None:
    await add_paper(library)
    before = (await library.get("/collections/default/export?format=bibtex")).text
    await add_paper(library, content=pdf("same"))
    after = (await library.get("/collections/default/export?format=bibtex")).text
    assert after.endswith(before)


async def test_collection_export_of_empty_and_unknown_collections(library: Library) -> None:
    await library.upload(pdf())
    assert (await library.get("/collections/default/export")).text == ""
    answer = await library.get("/collections/nowhere/export")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_collection")
    assert "'nowhere'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("chosen", "media_type"),
    [
        ("bibtex", "application/x-bibtex"),
        ("ris", "application/x-research-info-systems"),
        ("csl", "application/vnd.citationstyles.csl+json"),
    ],
)
async def test_bibliography_formats_agree_for_paper_selection_and_collection(
    library: Library, chosen: str, media_type: str
) -> None:
    name = await add_paper(library)
    other = (await library.upload(pdf("unread"))).json()["document_id"]
    paths = (
        f"/documents/{name}/export",
        f"/bibliography?document_id={name}&document_id={other}&document_id=doc_{'0' * 24}",
        "/collections/default/export",
    )
    answers = [
        await library.get(f"{path}{'&' if '?' in path else '?'}format={chosen}") for path in paths
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.headers["content-type"].split(";")[0] for answer in answers} == {media_type}
    assert len({answer.text for answer in answers}) == 1
    assert "Notes on the Engine" in answers[0].text


async def test_csl_bibliography_of_several_papers_is_a_list(library: Library) -> None:
    for content in (pdf("one"), pdf("two")):
        await add_paper(library, content=content)
    for path in ("/collections/default/export", "/collections/empty/export"):
        await library.upload(pdf("unread"), collection="empty")
        items = json.loads((await library.get(f"{path}?format=csl")).text)
        assert len(items) == (2 if "default" in path else 0)


async def test_bibliography_of_collections_has_unique_keys(library: Library) -> None:
    first = await add_paper(library, content=pdf("one"), collection="a")
    for content, collection in ((pdf("two"), "a"), (pdf("three"), "b")):
        await add_paper(library, content=content, collection=collection)
    chosen = {"document_id": first, "collection": ["b", "a", "b"]}
    text = (await library.get("/bibliography", params=chosen)).text
    keys = re.findall(r"@\w+\{([^,]+),", text)
    assert sorted(keys) == [
        "lovelace1843notes",
        "lovelace1843notes-2",
        "lovelace1843notes-3",
    ]
    assert keys[0] == "lovelace1843notes"  # of the earliest upload, which was chosen
    unknown = await library.get("/bibliography", params={"collection": ["a", "nowhere"]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_collection")


@pytest.mark.parametrize(("count", "status"), [(MAX_DOCUMENTS, 200), (MAX_DOCUMENTS + 1, 422)])
async def test_bibliography_of_too_many_papers_is_refused(
    library: Library, count: int, status: int
) -> None:
    ids = [f"doc_{number:024x}" for number in range(count)]
    answer = await library.get("/bibliography", params={"document_id": ids})
    assert answer.status_code == status
    assert len(answer.request.url.raw_path) < 9_000


@pytest.mark.parametrize("query", ["", "?document_id=x", "?document_id=" + "doc_" + "0" * 23])
async def test_bibliography_rejects_invalid_ids(library: Library, query: str) -> None:
    assert (await library.get(f"/bibliography{query}")).status_code == 422
