"""Alembic environment: runs the migrations on the connection of `stores.postgres.migrate`."""

from alembic import context
from sqlmodel import SQLModel

import stores.postgres.schema  # noqa: F401  (registers the tables)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    on_version_apply=context.config.attributes["on_version_apply"],
)
with context.begin_transaction():
    context.run_migrations()
