"""What the database knows about the state of the service: open papers by lane, sizes of stores."""

from __future__ import annotations

from sqlalchemy import func, select, text

from domain.documents import DocumentStatus
from domain.system import LaneQueue, StoreTotals
from stores.postgres.database import Database
from stores.postgres.job_status import IS_OPEN, IS_QUEUED, IS_RUNNING
from stores.postgres.schema import DELETIONS, DOCUMENTS, TASKS

LANES = (
    select(
        TASKS.c.lane,
        func.count().filter(IS_QUEUED).label("queued"),
        func.count().filter(IS_RUNNING).label("running"),
        func.min(TASKS.c.created_at).filter(IS_QUEUED).label("waiting_since"),
    )
    .where(IS_OPEN)
    .group_by(TASKS.c.lane)
)
IS_READY = DOCUMENTS.c.status == DocumentStatus.READY
DELETIONS_LEFT = select(func.count()).select_from(DELETIONS).scalar_subquery()
TOTALS = select(
    func.count().label("papers"),
    func.coalesce(func.sum(DOCUMENTS.c.bytes), 0).label("pdf_bytes"),
    func.coalesce(func.sum(DOCUMENTS.c.chunks).filter(IS_READY), 0).label("passages"),
    DELETIONS_LEFT.label("deletions"),
    func.pg_database_size(text("current_database()")).label("database_bytes"),
).where(DOCUMENTS.c.status != DocumentStatus.DELETED)


class SystemQueries:
    """Reads the state of the service. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def lanes(self) -> dict[str, LaneQueue]:
        """Returns the open papers of each lane that has some."""
        async with self.database.single() as connection:
            rows = await connection.execute(LANES)
            return {row.lane: LaneQueue(row.queued, row.running, row.waiting_since) for row in rows}

    async def totals(self) -> StoreTotals:
        """Returns the sizes of the stores. Reads every row of `documents`."""
        async with self.database.single() as connection:
            row = (await connection.execute(TOTALS)).one()
            numbers = {name: int(value) for name, value in row._mapping.items()}
            return StoreTotals(**numbers)
