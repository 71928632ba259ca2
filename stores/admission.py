"""Which document an upload becomes: a new one, one that is here already, or a new version of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus, document_id
from domain.errors import Conflict
from domain.jobs import OnDuplicate, Upload
from stores.tables import COLLECTIONS, DOCUMENTS

PRESENT = (DocumentStatus.READY, DocumentStatus.PROCESSING)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an upload belongs. `needs_work` is False when the document can be searched as it is."""

    document_id: str
    version: int
    needs_work: bool
    was_here: bool
    pages: int | None = None
    chunks: int = 0


def check_rejected(was_here: bool, document: str, upload: Upload, policy: OnDuplicate) -> None:
    """Raises Conflict when the document is here and the request said to reject duplicates."""
    if was_here and policy == OnDuplicate.REJECT:
        raise Conflict(
            f"{upload.filename!r} is in the collection already, as {document}. Nothing of this request "
            "was admitted: leave that file out, or send on_duplicate=return or on_duplicate=reprocess."
        )


async def find_places(
    connection: AsyncConnection,
    collection: str,
    uploads: Sequence[Upload],
    policy: OnDuplicate,
) -> list[Place]:
    """The place of each upload, in order; rows are made or locked until the transaction ends. Raises Conflict."""
    await connection.execute(insert(COLLECTIONS).values(name=collection).on_conflict_do_nothing())
    new = {
        document_id(collection, upload.sha256): _new_row(collection, upload) for upload in uploads
    }
    # In order of id, so that two requests with the same files wait for each other instead of deadlocking.
    rows = [new[name] for name in sorted(new)]
    made = await connection.execute(
        insert(DOCUMENTS).values(rows).on_conflict_do_nothing().returning(DOCUMENTS.c.document_id)
    )
    fresh = set(made.scalars())
    locked = await connection.execute(
        select(DOCUMENTS)
        .where(DOCUMENTS.c.document_id.in_(new))
        .order_by(DOCUMENTS.c.document_id)
        .with_for_update()
    )
    known = {row.document_id: row for row in locked}
    places = []
    for upload in uploads:
        row = known[document_id(collection, upload.sha256)]
        places.append(await _place(connection, row, upload, row.document_id in fresh, policy))
        fresh.discard(row.document_id)
    return places


def _new_row(collection: str, upload: Upload) -> dict[str, Any]:
    return {
        "document_id": document_id(collection, upload.sha256),
        "collection": collection,
        "sha256": upload.sha256,
        "filename": upload.filename,
        "bytes": upload.bytes,
        "status": DocumentStatus.PROCESSING,
        "version": 1,
        "latest_version": 1,
        "chunks": 0,
        "sections": 0,
        "references": 0,
    }


async def _place(
    connection: AsyncConnection, row: Row[Any], upload: Upload, is_new: bool, policy: OnDuplicate
) -> Place:
    was_here = row.status in PRESENT and not is_new
    check_rejected(was_here, row.document_id, upload, policy)
    if row.status == DocumentStatus.READY and policy == OnDuplicate.RETURN:
        return Place(row.document_id, row.version, False, True, row.pages, row.chunks)
    if row.status == DocumentStatus.PROCESSING:
        return Place(row.document_id, row.latest_version, True, was_here)
    version = await _next_version(connection, row, upload)
    return Place(row.document_id, version, True, was_here)


async def _next_version(connection: AsyncConnection, row: Row[Any], upload: Upload) -> int:
    """One more version; a document that could not be searched starts over under the new filename."""
    values: dict[str, Any] = {"latest_version": DOCUMENTS.c.latest_version + 1}
    if row.status != DocumentStatus.READY:
        values |= {
            "status": DocumentStatus.PROCESSING,
            "version": DOCUMENTS.c.latest_version + 1,
            "filename": upload.filename,
            "deleted_at": None,
        }
    bumped = await connection.execute(
        update(DOCUMENTS)
        .where(DOCUMENTS.c.document_id == row.document_id)
        .values(**values)
        .returning(DOCUMENTS.c.latest_version)
    )
    return bumped.scalar_one()
