"""A gateway in this process: real database, real store, real routes; fake containers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from friendli_server.dedicated import operator
from friendli_server.dedicated.accounts import services as accounts
from friendli_server.dedicated.accounts.models import Role, Team
from friendli_server.dedicated.app import create_app
from friendli_server.dedicated.endpoints.models import Endpoint
from friendli_server.dedicated.gateway import Gateway, open_gateway
from friendli_server.dedicated.settings import GatewaySettings

from .fakes import FakeLauncher, Network

ENDPOINTS = "/dedicated/beta/endpoint"
BODY = {"prompt": "a red kite", "num_inference_steps": 4, "seed": 11}


@dataclass
class Tenant:
    """A team with an owner's token."""

    id: str
    token: str
    user_id: str

    @property
    def headers(self) -> dict[str, str]:
        """What the tenant sends with every request."""
        return {"authorization": f"Bearer {self.token}"}


async def _stay() -> None:
    """Of a gateway that the test's own block ends."""


@dataclass
class World:
    """One gateway and what surrounds it."""

    gateway: Gateway
    client: httpx2.AsyncClient
    launcher: FakeLauncher
    network: Network
    app: FastAPI
    leave: Callable[[], Awaitable[None]] = _stay
    """Ends this gateway before the test does."""

    async def tenant(self, name: str = "alpha", **quotas: float) -> Tenant:
        """A new team whose owner has a token."""
        async with self.gateway.database.transaction() as session:
            team = await accounts.create_team(session, name)
            user = await accounts.user_named(session, f"{name}-owner")
            await accounts.set_member(session, team_id=team.id, user_id=user.id, role=Role.OWNER)
            _, token = await accounts.create_token(
                session, name="test", user_id=user.id, team_id=team.id
            )
            for quota, limit in quotas.items():
                setattr(await session.get_one(Team, team.id), quota, limit)
            return Tenant(team.id, token, user.id)

    async def endpoint(self, tenant: Tenant, *, running: bool = True, **changes: Any) -> str:
        """A new endpoint of the tenant, through the API; by default awaited until it runs."""
        body = {
            "projectId": "",
            "name": "pictures",
            "instanceOptionId": "local",
            "advanced": {
                "tokenizer_skip_special_tokens": True,
                "tokenizer_add_special_tokens": True,
            },
            "hfModelRepo": "fake",
            "autoscalingPolicy": {"minReplica": 1, "maxReplica": 1},
            **changes,
        }
        answer = await self.client.post(ENDPOINTS, json=body, headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        endpoint_id = str(answer.json()["id"])
        if running:
            await self.status(endpoint_id, "RUNNING")
        return endpoint_id

    async def status(self, endpoint_id: str, wanted: str) -> None:
        """Wait until the endpoint has a status."""

        async def has_it() -> bool:
            async with self.gateway.database.transaction() as session:
                return (await session.get_one(Endpoint, endpoint_id)).status == wanted

        await self.until(has_it)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition holds; it must, within half a minute."""
        async with asyncio.timeout(30):
            while not await condition():  # noqa: ASYNC110 - a database sends no event
                await asyncio.sleep(0.01)

    async def generate(self, tenant: Tenant, model: str, **changes: Any) -> httpx2.Response:
        """POST a generation as this tenant."""
        return await self.client.post(
            "/dedicated/v1/images/generations",
            json={**BODY, "model": model, **changes},
            headers=tenant.headers,
        )


WorldMaker = Callable[..., Awaitable[World]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "gateway.db"
    asyncio.run(operator.migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def make_world(tmp_path: Path, migrated: Path) -> AsyncIterator[WorldMaker]:
    """Worlds on one database and one store; each further one is another gateway process."""
    copy = shutil.copy(migrated, tmp_path / "gateway.db")
    database = f"sqlite+aiosqlite:///{copy}"
    async with AsyncExitStack() as stack:

        async def make(launcher: FakeLauncher | None = None, **changes: Any) -> World:
            settings = GatewaySettings(
                **{
                    "database": database,
                    "results": str(tmp_path / "results"),
                    "public_url": "http://gateway",
                    "tick_seconds": 0.05,
                    "wake_seconds": 5.0,
                    **changes,
                }
            )
            launcher = launcher or FakeLauncher(Network())
            http = httpx2.AsyncClient(transport=launcher.network)
            own = await stack.enter_async_context(AsyncExitStack())
            gateway = await own.enter_async_context(
                open_gateway(settings, launcher=launcher, http=http)
            )
            app = create_app(gateway)
            transport = httpx2.ASGITransport(app=app)
            client = await own.enter_async_context(
                httpx2.AsyncClient(transport=transport, base_url="http://gateway")
            )
            return World(gateway, client, launcher, launcher.network, app, own.aclose)

        yield make


@pytest.fixture
async def world(make_world: WorldMaker) -> World:
    """One gateway."""
    return await make_world()
