"""The metadata of a document that a person has corrected."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column, without a table rewrite."""
    empty = sa.text("'{}'")
    op.add_column(
        "documents", sa.Column("corrections", JSONB(), nullable=False, server_default=empty)
    )


def downgrade() -> None:
    op.drop_column("documents", "corrections")
