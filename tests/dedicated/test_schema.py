"""Migrations: they make exactly the tables the code expects, and only when asked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from friendli_server.dedicated import schema
from friendli_server.dedicated.database import Base, Database
from sqlalchemy import Connection, inspect

from .conftest import World, WorldMaker


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


async def test_a_back_up_taken_while_the_gateway_runs_is_the_whole_service(
    make_world: WorldMaker, tmp_path: Path
) -> None:
    before: World = await make_world()
    tenant = await before.tenant()
    endpoint = await before.endpoint(tenant)
    link = (await before.generate(tenant, endpoint)).json()["data"][0]["url"]
    with (
        closing(sqlite3.connect(str(before.gateway.database.url.database))) as source,
        closing(sqlite3.connect(tmp_path / "restored.db")) as target,
    ):
        source.backup(target)
    after: World = await make_world(database=f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}")
    after.network.containers = before.network.containers
    assert (await after.client.get(link)).content == (await before.client.get(link)).content
    assert (await after.generate(tenant, endpoint)).status_code == 200
    usage = await after.client.get("/dedicated/v1/team/usage", headers=tenant.headers)
    assert usage.json()["images"] == 2
