"""Tags of documents, and an index of the names of their authors."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Case, accents and the letters that Unicode does not decompose make no difference, as in
# domain/text_folding.py.
FOLD_TEXT = r"""
CREATE FUNCTION fold_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(
    translate(
        regexp_replace(normalize(lower(value), NFKD), '[\u0300-\u036f\u00ad]', '', 'g'),
        'øłđðıħ', 'olddih'
    ), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
"""


def upgrade() -> None:
    """Adds the column without a table rewrite, the function, and the indexes."""
    empty = sa.text("'[]'")
    op.add_column("documents", sa.Column("tags", JSONB(), nullable=False, server_default=empty))
    op.create_index("documents_by_tag", "documents", ["tags"], postgresql_using="gin")
    op.execute(FOLD_TEXT)
    author_words = sa.text("to_tsvector('simple'::regconfig, fold_text(authors::text))")
    op.create_index("documents_by_author", "documents", [author_words], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("documents_by_author")
    op.execute("DROP FUNCTION fold_text(text)")
    op.drop_index("documents_by_tag")
    op.drop_column("documents", "tags")
