"""Citations within a collection: matched by DOI, else arXiv id, else title and year."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from domain.jobs import CitationKey, StepResult
from domain.papers import Metadata
from stores.postgres.citation_store import CITED_BY, LINKS, PREPRINTS, CitationStore
from stores.postgres.database import Database
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import admit, claim_one, upload

PLAIN = StepResult(Metadata("A title"), pages=1, chunks=1)


@pytest.fixture
def stores(database: Database) -> Stores:
    return postgres_stores(database)


@pytest.fixture
def citations(database: Database) -> CitationStore:
    return CitationStore(database)


async def add(
    stores: Stores,
    *cited: CitationKey,
    collection: str = "papers",
    title_key: str | None = None,
    **metadata: object,
) -> str:
    """Adds a document with these metadata and bibliography; returns its id."""
    await admit(stores, upload(), collection=collection)
    task = await claim_one(stores)
    said = replace(PLAIN.metadata, **metadata)
    result = replace(PLAIN, metadata=said, title_key=title_key, cited=cited)
    await stores.queue.finish(task, result)
    return task.document_id


async def test_citation_matches_by_doi_then_arxiv_id_then_title(
    stores: Stores, citations: CitationStore
) -> None:
    by_doi = await add(stores, doi="10.1/a")
    by_arxiv = await add(stores, arxiv_id="1706.03762")
    by_title = await add(stores, title_key="attentionisallyouneed", year=2017)
    citing = await add(
        stores,
        CitationKey(0, doi="10.1/a", arxiv_id="1706.03762"),
        CitationKey(1, doi="10.1/unknown", arxiv_id="1706.03762"),
        CitationKey(3, title_key="attentionisallyouneed", year=2018),
        CitationKey(4, title_key="somethingelseentirely"),
        CitationKey(5, doi="10.1/unknown"),
    )
    assert await citations.links(citing) == {0: by_doi, 1: by_arxiv, 3: by_title}
    for cited in (by_doi, by_arxiv, by_title):
        assert await citations.cited_by(cited) == [citing]
    assert await citations.cited_by(citing) == []


async def test_citation_match_by_title_tolerates_one_year(
    stores: Stores, citations: CitationStore
) -> None:
    dated = await add(stores, title_key="thefirstofthetitles", year=2010)
    undated = await add(stores, title_key="thesecondofthetitles")
    citing = await add(
        stores,
        CitationKey(0, title_key="thefirstofthetitles", year=2009),
        CitationKey(1, title_key="thefirstofthetitles", year=2012),
        CitationKey(2, title_key="thefirstofthetitles"),
        CitationKey(3, title_key="thesecondofthetitles", year=1950),
    )
    assert await citations.links(citing) == {0: dated, 2: dated, 3: undated}


async def test_different_dois_do_not_match_unless_preprint(
    stores: Stores, citations: CitationStore
) -> None:
    paper = await add(stores, title_key="handbookofexamples", doi="10.1/part1")
    citing = await add(
        stores,
        CitationKey(0, title_key="handbookofexamples", doi="10.1/part2"),
        CitationKey(1, title_key="handbookofexamples", doi="10.48550/arxiv.1706.03762"),
        CitationKey(2, title_key="handbookofexamples"),
    )
    assert await citations.links(citing) == {1: paper, 2: paper}
    assert await citations.cited_by(paper) == [citing]


async def test_citation_never_matches_itself_or_other_collections(
    stores: Stores, citations: CitationStore
) -> None:
    itself = await add(stores, CitationKey(0, doi="10.1/me"), doi="10.1/me")
    elsewhere = await add(stores, doi="10.1/there", collection="other")
    citing = await add(stores, CitationKey(0, doi="10.1/there"))
    assert await citations.links(itself) == {}
    assert await citations.cited_by(itself) == []
    assert await citations.links(citing) == {}
    assert await citations.cited_by(elsewhere) == []


async def test_deleted_documents_have_no_citations(
    stores: Stores, citations: CitationStore
) -> None:
    cited = await add(stores, doi="10.1/a")
    one = await add(stores, CitationKey(0, doi="10.1/a"))
    two = await add(stores, CitationKey(0, doi="10.1/a"), CitationKey(1, doi="10.1/a"))
    assert await citations.cited_by(cited) == [two, one]
    await stores.documents.delete(two)
    assert await citations.cited_by(cited) == [one]
    await stores.documents.delete(cited)
    assert await citations.links(one) == {}
    assert await citations.cited_by(cited) == []


async def test_cited_by_counts_best_match_only(stores: Stores, citations: CitationStore) -> None:
    preprint = await add(stores, title_key="onepaperintwoforms", doi="10.1101/1")
    journal = await add(stores, title_key="onepaperintwoforms", doi="10.1/journal")
    citing = await add(stores, CitationKey(0, title_key="onepaperintwoforms", doi="10.1/journal"))
    assert await citations.links(citing) == {0: journal}
    assert await citations.cited_by(preprint) == []
    assert await citations.cited_by(journal) == [citing]


async def test_citations_of_unknown_document_are_empty(
    stores: Stores, citations: CitationStore
) -> None:
    assert await citations.links("doc_unknown") == {}
    assert await citations.cited_by("doc_unknown") == []


@pytest.mark.parametrize("statement", [LINKS, CITED_BY], ids=["links", "cited_by"])
async def test_citation_queries_use_indexes(database: Database, statement: object) -> None:
    async with database.begin() as connection:
        for filling in A_FULL_LIBRARY.split(";"):
            await connection.execute(text(filling))
    async with database.begin() as connection:
        values = {"document_id": "doc_7", "preprints": list(PREPRINTS)}
        rows = await connection.execute(text(f"EXPLAIN {statement}"), values)
        plan = "\n".join(rows.scalars())
    for index in ("documents_by_doi", "documents_by_arxiv_id", "documents_by_title"):
        assert index in plan
    assert "Seq Scan" not in plan


A_FULL_LIBRARY = """
    INSERT INTO collections (name) VALUES ('papers');
    INSERT INTO documents (document_id, collection, sha256, filename, bytes, doi, arxiv_id,
        title_key)
    SELECT 'doc_' || n, 'papers', n, n, 1, '10.1/' || n, n, 'title' || n
    FROM generate_series(1, 5000) AS n;
    INSERT INTO citations (document_id, ordinal, collection, doi, arxiv_id, title_key)
    SELECT 'doc_' || n / 10, n % 10, 'papers', '10.1/' || n, n, 'title' || n
    FROM generate_series(10, 20000) AS n;
    ANALYZE
"""
