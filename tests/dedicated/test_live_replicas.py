"""Real containers with Postcard as processes of a gateway process: killed and replaced under load.

Nothing is faked here, so it is slow; `test_replicas.py` has every case with fakes.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from friendli_server.dedicated import operator

from .callers import PATIENCE, Callers, until
from .conftest import ENDPOINTS
from .processes import GatewayProcess, start_gateway

pytestmark = pytest.mark.slow


@dataclass
class Service:
    """A gateway, and callers of an endpoint of two replicas."""

    gateway: GatewayProcess
    callers: Callers

    def containers(self) -> list[psutil.Process]:
        """The processes that the gateway started."""
        return list(psutil.Process(self.gateway.process.pid).children())

    async def without(self, process: psutil.Process) -> bool:
        """Whether a container is gone, and two others are ready."""
        return process not in self.containers() and await self.callers.settled()

    async def asleep(self) -> bool:
        """Whether the endpoint sleeps and no container runs."""
        answer = await self.callers.client.get(f"{ENDPOINTS}/{self.callers.endpoint}/status")
        return bool(answer.json()["status"] == "SLEEPING") and not self.containers()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    database = f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"
    await operator.migrate(database)
    team = await operator.create_team(database, "kites", owner="ada")
    token = await operator.create_token(database, "t", team=team, user="ada")
    flags = ("--database", database, "--results", str(tmp_path / "results"))
    gateway = await start_gateway(
        tmp_path / "log", *flags, "--metrics-port", "0", "--wake-seconds", str(PATIENCE)
    )
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=gateway.url, headers=headers, timeout=PATIENCE
    ) as client:
        callers = Callers(client)
        await callers.create()
        await until(callers.settled)
        yield Service(gateway, callers)
    assert await gateway.stop() == 0


@pytest.mark.requirement("gateway.replicas")
async def test_killed_and_replaced_under_load_no_client_sees_an_error(service: Service) -> None:
    callers = service.callers
    async with callers.under_load(4):
        await callers.answered(8)
        victim, other = service.containers()
        victim.send_signal(signal.SIGKILL)
        await callers.answered(8)
        await until(partial(service.without, victim))
        await callers.update()
        await until(partial(service.without, other))
        await callers.answered(8)
    assert callers.were_well_served()


@pytest.mark.requirement("gateway.replicas")
async def test_an_idle_endpoint_sleeps_and_a_request_wakes_it(service: Service) -> None:
    callers = service.callers
    await callers.ask()
    policy = {"minReplica": 0, "maxReplica": 1, "cooldownPeriod": 1}
    await callers.client.put(f"{ENDPOINTS}/{callers.endpoint}", json={"autoscalingPolicy": policy})
    await until(service.asleep)
    await callers.ask()
    assert callers.were_well_served()
    assert len(service.containers()) == 1
