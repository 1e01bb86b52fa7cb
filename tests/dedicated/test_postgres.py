"""Two gateways on one PostgreSQL behave as one, also while it restarts."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from friendli_server.dedicated import operator
from friendli_server.dedicated.database import Base, Database
from sqlalchemy import Connection

from .conftest import ENDPOINTS, World, WorldMaker
from .postgres import Postgres, postgres

__all__ = ["postgres"]
Pair = tuple[World, World]


@pytest.fixture
async def pair(postgres: Postgres, make_world: WorldMaker, tmp_path: Path) -> Pair:
    """Two gateways with one empty database, one store and one network of containers."""
    await postgres.empty()
    await operator.migrate(postgres.url)
    one = await make_world(database=postgres.url)
    two = await make_world(database=postgres.url)
    two.network.containers = one.network.containers
    return one, two


def launched(*worlds: World) -> int:
    return sum(len(world.launcher.launched) for world in worlds)


async def test_migrations_make_exactly_the_tables_of_the_code(
    pair: Pair, postgres: Postgres
) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    database = Database(postgres.url)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_what_one_makes_the_other_serves_changes_and_shows(pair: Pair) -> None:
    one, two = pair
    tenant = await one.tenant()
    endpoint = await one.endpoint(tenant)
    assert launched(one, two) == 1
    url = (await two.generate(tenant, endpoint)).json()["data"][0]["url"]
    assert (await one.client.get(url)).content == (await two.client.get(url)).content
    await two.client.put(f"{ENDPOINTS}/{endpoint}/sleep", headers=tenant.headers)
    status = await one.client.get(f"{ENDPOINTS}/{endpoint}/status", headers=tenant.headers)
    assert status.json()["status"] == "SLEEPING"
    assert (await one.generate(tenant, endpoint)).status_code == 200


async def test_a_quota_is_exact_however_many_ask_at_once(pair: Pair) -> None:
    one, _ = pair
    tenant = await one.tenant(images_per_day=7)
    endpoint = await one.endpoint(tenant)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(world.generate(tenant, endpoint)) for _ in range(10) for world in pair
        ]
    statuses = Counter(task.result().status_code for task in tasks)
    assert statuses == {200: 7, 429: 13}


async def test_when_the_leader_leaves_the_other_one_takes_over(pair: Pair) -> None:
    one, two = pair
    tenant = await one.tenant()
    endpoint = await one.endpoint(tenant)
    leader, other = (one, two) if one.launcher.launched else (two, one)
    leader.gateway.keeper.closing.set()

    async def taken_over() -> bool:
        return len(other.launcher.launched) == 1

    await other.until(taken_over)
    assert (await other.generate(tenant, endpoint)).status_code == 200


async def test_a_restart_of_the_database_under_load_is_waited_out(
    pair: Pair, postgres: Postgres
) -> None:
    one, two = pair
    tenant = await one.tenant()
    endpoint = await one.endpoint(tenant)
    statuses: Counter[int] = Counter()
    done = asyncio.Event()

    async def caller(world: World) -> None:
        while not done.is_set():
            answer = await world.generate(tenant, endpoint)
            statuses[answer.status_code] += 1
            assert answer.status_code == 200 or "retry-after" in answer.headers

    async def made(count: int) -> bool:
        return statuses[200] >= count

    async with asyncio.TaskGroup() as group:
        for world in pair:
            group.create_task(caller(world))
        await one.until(lambda: made(4))
        await asyncio.to_thread(postgres.stop)
        refused = await one.client.get("/health")
        await asyncio.to_thread(postgres.start)
        before = statuses[200]
        await one.until(lambda: made(before + 4))
        done.set()
    assert set(statuses) <= {200, 503}
    assert refused.status_code == 503
    assert launched(one, two) == 1
