"""Bibliographies and citation links over HTTP, on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

from domain.papers import Metadata
from tests.stores.postgres_library import PostgresLibrary
from tests.unit.serve_app.library import pdf
from tests.unit.serve_app.paper_fixtures import PAPER, add_paper

TABLES = replace(PAPER, metadata=Metadata(title="On tables", doi="10.1000/tables"), references=())


async def test_references_api_returns_parsed_fields_and_linked_documents(
    library: PostgresLibrary,
) -> None:
    name = await add_paper(library)
    before = (await library.get(f"/documents/{name}/references")).json()["references"]
    assert [item["document_id"] for item in before] == [None, None]
    cited = await add_paper(library, TABLES)
    first, second = (await library.get(f"/documents/{name}/references")).json()["references"]
    assert first == {
        "ordinal": 0, "raw": "Babbage, C. On tables. 1827. 10.1000/tables", "page": 2,
        "authors": [{"name": "Babbage, C.", "given": "C.", "family": "Babbage"}],
        "title": "On tables", "venue": "Journal", "year": 1827, "doi": "10.1000/tables",
        "arxiv_id": None, "document_id": cited,
    }  # fmt: skip
    assert (second["authors"], second["title"], second["document_id"]) == ([], None, None)


async def test_citation_links_stay_within_the_collection(library: PostgresLibrary) -> None:
    citing = await add_paper(library)
    cited = await add_paper(library, TABLES)
    await add_paper(library, TABLES, collection="other", content=pdf("other"))

    async def named(document: str, part: str) -> list[str]:
        answer = (await library.get(f"/documents/{document}/{part}")).json()
        return [item["document_id"] for item in answer["documents"]]

    assert await named(citing, "cites") == [cited]
    assert await named(cited, "cited_by") == [citing]
    assert await named(citing, "cited_by") == await named(cited, "cites") == []
    await library.http.delete(f"/api/v1/documents/{cited}")
    assert await named(citing, "cites") == []
