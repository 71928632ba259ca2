"""Resolves citations between documents of a collection, by matching bibliographies in SQL."""

from __future__ import annotations

from sqlalchemy import text

from stores.postgres.database import Database

# DOI prefixes of preprint servers. A preprint and its journal version have different DOIs.
PREPRINTS = ("10.48550/", "10.1101/", "10.20944/", "10.2139/", "10.21203/", "10.31219/")

# The document that the bibliography entry `cited` refers to: by DOI, else arXiv id, else title,
# each with an index. If both DOIs are known and differ, these are two papers with the same title
# (two parts, two editions).
BEST_MATCH = """
    SELECT found.document_id FROM (
        SELECT 1 AS rank, document_id FROM documents
        WHERE collection = cited.collection AND doi = cited.doi
            AND document_id != cited.document_id AND status != 'deleted'
        UNION ALL
        SELECT 2, document_id FROM documents
        WHERE collection = cited.collection AND arxiv_id = cited.arxiv_id
            AND document_id != cited.document_id AND status != 'deleted'
        UNION ALL
        SELECT 3, document_id FROM documents
        WHERE collection = cited.collection AND title_key = cited.title_key
            AND document_id != cited.document_id AND status != 'deleted'
            AND coalesce(abs(year - cited.year) <= 1, true)
            AND coalesce(
                doi = cited.doi OR doi ^@ ANY (:preprints) OR cited.doi ^@ ANY (:preprints), true
            )
    ) AS found ORDER BY found.rank, found.document_id LIMIT 1
"""

LINKS = text(f"""
    SELECT cited.ordinal, best.document_id
    FROM citations AS cited CROSS JOIN LATERAL ({BEST_MATCH}) AS best
    WHERE cited.document_id = :document_id
""")

# First selects candidate entries by the same three indexes, then keeps those whose best match is
# this document.
CITED_BY = text(f"""
    WITH this AS (
        SELECT * FROM documents WHERE document_id = :document_id AND status != 'deleted'
    ), candidates AS (
        SELECT c.* FROM this JOIN citations AS c
            ON c.collection = this.collection AND c.doi = this.doi
        UNION
        SELECT c.* FROM this JOIN citations AS c
            ON c.collection = this.collection AND c.arxiv_id = this.arxiv_id
        UNION
        SELECT c.* FROM this JOIN citations AS c
            ON c.collection = this.collection AND c.title_key = this.title_key
    )
    SELECT citing.document_id
    FROM candidates AS cited
    JOIN documents AS citing ON citing.document_id = cited.document_id
    CROSS JOIN LATERAL ({BEST_MATCH}) AS best
    WHERE best.document_id = :document_id AND citing.status != 'deleted'
    GROUP BY citing.document_id
    ORDER BY citing.created_at DESC, citing.document_id DESC
""")


class CitationStore:
    """Reads the citations that `stores.postgres.publishing` wrote. Safe for concurrent use."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def links(self, document_id: str) -> dict[int, str]:
        """Returns the ids of cited documents, by ordinal of the bibliography entry.

        Contains only documents of the same collection that are not deleted, and never the document
        itself. Entries without a match are omitted.
        """
        values = {"document_id": document_id, "preprints": list(PREPRINTS)}
        async with self.database.single() as connection:
            rows = await connection.execute(LINKS, values)
            return {row.ordinal: row.document_id for row in rows}

    async def cited_by(self, document_id: str) -> list[str]:
        """Returns ids of documents of the collection whose `links` contain it, newest first."""
        values = {"document_id": document_id, "preprints": list(PREPRINTS)}
        async with self.database.single() as connection:
            return list((await connection.execute(CITED_BY, values)).scalars())
