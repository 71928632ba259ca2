"""Folder jobs: registrations of folders that the server reads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
ZERO = sa.text("0")


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "folder_jobs",
        sa.Column("job_id", sa.String(), sa.ForeignKey("jobs.job_id"), primary_key=True),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("lease_token", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("registered", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("known", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("refused_files", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("refused", JSONB(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("error", JSONB(none_as_null=True)),
    )
    unfinished = sa.text("finished_at IS NULL")
    op.create_index(
        "folder_jobs_unfinished", "folder_jobs", ["created_at"], postgresql_where=unfinished
    )


def downgrade() -> None:
    op.drop_table("folder_jobs")
