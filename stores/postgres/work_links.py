"""Finds copies and versions of documents by their indexed keys; nothing about them is stored.

A document that is read, corrected, moved or deleted is therefore linked correctly from then on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus
from domain.papers import Author, Metadata
from domain.same_work import ARXIV_DOI, MAX_CANDIDATES, Work, WorkLinks, is_year_sure, links_of
from stores.postgres.schema import DOCUMENTS, TASKS

# Each condition has an index with the collection. A document with two of the keys is found twice.
SAME_KEY = " UNION ALL ".join(
    f"""(
        SELECT
            one.document_id, one.collection, one.title, one.authors, one.year, one.doi,
            one.arxiv_id, one.abstract, one.quality, one.corrections
        FROM documents AS one
        WHERE one.collection = this.collection AND one.status = 'ready' AND {is_shared}
            AND one.document_id <> this.document_id
        LIMIT {MAX_CANDIDATES}
    )"""
    for is_shared in (
        f"one.doi = ANY (ARRAY[this.doi, '{ARXIV_DOI}' || this.arxiv_id])",
        "one.arxiv_id = this.arxiv_id",
        "title_digest(one.title::text) = title_digest(this.title)",
    )
)
# `:works`: a JSON list of objects with these keys.
CANDIDATES = text(f"""
    SELECT this.document_id AS this_id, found.*
    FROM jsonb_to_recordset(CAST(:works AS jsonb))
        AS this (document_id text, collection text, title text, doi text, arxiv_id text)
    CROSS JOIN LATERAL ({SAME_KEY}) AS found
""")


async def find_links(connection: AsyncConnection, works: Sequence[Work]) -> dict[str, WorkLinks]:
    """Returns the searchable copies and versions of each work, by the id of its document."""
    keys = ("document_id", "collection", "title", "doi", "arxiv_id")
    rows = json.dumps([{key: getattr(work, key) for key in keys} for work in works])
    known = dict[str, Work]()  # papers that share an identifier have the same candidates
    others = defaultdict[str, list[Work]](list)
    if works:
        for row in await connection.execute(CANDIDATES, {"works": rows}):
            if row.document_id not in known:
                known[row.document_id] = _work_of(row)
            others[row.this_id].append(known[row.document_id])
    return {work.document_id: links_of(work, others[work.document_id]) for work in works}


async def find_links_of_tasks(
    connection: AsyncConnection, task_ids: Collection[UUID]
) -> dict[UUID, WorkLinks]:
    """Returns the copies and versions of the searchable documents of these tasks, by task."""
    statement = (
        select(TASKS.c.task_id, DOCUMENTS)
        .join(DOCUMENTS, DOCUMENTS.c.document_id == TASKS.c.document_id)
        .where(TASKS.c.task_id.in_(task_ids), DOCUMENTS.c.status == DocumentStatus.READY)
    )
    works = {row.task_id: _work_of(row) for row in await connection.execute(statement)}
    links = await find_links(connection, list(works.values()))
    return {task_id: links[work.document_id] for task_id, work in works.items()}


def _work_of(row: Any) -> Work:
    authors = tuple(Author(**author) for author in row.authors)
    stated = {name: getattr(row, name) for name in ("title", "abstract", "doi", "arxiv_id")}
    stated["year"] = row.year if is_year_sure(row.quality, row.corrections) else None
    return Work.of(row.document_id, row.collection, Metadata(authors=authors, **stated))
