"""Acknowledged failures of jobs, the requests of the last hours, and an index of task ends."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UNACKNOWLEDGED = sa.text(
    "status IN ('partial', 'failed') AND acknowledged_at IS NULL AND purged_at IS NULL"
)
IS_END = sa.text("before = 'running' AND after IN ('completed', 'failed') AND task_id IS NOT NULL")


def upgrade() -> None:
    """Adds the columns without a table rewrite, the table, and the indexes."""
    op.add_column("jobs", sa.Column("acknowledged_at", sa.DateTime(timezone=True)))
    op.add_column("jobs", sa.Column("acknowledged_by", sa.String()))
    op.create_index(
        "jobs_unacknowledged", "jobs", ["created_at", "job_id"], postgresql_where=UNACKNOWLEDGED
    )
    op.create_index("job_events_ends", "job_events", ["at"], postgresql_where=IS_END)
    op.create_table(
        "request_times",
        sa.Column("minute", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("activity", sa.String(), primary_key=True),
        sa.Column("process", sa.String(), primary_key=True),
        sa.Column("counts", ARRAY(sa.Integer()), nullable=False),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("request_times")
    op.drop_index("job_events_ends")
    op.drop_index("jobs_unacknowledged")
    op.drop_column("jobs", "acknowledged_by")
    op.drop_column("jobs", "acknowledged_at")
