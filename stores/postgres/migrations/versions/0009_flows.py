"""The flow of a task, by which lanes are shared, and the index of the queue by flow."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

QUEUED = sa.text("status = 'queued'")


def upgrade() -> None:
    """Adds the column, without a table rewrite, and replaces the index of the queue.

    Tasks that an older release inserts meanwhile share the flow of single uploads. Open tasks of
    folders get the flow of their job; tasks that have ended are not updated.
    """
    flow = sa.Column("flow", sa.String(), nullable=False, server_default=sa.text("'interactive'"))
    op.add_column("tasks", flow)
    op.execute("""
        UPDATE tasks SET flow = job_id WHERE status IN ('queued', 'running') AND NOT urgent
    """)
    op.create_index(
        "tasks_queued_by_flow",
        "tasks",
        ["lane", "collection", "flow", "created_at", "ordinal"],
        postgresql_where=QUEUED,
    )
    op.drop_index("tasks_queued", "tasks")


def downgrade() -> None:
    op.create_index(
        "tasks_queued",
        "tasks",
        ["lane", sa.text("urgent DESC"), "next_attempt_at", "ordinal"],
        postgresql_where=QUEUED,
    )
    op.drop_index("tasks_queued_by_flow", "tasks")
    op.drop_column("tasks", "flow")
