"""Replicas of Postcard on a real Ray cluster of three nodes and a head, hurt while callers ask.

Real actors and containers, the gateway in this process; slow. `test_shared_replicas.py` has the
gateway's part with fakes. Each test tells how long it took until two replicas were ready again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from friendli_server.dedicated import operator
from friendli_server.dedicated.app import create_app
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.endpoints.models import Replica, ReplicaState
from friendli_server.dedicated.gateway import Gateway, choose_launcher, open_gateway
from friendli_server.dedicated.settings import GatewaySettings
from sqlalchemy import select

from .callers import PATIENCE, Callers, until
from .conftest import ENDPOINTS
from .cut import OverWires
from .rays import Rays, rays

pytestmark = [
    pytest.mark.slow,
    pytest.mark.requirement("gateway.cluster"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


@dataclass
class Service:
    """A gateway in this process, its cluster, and callers of an endpoint of two replicas."""

    settings: GatewaySettings
    token: str
    rays: Rays
    stack: AsyncExitStack
    gateway: Gateway
    launcher: OverWires
    callers: Callers

    async def ready(self) -> set[str]:
        """The replicas that are."""
        async with self.gateway.database.transaction() as session:
            found = select(Replica.id).where(Replica.state == ReplicaState.READY)
            return set(await session.scalars(found))

    async def replaced(self, lost: set[str]) -> float:
        """Seconds until two replicas are ready that are none of `lost`."""
        began = time.monotonic()

        async def two() -> bool:
            return len(await self.ready() - lost) == 2 and await self.callers.settled()

        await until(two)
        return time.monotonic() - began

    async def recovered(self, before: set[str]) -> float:
        """Seconds until one of `before` was noticed to be gone, and there are two again."""
        began = time.monotonic()

        async def noticed() -> bool:
            return await self.ready() != before

        await until(noticed)
        await self.replaced(before - await self.ready())
        return time.monotonic() - began


async def begin(settings: GatewaySettings, token: str, rays: Rays) -> Service:
    """A gateway, without an endpoint yet."""
    stack = AsyncExitStack()
    async with Database(settings.database) as database:
        launcher = OverWires(await choose_launcher(settings, database))
    gateway = await stack.enter_async_context(open_gateway(settings, launcher=launcher))
    client = await stack.enter_async_context(
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=create_app(gateway)),
            base_url="http://gateway",
            headers={"authorization": f"Bearer {token}"},
            timeout=PATIENCE,
        )
    )
    return Service(settings, token, rays, stack, gateway, launcher, Callers(client))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rays]:
    with rays(tmp_path_factory.mktemp("redis"), nodes=3) as made:
        yield made


@pytest.fixture
async def service(cluster: Rays, tmp_path: Path) -> AsyncIterator[Service]:
    database = f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"
    await operator.migrate(database)
    team = await operator.create_team(database, "kites", owner="ada")
    token = await operator.create_token(database, "t", team=team, user="ada")
    assert token
    settings = GatewaySettings(
        database=database,
        results=str(tmp_path / "results"),
        launcher=cluster.address,
        wake_seconds=PATIENCE,
    )
    service = await begin(settings, token, cluster)
    await service.callers.create()
    await until(service.callers.settled)
    yield service
    await service.callers.client.put(f"{ENDPOINTS}/{service.callers.endpoint}/terminate")

    async def empty() -> bool:
        return not cluster.containers()

    await until(empty)
    await service.stack.aclose()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str, float], None]:
    def aloud(what: str, seconds: float) -> None:
        with capsys.disabled():
            print(f"\n{what}: two replicas ready again after {seconds:.1f} s")  # noqa: T201

    return aloud


Say = Callable[[str, float], None]


async def test_replicas_are_spread_over_nodes(service: Service) -> None:
    first, second = service.rays.containers()
    assert raylet(first) != raylet(second)


def raylet(container: psutil.Process) -> psutil.Process:
    return next(above for above in container.parents() if "raylet" in above.name())


async def test_a_node_is_lost_under_load(service: Service, say: Say) -> None:
    callers = service.callers
    async with callers.under_load(4):
        await callers.answered(8)
        before = await service.ready()
        victim = service.rays.containers()[0]
        service.rays.lose_node_of(victim)
        say("a node lost", await service.recovered(before))
        await callers.answered(8)
    service.rays.add_node()
    assert callers.were_well_served()


async def test_an_actor_is_killed_under_load(service: Service, say: Say) -> None:
    callers = service.callers
    async with callers.under_load(4):
        await callers.answered(8)
        before = await service.ready()
        service.rays.containers()[0].parent().kill()
        say("an actor killed", await service.recovered(before))
    assert callers.were_well_served()


async def test_the_network_to_a_replica_is_cut_under_load(service: Service, say: Say) -> None:
    callers = service.callers
    async with callers.under_load(4):
        await callers.answered(8)
        lost = next(iter(await service.ready()))
        service.launcher.wires[lost].cut()
        say("a network cut", await service.replaced({lost}))
        await callers.answered(8)
    assert callers.were_well_served()


async def test_a_rolling_update_under_load(service: Service, say: Say) -> None:
    callers = service.callers
    async with callers.under_load(4):
        await callers.answered(8)
        before = await service.ready()
        await callers.update()
        say("a rolling update", await service.replaced(before))
        await callers.answered(8)
    assert callers.were_well_served()


async def test_the_gateway_is_replaced_and_the_replicas_stay(service: Service) -> None:
    await service.callers.ask()
    before, containers = await service.ready(), service.rays.containers()
    await service.stack.aclose()
    again = await begin(service.settings, service.token, service.rays)
    service.stack, service.gateway = again.stack, again.gateway
    again.callers.endpoint = service.callers.endpoint
    service.callers.client = again.callers.client
    for _ in range(3):
        await again.gateway.keeper.tick()
        await service.callers.ask()
    assert await again.ready() == before
    assert service.rays.containers() == containers
    assert service.callers.were_well_served()


@pytest.mark.skipif(not shutil.which("redis-server"), reason="Ray keeps its state in Redis")
async def test_the_heads_store_of_state_is_killed_and_started_anew_under_load(
    service: Service, say: Say
) -> None:
    callers, head = service.callers, service.rays.cluster.head_node
    async with callers.under_load(4):
        await callers.answered(8)
        before = await service.ready()
        head.kill_gcs_server()
        await callers.answered(20)
        assert await service.ready() == before
        head.start_gcs_server()
        await callers.answered(8)
        assert await service.ready() == before
        service.rays.containers()[0].parent().kill()
        say("the head lost and found, then an actor killed", await service.recovered(before))
    assert callers.were_well_served()
