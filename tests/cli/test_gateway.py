"""`friendli generate` at a gateway, which is a process of its own; its container is a fake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cli.conftest import Friendli, Ran
from dedicated.fakes import FakeContainer
from dedicated.processes import serving, start_gateway
from friendli_server.dedicated import operator

BODY = {
    "projectId": "",
    "name": "kites",
    "instanceOptionId": "local",
    "advanced": {},
    "hfModelRepo": "postcard",
    "autoscalingPolicy": {"minReplica": 1, "maxReplica": 1},
}


@dataclass(frozen=True)
class Endpoint:
    """Where it is, and who may ask."""

    id: str
    server: str
    token: str
    team: str


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    """A running endpoint of a team."""
    database = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    await operator.migrate(database)
    team = await operator.create_team(database, "crew", owner="crew")
    token = await operator.create_token(database, "crew", team=team, user="crew")
    assert token is not None
    async with serving(FakeContainer()) as container:
        flags = ("--database", database, "--results", f"{tmp_path}/results", "--metrics-port", "0")
        gateway = await start_gateway(
            tmp_path / "log", *flags, "--replica", f"postcard={container}"
        )
        try:
            headers = {"authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(base_url=gateway.url, headers=headers) as client:
                made = await client.post("/dedicated/beta/endpoint", json=BODY, timeout=120)
            yield Endpoint(made.json()["id"], f"{gateway.url}/dedicated", token, team)
        finally:
            await gateway.stop()


@pytest.fixture
def at(endpoint: Endpoint, friendli: Friendli) -> Callable[..., Awaitable[Ran]]:
    """Run the command at the gateway, beside the container's loop."""
    flags = ("--server", endpoint.server, "--token", endpoint.token, "--team", endpoint.team)
    return lambda *words: asyncio.to_thread(friendli, *words, *flags)


@pytest.mark.requirement("cli.gateway")
async def test_an_endpoint_of_a_gateway_makes_and_edits_pictures(
    endpoint: Endpoint, at: Callable[..., Awaitable[Ran]]
) -> None:
    asked = ("--model", endpoint.id, "--seed", "7", "--steps", "3")
    ran = await at("generate", "a red kite", *asked, "--json")
    assert ran.status == 0, ran.err
    made = json.loads(ran.out)
    assert (made["seed"], made["steps"], made["model"]) == (7, 3, endpoint.id)
    edited = await at("edit", made["path"], "make it blue", *asked, "-o", "blue.jpg")
    assert (edited.status, edited.out) == (0, "blue.jpg\n"), edited.err
    missed = await at("generate", "a kite", "--model", "zzz")
    assert missed.status == 3
    assert "friendli endpoint list" in missed.err


def test_an_endpoint_that_is_not_named_is_asked_for(friendli: Friendli) -> None:
    ran = friendli("generate", "x", "--server", "http://127.0.0.1:9/dedicated")
    assert ran.status == 2
    assert "Name it with --model ENDPOINT" in ran.err


def test_a_gateway_that_is_not_there_is_told(friendli: Friendli) -> None:
    ran = friendli("generate", "x", "--model", "e", "--server", "http://127.0.0.1:9/dedicated")
    assert ran.status == 4
    assert "Traceback" not in ran.err
