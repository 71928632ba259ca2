"""The usual upload: papers that the collection does not have yet, admitted by one statement.

An acknowledgement waits for little else than this, so it takes one round trip with a prepared
statement. Whatever is not usual (a duplicate, a job in parts) goes the long way of `JobStore.admit`
in a transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import asyncpg

from domain.documents import document_id
from domain.jobs import Admission, Lane, Upload, new_job_id
from stores.postgres.database import Database

# All or nothing: where one of the documents is known already, `new` is empty and nothing is made.
MAKE_ALL = """
    WITH new AS (
        SELECT * FROM unnest($6::uuid[], $7::text[], $8::text[], $9::text[], $10::bigint[])
        WITH ORDINALITY AS new (task_id, document_id, sha256, filename, bytes, place)
        WHERE NOT EXISTS (SELECT FROM documents WHERE document_id = ANY ($7))
    ), collection AS (
        INSERT INTO collections (name) SELECT $2 FROM new LIMIT 1 ON CONFLICT DO NOTHING
    ), made AS (
        INSERT INTO documents (document_id, collection, sha256, filename, bytes)
        SELECT document_id, $2, sha256, filename, bytes FROM new ORDER BY document_id
    ), job AS (
        INSERT INTO jobs (job_id, kind, lane, collection) SELECT $1, $3, $4, $2 FROM new LIMIT 1
    )
    INSERT INTO tasks (
        task_id, job_id, ordinal, document_id, collection, version, sha256, filename, lane, urgent,
        max_attempts
    )
    SELECT
        task_id, $1, place - 1, document_id, $2, 1, sha256, filename, $4, $4 = 'interactive', $5
    FROM new
    RETURNING task_id
"""


async def admit_new(
    database: Database,
    collection: str,
    uploads: Sequence[Upload],
    kind: str,
    lane: Lane,
    max_attempts: int,
) -> list[Admission]:
    """What became of each upload, in order; [] and no trace when one of them is not new."""
    documents = [document_id(collection, upload.sha256) for upload in uploads]
    if len(set(documents)) < len(documents):
        return []
    job_id, tasks = new_job_id(), [uuid.uuid4() for _ in uploads]
    digests = [upload.sha256 for upload in uploads]
    names = [upload.filename for upload in uploads]
    sizes = [upload.bytes for upload in uploads]
    job = (job_id, collection, kind, lane, max_attempts)
    try:
        async with database.driver() as connection:
            made = await connection.fetch(MAKE_ALL, *job, tasks, documents, digests, names, sizes)
    except asyncpg.UniqueViolationError:  # somebody was faster with the same bytes
        return []
    admissions = map(Admission, [job_id] * len(uploads), tasks, documents, names)
    return list(admissions) if made else []
