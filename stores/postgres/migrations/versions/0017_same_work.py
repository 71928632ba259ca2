"""What a collection does with several files of one work, and an index of folded titles."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Finds papers with the same title; domain/same_work.py decides which of them are one work. 16:
# shorter titles identify no paper (MIN_LETTERS). The ranges are spaces and punctuation: [:alnum:]
# depends on the locale of the database.
TITLE_DIGEST = r"""
CREATE FUNCTION title_digest(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT CASE WHEN length(letters) >= 16 THEN md5(letters) END
    FROM regexp_replace(
        fold_text(value),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', '', 'g'
    ) AS letters
)
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
