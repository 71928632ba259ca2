"""Webhooks and their deliveries, which a trigger queues when a job ends."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
PENDING = sa.text("delivered_at IS NULL AND abandoned_at IS NULL")

# The deliveries are part of the transaction that ends the job. The function takes no lock on the
# webhooks, so a change of a webhook never delays or aborts the end of a job.
QUEUE_DELIVERIES = """
CREATE FUNCTION queue_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries
        (delivery_id, webhook_id, event, job_id, collection, payload, next_attempt_at)
    SELECT
        'whd_' || replace(gen_random_uuid()::text, '-', ''), webhook_id,
        'job_' || NEW.status, NEW.job_id, NEW.collection,
        jsonb_build_object(
            'type', 'job.' || NEW.status,
            'timestamp',
            to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'data', jsonb_build_object(
                'job_id', NEW.job_id, 'collection', NEW.collection, 'status', NEW.status,
                'counts', (
                    SELECT jsonb_build_object(
                        'total', count(*),
                        'completed', count(*) FILTER (WHERE tasks.status = 'completed'),
                        'failed', count(*) FILTER (WHERE tasks.status = 'failed'),
                        'cancelled', count(*) FILTER (WHERE tasks.status = 'cancelled')
                    ) FROM tasks WHERE tasks.job_id = NEW.job_id
                )
            )
        ),
        clock_timestamp()
    FROM webhooks
    WHERE disabled_at IS NULL AND events ? ('job_' || NEW.status)
        AND (collections IS NULL OR collections ? NEW.collection);
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    """Adds the tables and the trigger."""
    _create_webhooks()
    _create_deliveries()
    op.execute(QUEUE_DELIVERIES)
    op.execute("""
        CREATE TRIGGER ended_jobs AFTER UPDATE OF status ON jobs FOR EACH ROW
        WHEN (
            OLD.status <> NEW.status
            AND NEW.status IN ('completed', 'partial', 'failed', 'cancelled')
        )
        EXECUTE FUNCTION queue_webhook_deliveries()
    """)


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.String(), primary_key=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("collections", JSONB()),
        sa.Column("events", JSONB(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        _time("created_at", server_default=NOW, nullable=False),
        _time("disabled_at"),
        sa.Column("disabled_reason", sa.String()),
    )


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", sa.String(), primary_key=True),
        sa.Column("webhook_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("job_id", sa.String()),
        sa.Column("collection", sa.String()),
        sa.Column("payload", JSONB(), nullable=False),
        _time("created_at", server_default=NOW, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        _time("next_attempt_at"),
        _time("last_attempt_at"),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.String()),
        _time("delivered_at"),
        _time("abandoned_at"),
    )
    table = "webhook_deliveries"
    due = ["webhook_id", "next_attempt_at"]
    op.create_index("webhook_deliveries_due", table, due, postgresql_where=PENDING)
    listed = ["webhook_id", "created_at", "delivery_id"]
    op.create_index("webhook_deliveries_by_webhook", table, listed)
    op.create_index("webhook_deliveries_by_time", table, ["created_at"])


def _time(name, **options):
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def downgrade() -> None:
    op.execute("DROP FUNCTION queue_webhook_deliveries CASCADE")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
