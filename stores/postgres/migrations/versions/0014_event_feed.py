"""The transaction of each event, by which the events of all jobs are read in a reproducible order."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column without a table rewrite; earlier events have no value and are not indexed."""
    op.add_column("job_events", sa.Column("transaction_id", sa.BigInteger()))
    current = sa.text("pg_current_xact_id()::text::bigint")
    op.alter_column("job_events", "transaction_id", server_default=current)
    op.create_index(
        "job_events_by_transaction",
        "job_events",
        ["transaction_id", "job_id", "number"],
        postgresql_where=sa.text("transaction_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("job_events_by_transaction")
    op.drop_column("job_events", "transaction_id")
