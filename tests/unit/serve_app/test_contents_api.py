"""Extracted content over HTTP: metadata, text, sections, tables."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from domain.papers import Metadata
from extraction.serialization import load_paper
from serve_app.library.papers import PaperCache
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import PAPER, QUALITY_REPORT, add_paper

PARTS = (
    "/text", "/markdown", "/sections", "/tables", "/tables/1.csv", "/tables/1.html", "/figures",
    "/figures/1.png", "/references", "/cites", "/cited_by", "/similar", "/export",
    "/export?format=json", "/export?format=bibtex", "/export?format=csl",
)  # fmt: skip


async def test_document_api_returns_all_metadata(library: Library) -> None:
    name = await add_paper(library, needs_review=True)
    document = (await library.get(f"/documents/{name}")).json()
    assert document["title"] == "Notes on the Engine"
    assert document["authors"] == [
        {"name": "Ada Lovelace", "given": "Ada", "family": "Lovelace"},
        {"name": "The Engine Group", "given": None, "family": None},
    ]
    assert document["abstract"] == "The engine weaves patterns."
    assert (document["doi"], document["arxiv_id"]) == ("10.1000/notes", "1843.00001")
    assert (document["year"], document["language"]) == (1843, "en")
    assert document["keywords"] == ["engines", "weaving"]
    assert document["counts"] == {
        "chunks": 1, "sections": 2, "tables": 1, "figures": 1, "references": 2,
    }  # fmt: skip
    assert document["quality"] == QUALITY_REPORT
    assert document["needs_review"] is True


async def test_document_api_returns_null_for_missing_metadata(library: Library) -> None:
    bare = replace(PAPER, metadata=Metadata(), tables=(), figures=())
    name = await add_paper(library, bare, tables=None, figures=None, quality={})
    document = (await library.get(f"/documents/{name}")).json()
    for field in ("title", "abstract", "doi", "arxiv_id", "year", "language"):
        assert document[field] is None
    assert (document["authors"], document["keywords"]) == ([], [])
    assert document["counts"]["tables"] is document["counts"]["figures"] is None
    assert (document["quality"], document["needs_review"]) == ({}, False)


async def test_document_list_filters_by_needs_review(library: Library) -> None:
    good = await add_paper(library)
    bad = await add_paper(library, content=pdf("bad"), needs_review=True)

    async def listed(query: str) -> list[str]:
        items = (await library.get(f"/documents{query}")).json()["items"]
        return [document["document_id"] for document in items]

    assert await listed("?needs_review=true") == [bad]
    assert await listed("?needs_review=false") == [good]
    assert await listed("") == [bad, good]
    assert (await library.get("/documents?needs_review=perhaps")).status_code == 422


async def test_contents_api_returns_text_and_markdown(library: Library) -> None:
    name = await add_paper(library)
    text = await library.get(f"/documents/{name}/text")
    assert text.text == "1 Looms\n\nLooms weave <b>flowers</b>."
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    markdown = await library.get(f"/documents/{name}/markdown")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert 'filename="engine.md"' in markdown.headers["content-disposition"]
    assert markdown.text.startswith("# Notes on the Engine\n")
    assert "## 1 Looms" in markdown.text
    assert "<b>" not in markdown.text


async def test_sections_api_returns_roles_and_boxes(library: Library) -> None:
    name = await add_paper(library)
    [own] = (await library.get(f"/documents/{name}/sections")).json()["sections"]
    every = await library.get(f"/documents/{name}/sections?headings=all")
    first, last = every.json()["sections"]
    assert own == first
    assert first == {
        "ordinal": 0, "level": 1, "number": "1", "title": "Looms", "page": 1, "role": "body",
        "box": {"page": 1, "x0": 50, "y0": 100, "x1": 250, "y1": 120},
    }  # fmt: skip
    assert (last["role"], last["number"], last["level"]) == ("references", None, 2)


async def test_tables_api_returns_spanning_cells_and_boxes(library: Library) -> None:
    name = await add_paper(library)
    answer = (await library.get(f"/documents/{name}/tables")).json()
    assert answer["read"] is True
    [table] = answer["tables"]
    assert (table["number"], table["label"], table["caption"]) == (1, "Table 1", "Looms & cards")
    head = {"colspan": 1, "rowspan": 1, "header": True}
    assert table["rows"] == [
        [{"text": "Loom", **head}, {"text": "Cards", **head}],
        ["=HYPERLINK(1)", "1,204"],
        [{"text": "both", "colspan": 2, "rowspan": 1, "header": False}],
    ]
    assert table["page"] == table["box"]["page"] == 1
    assert [box["page"] for box in table["boxes"]] == [1, 2]
    assert (table["source"], table["notes"]) == ("ruled", "Counted twice.")
    assert "1,204" in table["markdown"]


async def test_table_api_exports_csv_and_html(library: Library) -> None:
    name = await add_paper(library)
    csv = await library.get(f"/documents/{name}/tables/1.csv")
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="engine-table-1.csv"' in csv.headers["content-disposition"]
    assert csv.text == 'Loom,Cards\r\n\'=HYPERLINK(1),"1,204"\r\nboth,\r\n'
    html = await library.get(f"/documents/{name}/tables/1.html")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    policy = "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert html.headers["content-security-policy"] == policy
    assert '<td colspan="2">both</td>' in html.text
    assert "Looms &amp; cards" in html.text


@pytest.mark.parametrize("part", ["tables/2.csv", "tables/2.html", "figures/2.png"])
async def test_contents_api_reports_number_of_available_parts(library: Library, part: str) -> None:
    name = await add_paper(library)
    answer = await library.get(f"/documents/{name}/{part}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "it has 1." in answer.json()["detail"]
    odd = await library.get(f"/documents/{name}/{part.replace('2', 'two')}")
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "number")
    assert (await library.get(f"/documents/{name}/{part.replace('2', '0')}")).status_code == 422


async def test_contents_api_reports_parts_not_extracted_yet(library: Library) -> None:
    early = replace(PAPER, tables=(), figures=())
    name = await add_paper(library, early, tables=None, figures=None)
    assert (await library.get(f"/documents/{name}/tables")).json() == {"tables": [], "read": False}
    for part in ("tables/1.csv", "figures/1.png"):
        answer = await library.get(f"/documents/{name}/{part}")
        assert answer.status_code == 404
        assert "have not been extracted yet" in answer.json()["detail"]


@pytest.mark.parametrize("part", PARTS)
async def test_contents_api_rejects_unknown_and_unread_documents(
    library: Library, part: str
) -> None:
    answer = await library.get(f"/documents/doc_nope{part}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    name = (await library.upload(pdf())).json()["document_id"]
    answer = await library.get(f"/documents/{name}{part}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "has not been read yet" in answer.json()["detail"]
    await library.fail_papers()
    answer = await library.get(f"/documents/{name}{part}")
    assert answer.status_code == 409
    assert "could not be read" in answer.json()["detail"]


async def test_paper_cache_parses_once_for_concurrent_requests(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await add_paper(library)
    parsed = []

    def count(data: bytes) -> object:
        parsed.append(data)
        return load_paper(data)

    monkeypatch.setattr("serve_app.library.papers.load_paper", count)
    asked = [library.get(f"/documents/{name}/{part}") for part in ("text", "tables", "figures")]
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200, 200, 200]
    await library.get(f"/documents/{name}/sections")
    assert len(parsed) == 1


async def test_paper_cache_evicts_oldest_and_keeps_no_failures(library: Library) -> None:
    cache = PaperCache(max_papers=2)
    for name in ("a", "b", "c"):
        with pytest.raises(Exception, match="not in the file store"):
            await cache.get(library.blobs, name)
    assert not cache._papers
    await add_paper(library)
    keys = [stored.artifact_key for stored in library.stores.state.entries.values()]
    assert keys[0] is not None
    data = library.blobs.read(keys[0])
    for name in ("a", "b", "c"):
        library.blobs.put_artifact(name, data)
        assert await cache.get(library.blobs, name) == PAPER
    assert list(cache._papers) == ["b", "c"]
