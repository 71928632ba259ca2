"""Which documents of a collection cite each other: bibliographies against documents, in SQL."""

from __future__ import annotations

from sqlalchemy import text

from stores.postgres.database import Database

# A preprint's DOI says nothing against the same paper under the DOI of a journal.
PREPRINTS = ("10.48550/", "10.1101/", "10.20944/", "10.2139/", "10.21203/", "10.31219/")

# The document that entry `cited` means: by DOI, else arXiv id, else title. One index each; DOIs
# that are both known and differ are two papers of one title (two parts, two editions).
BEST = """
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
    FROM citations AS cited CROSS JOIN LATERAL ({BEST}) AS best
    WHERE cited.document_id = :document_id
""")

# First the entries that could mean the document, by the same three indexes; then those that do.
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
    CROSS JOIN LATERAL ({BEST}) AS best
    WHERE best.document_id = :document_id AND citing.status != 'deleted'
    GROUP BY citing.document_id
    ORDER BY citing.created_at DESC, citing.document_id DESC
""")


class CitationStore:
    """Reads what `stores.postgres.publishing` wrote. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def links(self, document_id: str) -> dict[int, str]:
        """For entries of the document's bibliography, by ordinal: the document they cite.

        Only documents of the same collection that are not deleted, never the document itself;
        entries that cite none of them are left out.
        """
        values = {"document_id": document_id, "preprints": list(PREPRINTS)}
        async with self.database.single() as connection:
            rows = await connection.execute(LINKS, values)
            return {row.ordinal: row.document_id for row in rows}

    async def cited_by(self, document_id: str) -> list[str]:
        """The documents of the same collection whose `links` lead to this one, newest first."""
        values = {"document_id": document_id, "preprints": list(PREPRINTS)}
        async with self.database.single() as connection:
            return list((await connection.execute(CITED_BY, values)).scalars())
