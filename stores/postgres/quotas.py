"""Refuses uploads beyond the quota of their collection before their PDFs are stored.

The trigger of migration 0013 decides when concurrent uploads pass this check together.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from sqlalchemy import text

from domain.collection_names import name_of
from domain.documents import document_id
from domain.errors import QuotaExceeded
from domain.jobs import Upload
from stores.postgres.database import Database

UNLIMITED_SECONDS = 1.0  # how long a collection counts as one without a quota
KNOWN_COLLECTIONS = 1000  # of the cache; bounded because clients choose the names

# A file that is in the collection already adds nothing.
USE_AFTER_UPLOAD = text("""
    SELECT max_papers, max_bytes, used.papers + new.papers, used.bytes + new.bytes, new.papers
    FROM collections CROSS JOIN LATERAL (
        SELECT count(*) AS papers, coalesce(sum(bytes), 0) AS bytes FROM documents
        WHERE collection = name AND status <> 'deleted'
    ) AS used CROSS JOIN LATERAL (
        SELECT count(*) AS papers, coalesce(sum(size), 0) AS bytes
        FROM unnest(CAST(:ids AS text[]), CAST(:sizes AS bigint[])) AS upload (id, size)
        WHERE NOT EXISTS (
            SELECT FROM documents WHERE document_id = upload.id AND status <> 'deleted'
        )
    ) AS new
    WHERE name = :collection AND (max_papers IS NOT NULL OR max_bytes IS NOT NULL)
""")


class QuotaCheck:
    """Checks quotas; asks the database once per UNLIMITED_SECONDS for collections without one."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._unlimited_until: dict[str, float] = {}

    async def check(self, collection: str, uploads: Sequence[Upload]) -> None:
        """Raises QuotaExceeded if the collection may not hold these uploads too."""
        if self._unlimited_until.get(collection, 0) > monotonic():
            return
        unique = {document_id(collection, one.sha256): one.bytes for one in uploads}
        given = {"collection": collection, "ids": list(unique), "sizes": list(unique.values())}
        async with self.database.single() as connection:
            found = (await connection.execute(USE_AFTER_UPLOAD, given)).first()
        if found is None:
            self._remember(collection)
            return
        max_papers, max_bytes, papers, size, new_papers = found
        is_over = [
            limit is not None and used > limit
            for limit, used in ((max_papers, papers), (max_bytes, size))
        ]
        if new_papers and any(is_over):
            raise QuotaExceeded.of(name_of(collection), max_papers, max_bytes)

    def _remember(self, collection: str) -> None:
        if len(self._unlimited_until) >= KNOWN_COLLECTIONS:
            self._unlimited_until.clear()
        self._unlimited_until[collection] = monotonic() + UNLIMITED_SECONDS
