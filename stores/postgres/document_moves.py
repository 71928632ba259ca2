"""Moves of documents to other collections, as parts of a transaction.

The id of a document is derived from its collection and its bytes. A moved document is therefore a
new one that is read again, and the former one is deleted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import Document, DocumentStatus
from domain.errors import Conflict, NotFound
from stores.postgres.audit_log import Action, record_action
from stores.postgres.document_store import delete_documents
from stores.postgres.schema import DOCUMENTS

CARRIED_OVER = (
    "title",
    "title_key",
    "authors",
    "abstract",
    "keywords",
    "doi",
    "arxiv_id",
    "year",
    "venue",
    "language",
    "corrections",
    "tags",
)


async def lock_for_move(connection: AsyncConnection, source: Document, target: str) -> Row[Any]:
    """Locks both documents in order of id, as all transactions do; returns the row of the source.

    Raises NotFound if the source was deleted, and Conflict if the target exists.
    """
    locked = select(DOCUMENTS).where(DOCUMENTS.c.document_id.in_([source.document_id, target]))
    rows = await connection.execute(locked.order_by(DOCUMENTS.c.document_id).with_for_update())
    alive = {row.document_id: row for row in rows if row.status != DocumentStatus.DELETED}
    if source.document_id not in alive:
        raise NotFound(f"There is no document {source.document_id}.")
    if target in alive:
        raise Conflict(
            f"{source.filename!r} is in that collection already, as {target}. Nothing was moved; "
            "delete one of the two documents."
        )
    return alive[source.document_id]


async def finish_move(connection: AsyncConnection, source: Row[Any], target: str) -> None:
    """Gives the target the metadata, corrections and tags of the source, and deletes the source."""
    values = {name: getattr(source, name) for name in CARRIED_OVER}
    of_target = DOCUMENTS.c.document_id == target
    await connection.execute(update(DOCUMENTS).where(of_target).values(values))
    await delete_documents(connection, [source.document_id])
    await record_action(
        connection,
        Action.MOVE_DOCUMENT,
        source.document_id,
        collection=source.collection,
        details={"to": target},
    )
