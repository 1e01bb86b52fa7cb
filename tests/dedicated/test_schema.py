"""Migrations: they make exactly the tables the code expects, and only when asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from friendli_server.dedicated import schema
from friendli_server.dedicated.database import Base, Database
from sqlalchemy import Connection, inspect


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")


async def test_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)

    await schema.migrate(database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_a_new_database_is_not_current_until_it_is_migrated(database: Database) -> None:
    assert not await schema.is_current(database)
    await schema.migrate(database)
    assert await schema.is_current(database)
    await schema.migrate(database)
    assert await schema.is_current(database)
    await database.close()


async def test_the_first_migration_can_be_taken_back(database: Database) -> None:
    def back(connection: Connection) -> list[str]:
        command.downgrade(schema.config(connection), "base")
        return inspect(connection).get_table_names()

    await schema.migrate(database)
    async with database.engine.begin() as connection:
        assert await connection.run_sync(back) == ["alembic_version"]
    await database.close()
