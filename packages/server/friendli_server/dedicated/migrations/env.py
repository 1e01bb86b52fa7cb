"""Run by Alembic, online only: on the connection it is given, or on the configured URL."""

from __future__ import annotations

from alembic import context

from friendli_server.dedicated.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
