"""API keys, sessions of web browsers, the audit log, and counts of requests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
TABLES = ("request_counts", "audit_log", "sessions", "api_keys")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", JSONB(), nullable=False),
        sa.Column("collections", JSONB()),
        _time("created_at", server_default=NOW, nullable=False),
        _time("expires_at"),
        _time("last_used_at"),
        _time("revoked_at"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("key_id", sa.String(), sa.ForeignKey("api_keys.key_id"), nullable=False),
        _time("expires_at", nullable=False),
    )
    op.create_table(
        "audit_log",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _time("at", server_default=NOW, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("collection", sa.String()),
        sa.Column("details", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    )
    op.create_table(
        "request_counts",
        sa.Column("client", sa.String(), primary_key=True),
        _time("window_start", nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        prefixes=["UNLOGGED"],
    )


def _time(name, **options):
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
