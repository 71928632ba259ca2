"""Names of renamed collections."""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# A request that resolved the name before another collection got it must not create a second
# collection of this name. PW002: see database.py.
CHECK_NAME = """
CREATE FUNCTION check_collection_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM FROM former JOIN changed USING (document_id)
        WHERE former.status = 'deleted' AND changed.status <> 'deleted';
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM FROM collections WHERE display_name IN (SELECT collection FROM changed);
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PW002', MESSAGE = 'the name was given to a collection';
    END IF;
    RETURN NULL;
END
$$
"""
TRIGGERS = {
    "names_of_new_documents": "INSERT ON documents REFERENCING NEW TABLE AS changed",
    "names_of_restored_documents": (
        "UPDATE ON documents REFERENCING OLD TABLE AS former NEW TABLE AS changed"
    ),
}
DELIVERIES = import_module("stores.postgres.migrations.versions.0016_webhooks").QUEUE_DELIVERIES
PRESENT_NAME = """coalesce(
                    (SELECT display_name FROM collections WHERE name = NEW.collection),
                    NEW.collection
                )"""


def upgrade() -> None:
    """Adds the column without a table rewrite, the triggers, and the names in deliveries."""
    op.add_column("collections", sa.Column("display_name", sa.String()))
    op.create_index("collections_by_display_name", "collections", ["display_name"], unique=True)
    op.execute(CHECK_NAME)
    for name, event in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} "
            "FOR EACH STATEMENT EXECUTE FUNCTION check_collection_name()"
        )
    named = DELIVERIES.replace("'collection', NEW.collection", f"'collection', {PRESENT_NAME}")
    op.execute(_replacing(named))


def downgrade() -> None:
    op.execute(_replacing(DELIVERIES))
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON documents")
    op.execute("DROP FUNCTION check_collection_name()")
    op.drop_index("collections_by_display_name")
    op.drop_column("collections", "display_name")


def _replacing(function: str) -> str:
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
