"""The event log locks a job and updates it in two statements, to avoid a deadlock.

A statement that locks a row with FOR NO KEY UPDATE and then updates it reaches the row through the
version in its snapshot. If another transaction has updated the row since, the lock is taken on the
newest version, but the update requests the tuple lock of the old version. A third transaction that
waits for the row holds this tuple lock (src/backend/access/heap/README.tuplock), so that the two
wait for each other. The second statement has a snapshot that contains the newest version.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CAME = "SELECT *, NULL AS before FROM new_tasks"
MOVED = """
    SELECT task.*, was.status AS before
    FROM new_tasks AS task JOIN old_tasks AS was ON was.task_id = task.task_id
    WHERE was.status <> task.status
    OR (was.searchable_at IS NULL AND task.searchable_at IS NOT NULL)
"""
LOCK = """
            PERFORM job_id FROM jobs WHERE job_id IN (SELECT job_id FROM ({moves}) AS moves)
            ORDER BY job_id FOR NO KEY UPDATE;
"""
LOCK_IN_SAME_STATEMENT = """, locked AS (
                SELECT job_id FROM jobs WHERE job_id IN (SELECT job_id FROM moves)
                ORDER BY job_id FOR NO KEY UPDATE
            )"""


def upgrade() -> None:
    for function, moves in (("note_new_tasks", CAME), ("note_moved_tasks", MOVED)):
        _replace(function, moves, lock=LOCK.format(moves=moves))


def downgrade() -> None:
    for function, moves in (("note_new_tasks", CAME), ("note_moved_tasks", MOVED)):
        _replace(function, moves, locked=LOCK_IN_SAME_STATEMENT, join="JOIN locked USING (job_id)")


def _replace(function: str, moves: str, lock: str = "", locked: str = "", join: str = "") -> None:
    """Replaces the trigger function that numbers and records the transitions of one statement.

    Locks the job rows until the transaction ends, so that numbers are in commit order: a reader
    that has seen an event has seen all earlier ones. Jobs are locked in order of id, so that two
    claims that share jobs do not deadlock.
    """
    op.execute(f"""
        CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {lock}
            WITH moves AS ({moves}){locked}, few AS (
                SELECT job_id, count(*)::int AS count FROM moves {join} GROUP BY job_id
            ), counted AS (
                UPDATE jobs SET events = jobs.events + few.count
                FROM few WHERE jobs.job_id = few.job_id
                RETURNING jobs.job_id, jobs.events - few.count AS already
            )
            INSERT INTO job_events
                (job_id, number, task_id, before, after, step, attempt, searchable, error)
            SELECT
                job_id, already + row_number() OVER (PARTITION BY job_id ORDER BY ordinal),
                task_id, before, status, step, attempt, searchable_at IS NOT NULL, error
            FROM moves JOIN counted USING (job_id);
            RETURN NULL;
        END $$
    """)
