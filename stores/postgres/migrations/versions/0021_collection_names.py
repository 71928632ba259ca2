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
    PERFORM FROM collections WHERE display_name IN (SELECT collection FROM changed);
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PW002', MESSAGE = 'the name was given to a collection';
    END IF;"""
BEFORE_QUOTAS = "\n    PERFORM FROM collections\n"
CHECK_QUOTA = import_module("stores.postgres.migrations.versions.0013_quotas").CHECK_QUOTA
DELIVERIES = import_module("stores.postgres.migrations.versions.0016_webhooks").QUEUE_DELIVERIES
PRESENT_NAME = """coalesce(
                    (SELECT display_name FROM collections WHERE name = NEW.collection),
                    NEW.collection
                )"""


def upgrade() -> None:
    """Adds the column without a table rewrite, and names to the checks and to deliveries."""
    op.add_column("collections", sa.Column("display_name", sa.String()))
    op.create_index("collections_by_display_name", "collections", ["display_name"], unique=True)
    op.execute(_replacing(CHECK_QUOTA.replace(BEFORE_QUOTAS, CHECK_NAME + BEFORE_QUOTAS, 1)))
    named = DELIVERIES.replace("'collection', NEW.collection", f"'collection', {PRESENT_NAME}")
    op.execute(_replacing(named))


def downgrade() -> None:
    op.execute(_replacing(DELIVERIES))
    op.execute(_replacing(CHECK_QUOTA))
    op.drop_index("collections_by_display_name")
    op.drop_column("collections", "display_name")


def _replacing(function: str) -> str:
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
