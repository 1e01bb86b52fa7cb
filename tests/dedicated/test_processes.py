"""Two gateways as two processes on one PostgreSQL behave as one, and leave in good order."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from friendli_server.dedicated import operator

from .conftest import BODY, ENDPOINTS
from .fakes import FakeContainer
from .postgres import Postgres, postgres
from .processes import GatewayProcess, start_gateway
from .processes import serving as container_serving

__all__ = ["postgres"]
GENERATE = "/dedicated/v1/images/generations"
PROMPT = "a very private prompt about a heron"


@dataclass
class Pair:
    """Two gateways, a client of each, and a team's token."""

    gateways: list[GatewayProcess]
    clients: list[httpx2.AsyncClient]
    container: FakeContainer
    database: str
    token: str
    team: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def endpoint(self, at: httpx2.AsyncClient) -> str:
        """A new endpoint made at one of the two; awaited until it runs."""
        body = {
            "projectId": "",
            "name": "pictures",
            "instanceOptionId": "local",
            "advanced": {},
            "hfModelRepo": "fake",
            "autoscalingPolicy": {"minReplica": 1, "maxReplica": 1},
        }
        made = (await at.post(ENDPOINTS, json=body, headers=self.headers)).json()["id"]

        async def runs() -> bool:
            answer = await at.get(f"{ENDPOINTS}/{made}/status", headers=self.headers)
            return bool(answer.json()["status"] == "RUNNING")

        await until(runs)
        return str(made)

    async def generate(self, at: httpx2.AsyncClient, endpoint: str) -> httpx2.Response:
        body = {**BODY, "model": endpoint, "prompt": PROMPT}
        return await at.post(GENERATE, json=body, headers=self.headers)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - another process sends no event
            await asyncio.sleep(0.05)


@pytest.fixture
async def pair(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Pair]:
    await postgres.empty()
    await operator.migrate(postgres.url)
    team = await operator.create_team(postgres.url, "kites", owner="ada")
    token = await operator.create_token(postgres.url, "laptop", team=team, user="ada")
    container = FakeContainer()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(container_serving(container))
        flags = (
            *("--database", postgres.url, "--results", str(tmp_path / "results")),
            *("--replica", f"fake={address}", "--metrics-port", "0", "--log-format", "json"),
        )
        gateways = await asyncio.gather(
            *(start_gateway(tmp_path / f"{name}.log", *flags) for name in ("one", "two"))
        )
        clients = [
            await stack.enter_async_context(httpx2.AsyncClient(base_url=g.url, timeout=60))
            for g in gateways
        ]
        yield Pair(list(gateways), clients, container, postgres.url, token or "", team)
        for gateway in gateways:
            await gateway.stop()


