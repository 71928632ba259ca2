"""Alembic's entry: runs the migrations on the connection that `stores.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

import stores.tables  # noqa: F401  (registers the tables)

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata
)
with context.begin_transaction():
    context.run_migrations()
