"""Descriptions and quotas of collections."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# The lock on the collection makes concurrent uploads to it wait for each other, so that they cannot
# exceed the quota together. Collections without a quota are not locked. PW001: see database.py.
CHECK_QUOTA = """
CREATE FUNCTION check_quota() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    full_one record;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM FROM former JOIN changed USING (document_id)
        WHERE former.status = 'deleted' AND changed.status <> 'deleted';
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM FROM collections
    WHERE name IN (SELECT collection FROM changed)
        AND (max_papers IS NOT NULL OR max_bytes IS NOT NULL)
    ORDER BY name FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT name, max_papers, max_bytes INTO full_one
    FROM collections CROSS JOIN LATERAL (
        SELECT count(*) AS papers, coalesce(sum(bytes), 0) AS bytes FROM documents
        WHERE collection = name AND status <> 'deleted'
    ) AS used
    WHERE name IN (SELECT collection FROM changed)
        AND (used.papers > max_papers OR used.bytes > max_bytes)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PW001', MESSAGE = json_build_object(
            'collection', full_one.name, 'max_papers', full_one.max_papers,
            'max_bytes', full_one.max_bytes
        )::text;
    END IF;
    RETURN NULL;
END
$$
"""
# An update counts only if it restores a deleted document: the papers of a collection whose quota was
# lowered are read, corrected and deleted as before.
TRIGGERS = {
    "new_documents": "INSERT ON documents REFERENCING NEW TABLE AS changed",
    "restored_documents": "UPDATE ON documents REFERENCING OLD TABLE AS former NEW TABLE AS changed",
}


def upgrade() -> None:
    """Adds the columns without a table rewrite, and the triggers."""
    empty = sa.text("''")
    text = sa.Column("description", sa.String(), nullable=False, server_default=empty)
    op.add_column("collections", text)
    op.add_column("collections", sa.Column("max_papers", sa.Integer()))
    op.add_column("collections", sa.Column("max_bytes", sa.BigInteger()))
    op.execute(CHECK_QUOTA)
    for name, event in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} FOR EACH STATEMENT EXECUTE FUNCTION check_quota()"
        )


def downgrade() -> None:
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON documents")
    op.execute("DROP FUNCTION check_quota()")
    for column in ("max_bytes", "max_papers", "description"):
        op.drop_column("collections", column)
