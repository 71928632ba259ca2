"""What a collection does with several files of one work, and an index of folded titles."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Finds papers with the same title; domain/same_work.py decides which of them are one work. 16:
# shorter titles identify no paper (MIN_LETTERS).
TITLE_DIGEST = """
CREATE FUNCTION title_digest(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN length(regexp_replace(fold_text(value), '[^[:alnum:]]+', '', 'g')) >= 16
    THEN md5(regexp_replace(fold_text(value), '[^[:alnum:]]+', '', 'g'))
END
"""


def upgrade() -> None:
    """Adds the column without a table rewrite, the function, and the index."""
    keep = sa.text("'keep'")
    op.add_column(
        "collections", sa.Column("duplicates", sa.String(), nullable=False, server_default=keep)
    )
    op.create_check_constraint(
        "duplicates_known", "collections", "duplicates IN ('keep', 'newest', 'refuse')"
    )
    op.execute(TITLE_DIGEST)
    digest = sa.text("title_digest(title::text)")
    op.create_index("documents_by_work", "documents", ["collection", digest])


def downgrade() -> None:
    op.drop_index("documents_by_work")
    op.execute("DROP FUNCTION title_digest(text)")
    op.drop_column("collections", "duplicates")
