"""NOTIFY for each job whose event log grows."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the trigger. Every state change of a task or job inserts into `job_events`.

    The trigger runs once per statement, and PostgreSQL sends equal notifications of a transaction
    once: the admission of 1000 papers sends one. LISTEN and NOTIFY need no privilege. PostgreSQL
    delivers notifications after the commit and serializes the commits of notifying transactions
    with a lock (src/backend/commands/async.c, PreCommit_Notify).
    """
    op.execute("""
        CREATE FUNCTION notify_job_events() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('paperworks_jobs', job_id)
            FROM (SELECT DISTINCT job_id FROM new_events) AS jobs;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER notified_events AFTER INSERT ON job_events
        REFERENCING NEW TABLE AS new_events
        FOR EACH STATEMENT EXECUTE FUNCTION notify_job_events()
    """)


def downgrade() -> None:
    op.execute("DROP FUNCTION notify_job_events CASCADE")