@pytest.mark.requirement("gateway.many")
async def test_tokens_endpoints_links_and_quotas_are_one_for_both(pair: Pair) -> None:
    one, two = pair.clients
    endpoint = await pair.endpoint(one)
    # a link made at one is shown by the other
    made = await pair.generate(two, endpoint)
    link = urlsplit(made.json()["data"][0]["url"])
    shown = [await client.get(f"{link.path}?{link.query}") for client in pair.clients]
    assert {answer.status_code for answer in shown} == {200}
    assert shown[0].content == shown[1].content
    # put to sleep at one, asleep at the other, woken by a request to either
    await two.put(f"{ENDPOINTS}/{endpoint}/sleep", headers=pair.headers)
    status = await one.get(f"{ENDPOINTS}/{endpoint}/status", headers=pair.headers)
    assert status.json()["status"] == "SLEEPING"
    assert (await pair.generate(one, endpoint)).status_code == 200
    # a quota is exact over both: two pictures were made before
    secret = await operator.create_token(pair.database, "admin", team="", user="")
    admin = {"authorization": f"Bearer {secret}"}
    quota = f"/dedicated/admin/v1/team/{pair.team}/quota"
    assert (await one.put(quota, json={"images_per_day": 7}, headers=admin)).status_code == 200
    answers = await asyncio.gather(
        *(pair.generate(client, endpoint) for _ in range(6) for client in pair.clients)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 5, 429: 7}
    usage = await two.get("/dedicated/v1/team/usage", headers=pair.headers)
    assert usage.json()["images"] == 7
    # a token made at one and revoked at the other
    new = await one.post("/dedicated/v1/team/token", json={"name": "n"}, headers=pair.headers)
    bearer = {"authorization": f"Bearer {new.json()['token']}"}
    for client in pair.clients:
        assert (await client.get(ENDPOINTS, headers=bearer)).status_code == 200
    await two.delete(f"/dedicated/v1/team/token/{new.json()['id']}", headers=pair.headers)

    async def revoked() -> bool:
        statuses = [(await c.get(ENDPOINTS, headers=bearer)).status_code for c in pair.clients]
        return statuses == [401, 401]

    await until(revoked, seconds=5)
    # one is killed while it may lead: the other serves and takes over
    await pair.gateways[0].stop(signal.SIGKILL)
    assert (await two.put(quota, json={}, headers=admin)).status_code == 200
    assert (await pair.generate(two, endpoint)).status_code == 200
    assert (await pair.generate(two, await pair.endpoint(two))).status_code == 200
    assert await pair.gateways[1].stop() == 0
    # and neither wrote a secret down
    for gateway in pair.gateways:
        lines = [json.loads(line) for line in gateway.log.splitlines() if line.startswith("{")]
        requests = [line for line in lines if line["event"] == "request"]
        assert {"method", "path", "status", "seconds", "team", "request_id"} < requests[0].keys()
        for secret in (pair.token[4:], new.json()["token"][4:], PROMPT, "signature="):
            assert secret not in gateway.log


async def test_a_gateway_waits_for_a_database_that_starts_after_it(
    postgres: Postgres, tmp_path: Path
) -> None:
    await postgres.empty()
    await operator.migrate(postgres.url)
    await asyncio.to_thread(postgres.stop)
    flags = ("--database", postgres.url, "--results", str(tmp_path), "--metrics-port", "0")
    starting = asyncio.create_task(start_gateway(tmp_path / "log", *flags))
    await asyncio.to_thread(postgres.start)
    gateway = await starting
    async with httpx2.AsyncClient() as client:
        assert (await client.get(f"{gateway.url}/health")).status_code == 200
    assert await gateway.stop() == 0


@pytest.mark.slow
@pytest.mark.requirement("gateway.many")
async def test_a_database_that_stops_or_hangs_under_load_is_a_503_and_never_a_500_or_a_hang(
    pair: Pair, postgres: Postgres
) -> None:
    endpoint = await pair.endpoint(pair.clients[0])
    statuses: Counter[int] = Counter()
    slowest = 0.0
    done = asyncio.Event()

    async def caller(client: httpx2.AsyncClient) -> None:
        nonlocal slowest
        while not done.is_set():
            began = asyncio.get_running_loop().time()
            answer = await pair.generate(client, endpoint)
            slowest = max(slowest, asyncio.get_running_loop().time() - began)
            statuses[answer.status_code] += 1
            assert answer.status_code == 200 or "retry-after" in answer.headers
            await asyncio.sleep(0.05)

    async def more(wanted: int, status: int) -> None:
        before = statuses[status]

        async def came() -> bool:
            return statuses[status] >= before + wanted

        await until(came, seconds=60)

    async with asyncio.TaskGroup() as group:
        for client in pair.clients * 3:
            group.create_task(caller(client))
        await more(10, 200)
        for _ in range(2):
            await asyncio.to_thread(postgres.stop)
            await more(4, 503)
            await asyncio.to_thread(postgres.start)
            await more(10, 200)
        postgres.freeze()
        await more(2, 503)
        postgres.thaw()
        await more(10, 200)
        done.set()
    assert set(statuses) == {200, 503}
    assert slowest < 30
