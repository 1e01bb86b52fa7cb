"""What a noisy neighbour costs: a team's p95 beside it, as a ratio to the same team alone.

One gateway process, two teams with an endpoint each. The victim asks for one picture after the
other; the neighbour asks for many at once, and comes again when it is told to. Alone and beside
alternate, so that whatever else the machine does falls on both. By default the containers only take
time and no processor, which measures the gateway; with `--postcard` each team has a real container,
which measures the machine too. Prints a Markdown table; more than 1.5 is a failure.
`python -m benchmarks.neighbours [--postcard] [ROUNDS]`
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dedicated.fakes import FakeContainer  # after the path
from dedicated.processes import serving, start_gateway
from friendli_server.dedicated import operator

ENDPOINTS, GENERATE = "/dedicated/beta/endpoint", "/dedicated/v1/images/generations"
CALLERS, REQUESTS, ROUNDS, LIMIT = 32, 15, 4, 1.5
SECONDS = 1.0
"""How long a paced picture takes: what a fast model takes on a good card."""
QUOTAS = {"no quota": {}, "concurrency 8": {"concurrency": 8}, "queue share": {"queue_share": 0.02}}


class Paced(FakeContainer):
    """Takes time for each picture, for as many at once as come."""

    async def _generate(self, request: Request) -> Response:
        await asyncio.sleep(SECONDS)
        try:
            return await super()._generate(request)
        except ClientDisconnect:  # a caller of the flood that just ended
            return Response(status_code=499)


@dataclass
class Team:
    """A team, its endpoint and a client of the gateway that acts for it."""

    id: str
    client: httpx2.AsyncClient
    endpoint: str

    async def ask(self) -> float:
        """The seconds that one picture took."""
        body = {"model": self.endpoint, "prompt": "a red kite", "num_inference_steps": 4}
        began = time.perf_counter()
        answer = await self.client.post(GENERATE, json=body)
        if answer.status_code == 429:
            await asyncio.sleep(float(answer.headers["retry-after"]))
        else:
            answer.raise_for_status()
        return time.perf_counter() - began

    async def flood(self) -> None:
        """Ask again and again."""
        while True:
            await self.ask()


async def make_team(database: str, url: str, name: str) -> Team:
    """A team with a running endpoint."""
    team = await operator.create_team(database, name, owner=name)
    token = await operator.create_token(database, name, team=team, user=name)
    headers = {"authorization": f"Bearer {token}"}
    client = httpx2.AsyncClient(base_url=url, headers=headers, timeout=600)
    body = {
        "projectId": "",
        "name": name,
        "instanceOptionId": "local",
        "advanced": {},
        "hfModelRepo": "postcard",
        "autoscalingPolicy": {"minReplica": 1, "maxReplica": 1},
    }
    made = Team(team, client, (await client.post(ENDPOINTS, json=body)).json()["id"])
    await made.ask()  # waits until the endpoint runs
    return made


@asynccontextmanager
async def neighbours(*, real: bool) -> AsyncIterator[tuple[Team, Team, httpx2.AsyncClient]]:
    """The victim, the neighbour, and the operator's client."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite+aiosqlite:///{folder}/gateway.db"
        await operator.migrate(database)
        flags = ["--database", database, "--results", f"{folder}/results", "--metrics-port", "0"]
        async with AsyncExitStack() as stack:
            for container in () if real else (Paced(), Paced()):
                flags += [
                    "--replica",
                    f"postcard={await stack.enter_async_context(serving(container))}",
                ]
            gateway = await start_gateway(Path(folder) / "log", *flags)
            admin = await operator.create_token(database, "admin", team="", user="")
            headers = {"authorization": f"Bearer {admin}"}
            try:
                teams = [await make_team(database, gateway.url, n) for n in ("victim", "noisy")]
                async with httpx2.AsyncClient(base_url=gateway.url, headers=headers) as client:
                    yield teams[0], teams[1], client
            finally:
                await gateway.stop()


def p95(seconds: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=20)[-1]


async def measure(victim: Team, noisy: Team, *, rounds: int) -> tuple[float, float]:
    """The victim's p95 alone and beside the neighbour, in seconds."""
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(rounds):
        alone += [await victim.ask() for _ in range(REQUESTS)]
        flood = [asyncio.create_task(noisy.flood()) for _ in range(CALLERS)]
        await victim.ask()  # by now all of them have begun
        beside += [await victim.ask() for _ in range(REQUESTS)]
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
    return p95(alone), p95(beside)


async def main(*, real: bool, rounds: int) -> bool:
    """Print the table; whether every ratio is within the limit."""
    print(f"| {CALLERS} callers beside, with | p95 alone | p95 beside | ratio |\n|---|--:|--:|--:|")
    ratios = []
    async with neighbours(real=real) as (victim, noisy, operators):
        for name, quotas in QUOTAS.items():
            path = f"/dedicated/admin/v1/team/{noisy.id}/quota"
            (await operators.put(path, json=quotas)).raise_for_status()
            alone, beside = await measure(victim, noisy, rounds=rounds)
            ratios.append(beside / alone)
            print(f"| {name} | {alone:.3f} s | {beside:.3f} s | {beside / alone:.2f} |", flush=True)
    return max(ratios) <= LIMIT


if __name__ == "__main__":
    words = sys.argv[1:]
    numbers = [int(word) for word in words if word.isdecimal()]
    passed = asyncio.run(main(real="--postcard" in words, rounds=(numbers or [ROUNDS])[0]))
    sys.exit(0 if passed else 1)
