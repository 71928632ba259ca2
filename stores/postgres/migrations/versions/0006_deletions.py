"""The deletion queue, request digests, and tombstones without bibliographic data."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "store_deletions",
        sa.Column("deletion_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("to_version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String()),
        _stamped("due_at"),
        _stamped("created_at"),
        sa.PrimaryKeyConstraint("deletion_id"),
    )
    op.create_index("store_deletions_due", "store_deletions", ["due_at"])
    op.add_column("jobs", sa.Column("request_digest", sa.String()))
    op.add_column("collections", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    _empty_tombstones()


def _stamped(name: str) -> sa.Column:
    stamp = sa.text("clock_timestamp()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=stamp, nullable=False)


def _empty_tombstones() -> None:
    """Erases the bibliographic data of documents that were deleted before this release."""
    op.execute("""
        UPDATE documents SET
            filename = '', title = NULL, title_key = NULL, authors = '[]', abstract = NULL,
            keywords = '[]', doi = NULL, arxiv_id = NULL, year = NULL, language = NULL,
            pages = NULL, chunks = 0, sections = 0, "references" = 0, tables = NULL,
            figures = NULL, quality = '{}', needs_review = false, artifact_key = NULL,
            searchable_at = NULL
        WHERE status = 'deleted'
    """)
    op.execute("""
        UPDATE tasks SET filename = '' FROM documents
        WHERE documents.document_id = tasks.document_id AND documents.status = 'deleted'
    """)


def downgrade() -> None:
    op.drop_column("collections", "deleted_at")
    op.drop_column("jobs", "request_digest")
    op.drop_table("store_deletions")
