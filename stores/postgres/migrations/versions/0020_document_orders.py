"""Orders of documents by their first author and by their state."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# 0: the family name of the first author, else the whole name. 1: no author, in the end. 28
# characters are what a cursor holds (stores/postgres/cursors.py).
AUTHOR_KEY = """
CREATE FUNCTION author_key(authors jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT CASE WHEN name = '' THEN '1' ELSE '0' || left(name, 28) END
    FROM trim(fold_text(coalesce(
        nullif(authors->0->>'family', '') || ' ' || coalesce(authors->0->>'given', ''),
        authors->0->>'name',
        ''
    ))) AS name
)
"""
# What needs attention has the highest rank (domain/documents.py).
STATE_RANK = """
CREATE FUNCTION state_rank(state text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN array_position(ARRAY['ready', 'processing', 'cancelled', 'failed'], state)
"""


def upgrade() -> None:
    """Adds the functions and the indexes."""
    op.execute(AUTHOR_KEY)
    op.execute(STATE_RANK)
    author, state = sa.text("author_key(authors)"), sa.text("state_rank(status::text)")
    op.create_index("documents_by_first_author", "documents", [author, "document_id"])
    op.create_index("documents_by_state", "documents", [state, "created_at", "document_id"])


def downgrade() -> None:
    op.drop_index("documents_by_state")
    op.drop_index("documents_by_first_author")
    op.execute("DROP FUNCTION state_rank(text)")
    op.execute("DROP FUNCTION author_key(jsonb)")
