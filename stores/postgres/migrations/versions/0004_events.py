"""The event log of each job, written by triggers, so that every state transition is recorded."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CAME = "SELECT *, NULL AS before FROM new_tasks"
MOVED = """
    SELECT task.*, was.status AS before
    FROM new_tasks AS task JOIN old_tasks AS was ON was.task_id = task.task_id
    WHERE was.status <> task.status
    OR (was.searchable_at IS NULL AND task.searchable_at IS NOT NULL)
"""


def upgrade() -> None:
    op.add_column(
        "jobs", sa.Column("events", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    _make_events()
    _write_down("note_new_tasks", CAME)
    _write_down("note_moved_tasks", MOVED)
    op.execute("""
        CREATE TRIGGER new_tasks AFTER INSERT ON tasks REFERENCING NEW TABLE AS new_tasks
        FOR EACH STATEMENT EXECUTE FUNCTION note_new_tasks()
    """)
    op.execute("""
        CREATE TRIGGER moved_tasks AFTER UPDATE ON tasks
        REFERENCING OLD TABLE AS old_tasks NEW TABLE AS new_tasks
        FOR EACH STATEMENT EXECUTE FUNCTION note_moved_tasks()
    """)
    _write_down_jobs()


def _make_events() -> None:
    op.create_table(
        "job_events",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("task_id", sa.Uuid()),
        sa.Column("before", sa.String()),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("step", sa.String()),
        sa.Column("attempt", sa.Integer()),
        sa.Column("searchable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("error", postgresql.JSONB(none_as_null=True)),
        sa.PrimaryKeyConstraint("job_id", "number"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"]),
    )


def _write_down(function: str, moves: str) -> None:
    """Creates a trigger function that numbers and records the transitions of one statement.

    Locks the job row until the transaction ends, so that numbers are in commit order: a reader that
    has seen an event has seen all earlier ones. Jobs are locked in order of id, so that two claims
    that share jobs do not deadlock.
    """
    op.execute(f"""
        CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            WITH moves AS ({moves}), locked AS (
                SELECT job_id FROM jobs WHERE job_id IN (SELECT job_id FROM moves)
                ORDER BY job_id FOR NO KEY UPDATE
            ), few AS (
                SELECT job_id, count(*)::int AS count
                FROM moves JOIN locked USING (job_id) GROUP BY job_id
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


def _write_down_jobs() -> None:
    op.execute("""
        CREATE FUNCTION note_moved_job() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.events := OLD.events + 1;
            INSERT INTO job_events (job_id, number, before, after)
            VALUES (NEW.job_id, NEW.events, OLD.status, NEW.status);
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER moved_job BEFORE UPDATE OF status ON jobs FOR EACH ROW
        WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION note_moved_job()
    """)


def downgrade() -> None:
    op.execute("DROP FUNCTION note_new_tasks, note_moved_tasks, note_moved_job CASCADE")
    op.drop_table("job_events")
    op.drop_column("jobs", "events")
