"""Replicas that outlive the gateway that launched them: whoever leads minds them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.endpoints.models import Replica, ReplicaState
from friendli_server.dedicated.gateway import MissingExtraError, choose_launcher
from friendli_server.dedicated.replicas.interfaces import ReplicaSpec
from friendli_server.dedicated.settings import GatewaySettings
from sqlalchemy import select

from .conftest import World, WorldMaker
from .fakes import FakeLauncher, Network

pytestmark = pytest.mark.requirement("gateway.cluster")


@pytest.fixture
def cluster() -> FakeLauncher:
    return FakeLauncher(Network(), shared=True)


async def states(world: World) -> list[str]:
    async with world.gateway.database.transaction() as session:
        return list(await session.scalars(select(Replica.state)))


async def test_a_gateway_goes_its_replicas_stay_and_the_next_replaces_one_that_dies(
    make_world: WorldMaker, cluster: FakeLauncher
) -> None:
    first = await make_world(cluster)
    tenant = await first.tenant()
    endpoint = await first.endpoint(tenant)
    await first.leave()
    second = await make_world(cluster)
    assert (await second.generate(tenant, endpoint)).status_code == 200
    assert len(cluster.launched) == 1

    async def replaced() -> bool:
        return len(cluster.launched) == 2 and await states(second) == [ReplicaState.READY]

    cluster.launched[0].dead.set()
    await second.until(replaced)
    assert (await second.generate(tenant, endpoint)).status_code == 200


async def test_a_replica_that_was_starting_is_waited_for_by_the_next_leader(
    make_world: WorldMaker, cluster: FakeLauncher
) -> None:
    cluster.born_ready = False
    first = await make_world(cluster)
    endpoint = await first.endpoint(await first.tenant(), running=False)

    async def begun() -> bool:
        return bool(cluster.launched)

    await first.until(begun)
    await first.leave()
    second = await make_world(cluster)
    cluster.launched[0].ready = True
    await second.status(endpoint, "RUNNING")
    assert len(cluster.launched) == 1


async def test_while_the_cluster_tells_nothing_replicas_that_answer_are_left_alone(
    make_world: WorldMaker, cluster: FakeLauncher
) -> None:
    first = await make_world(cluster)
    await first.endpoint(await first.tenant())
    await first.leave()
    cluster.silent = True
    second = await make_world(cluster)
    for _ in range(3):
        await second.gateway.keeper.tick()
    assert await states(second) == [ReplicaState.READY]
    assert cluster.stopped == []


async def test_what_runs_for_no_endpoint_is_ended_by_the_leader_alone(
    make_world: WorldMaker, cluster: FakeLauncher
) -> None:
    leader = await make_world(cluster)
    other = await make_world(cluster)
    await leader.endpoint(await leader.tenant())
    await other.gateway.keeper.tick()
    assert cluster.stopped == []
    await cluster.launch("stray", ReplicaSpec(model="fake"))

    async def ended() -> bool:
        return cluster.stopped == ["stray"]

    await leader.until(ended)


async def test_a_cluster_without_its_packages_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "friendli_server.dedicated.replicas.cluster", raising=False)
    monkeypatch.delitem(sys.modules, "friendli_server.dedicated.replicas.hosted", raising=False)
    url = f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"
    settings = GatewaySettings(database=url, launcher="ray://head:10001")
    async with Database(url) as database:
        with pytest.raises(MissingExtraError, match=r"friendli-image-server\[ray\]"):
            await choose_launcher(settings, database)
