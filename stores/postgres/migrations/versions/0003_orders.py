"""Cancelled documents; index for counting open tasks by collection."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATES = ("processing", "ready", "failed", "cancelled", "deleted")


def upgrade() -> None:
    _allow_states(STATES)
    op.create_index(
        "tasks_open_by_collection",
        "tasks",
        ["collection"],
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )


def _allow_states(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    op.drop_constraint("status_known", "documents", type_="check")
    op.create_check_constraint("status_known", "documents", f"status IN ({listed})")


def downgrade() -> None:
    op.drop_index("tasks_open_by_collection", "tasks")
    op.execute("UPDATE documents SET status = 'failed' WHERE status = 'cancelled'")
    _allow_states(tuple(state for state in STATES if state != "cancelled"))
