"""The venue of a paper, and an index of the words of its record, by which searches find it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# The ranges are spaces and punctuation: [:alnum:] depends on the locale of the database.
RECORD_WORDS = r"""
CREATE FUNCTION record_words(
    title text, authors jsonb, year integer, venue text, doi text, arxiv_id text, filename text
) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig, regexp_replace(
    fold_text(
        coalesce(title, '') || ' ' ||
        coalesce(jsonb_path_query_array(authors, '$[*].name')::text, '') || ' ' ||
        coalesce(year::text, '') || ' ' || coalesce(venue, '') || ' ' || coalesce(doi, '') || ' ' ||
        coalesce(arxiv_id, '') || ' ' || coalesce(filename, '')
    ),
    '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'
))
"""


def upgrade() -> None:
    """Adds the column without a table rewrite, the function, and the index."""
    op.add_column("documents", sa.Column("venue", sa.String()))
    op.execute(RECORD_WORDS)
    words = sa.text("record_words(title, authors, year, venue, doi, arxiv_id, filename)")
    op.create_index("documents_by_record", "documents", [words], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("documents_by_record")
    op.execute("DROP FUNCTION record_words(text, jsonb, integer, text, text, text, text)")
    op.drop_column("documents", "venue")
