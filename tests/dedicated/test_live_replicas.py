"""Real containers with Postcard as processes of a gateway process: killed and replaced under load.

Nothing is faked here, so it is slow; `test_replicas.py` has every case with fakes.
"""

from __future__ import annotations

import asyncio
import base64
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from friendli_server.dedicated import operator

from .conftest import ENDPOINTS
from .processes import GatewayProcess, start_gateway

pytestmark = pytest.mark.slow
PATIENCE = 500


@dataclass
class Service:
    """A gateway, an endpoint of two replicas, and what callers were answered."""

    gateway: GatewayProcess
    client: httpx2.AsyncClient
    endpoint: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    pictures: set[bytes] = field(default_factory=set)

    def containers(self) -> list[psutil.Process]:
        """The processes that the gateway started."""
        return list(psutil.Process(self.gateway.process.pid).children())

    async def spec(self) -> dict[str, Any]:
        """What the API says of the endpoint."""
        answer = await self.client.get(f"{ENDPOINTS}/{self.endpoint}")
        return dict(answer.json())

    async def settled(self) -> bool:
        """Whether both replicas of the version in force are ready, and no other is."""
        spec = await self.spec()
        return bool(spec["updatedReplicaCnt"] == spec["currReplicaCnt"] == 2)

    async def without(self, process: psutil.Process) -> bool:
        """Whether a container is gone, and two others are ready."""
        return process not in self.containers() and await self.settled()

    async def asleep(self) -> bool:
        """Whether the endpoint sleeps and no container runs."""
        answer = await self.client.get(f"{ENDPOINTS}/{self.endpoint}/status")
        return bool(answer.json()["status"] == "SLEEPING") and not self.containers()

    async def ask(self) -> None:
        """Ask for the picture, always the same one."""
        body = {
            "model": self.endpoint,
            "prompt": "a red kite",
            "num_inference_steps": 2,
            "seed": 5,
            "response_format": "png",
        }
        answer = await self.client.post("/dedicated/v1/images/generations", json=body)
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            self.pictures.add(base64.b64decode(answer.json()["data"][0]["b64_json"]))

    async def call(self, done: asyncio.Event) -> None:
        """Ask again and again."""
        while not done.is_set():
            await self.ask()

    async def answered(self, more: int) -> None:
        """Until so many more requests were answered."""
        before = self.statuses.total()

        async def enough() -> bool:
            return self.statuses.total() >= before + more

        await until(enough)

    @asynccontextmanager
    async def under_load(self, callers: int) -> AsyncIterator[None]:
        """Callers that go on while the block runs."""
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(self.call(done))
            yield
            done.set()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - another process sends no event
            await asyncio.sleep(0.2)


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
        service = Service(gateway, client)
        body = {
            "projectId": "",
            "name": "kites",
            "instanceOptionId": "local",
            "advanced": {},
            "hfModelRepo": "postcard",
            "simplescale": {"replicas": 2},
        }
        service.endpoint = (await client.post(ENDPOINTS, json=body)).json()["id"]
        await until(service.settled)
        yield service
    assert await gateway.stop() == 0


@pytest.mark.requirement("gateway.replicas")
async def test_killed_and_replaced_under_load_no_client_sees_an_error(service: Service) -> None:
    async with service.under_load(4):
        await service.answered(8)
        victim, other = service.containers()
        victim.send_signal(signal.SIGKILL)
        await service.answered(8)
        await until(partial(service.without, victim))
        await service.client.put(f"{ENDPOINTS}/{service.endpoint}", json={"name": "renamed"})
        await until(partial(service.without, other))
        await service.answered(8)
    assert set(service.statuses) == {200}
    assert len(service.pictures) == 1


@pytest.mark.requirement("gateway.replicas")
async def test_an_idle_endpoint_sleeps_and_a_request_wakes_it(service: Service) -> None:
    await service.ask()
    policy = {"minReplica": 0, "maxReplica": 1, "cooldownPeriod": 1}
    path = f"{ENDPOINTS}/{service.endpoint}"
    await service.client.put(path, json={"autoscalingPolicy": policy})
    await until(service.asleep)
    await service.ask()
    assert set(service.statuses) == {200}
    assert len(service.pictures) == 1
    assert len(service.containers()) == 1
