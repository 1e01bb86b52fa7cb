"""What a noisy neighbour costs: a team's p95 beside it, as a ratio to the same team alone.

One gateway process, two teams with an endpoint each. The victim asks for one picture after the
other; the neighbour asks for many at once, and comes again when it is told to. They share nothing
but the gateway: the neighbour's callers and its container are a process of their own. Alone and
beside alternate, so that whatever else the machine does falls on both. By default the containers
only take time and hardly any processor, which measures the gateway; with `--postcard` each team has
a real container, which measures the machine too. Prints a Markdown table; a ratio above 1.5 fails.
`python -m benchmarks.neighbours [--postcard] [ROUNDS]`
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
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


class Neighbour:
    """The other team's process: its container, and its callers while it floods."""

    def __init__(self, process: Process, container: str) -> None:
        self._process, self.container = process, container

    def flood(self, team: Team | None) -> None:
        """Begin to ask for a team, or stop."""
        told = team and [str(team.client.base_url), dict(team.client.headers), team.endpoint]
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(told)}\n".encode())


@asynccontextmanager
async def neighbour() -> AsyncIterator[Neighbour]:
    """The process, which ends with the block."""
    command = (sys.executable, "-m", "benchmarks.neighbours", "--neighbour")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    try:
        yield Neighbour(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.kill()
        await process.wait()


async def be_neighbour() -> None:
    """What that process does: it hears on its standard input when to flood."""
    flood: list[asyncio.Task[None]] = []
    async with serving(Paced()) as address:
        print(address, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
            flood = []
            if told := json.loads(line):
                url, headers, endpoint = told
                client = httpx2.AsyncClient(base_url=url, headers=headers, timeout=600)
                team = Team("", client, endpoint)
                flood = [asyncio.create_task(team.flood()) for _ in range(CALLERS)]


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
async def neighbours(
    other: Neighbour, *, real: bool
) -> AsyncIterator[tuple[Team, Team, httpx2.AsyncClient]]:
    """The victim, the neighbour's team, and the operator's client."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite+aiosqlite:///{folder}/gateway.db"
        await operator.migrate(database)
        flags = ["--database", database, "--results", f"{folder}/results", "--metrics-port", "0"]
        async with AsyncExitStack() as stack:
            if not real:
                own = await stack.enter_async_context(serving(Paced()))
                for container in (own, other.container):  # handed out in this order
                    flags += ["--replica", f"postcard={container}"]
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


async def measure(
    victim: Team, noisy: Team, other: Neighbour, *, rounds: int
) -> tuple[float, float]:
    """The victim's p95 alone and beside the neighbour, in seconds."""
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(rounds):
        alone += [await victim.ask() for _ in range(REQUESTS)]
        other.flood(noisy)
        await victim.ask()  # by now all of them have begun
        beside += [await victim.ask() for _ in range(REQUESTS)]
        other.flood(None)
        await victim.ask()  # by now all of them have left
    return p95(alone), p95(beside)


async def main(*, real: bool, rounds: int) -> bool:
    """Print the table; whether every ratio is within the limit."""
    print(f"| {CALLERS} callers beside, with | p95 alone | p95 beside | ratio |\n|---|--:|--:|--:|")
    ratios = []
    async with (
        neighbour() as other,
        neighbours(other, real=real) as (victim, noisy, operators),
    ):
        for name, quotas in QUOTAS.items():
            path = f"/dedicated/admin/v1/team/{noisy.id}/quota"
            (await operators.put(path, json=quotas)).raise_for_status()
            alone, beside = await measure(victim, noisy, other, rounds=rounds)
            ratios.append(beside / alone)
            print(f"| {name} | {alone:.3f} s | {beside:.3f} s | {beside / alone:.2f} |", flush=True)
    return max(ratios) <= LIMIT


if __name__ == "__main__":
    words = sys.argv[1:]
    if words == ["--neighbour"]:
        sys.exit(asyncio.run(be_neighbour()))
    numbers = [int(word) for word in words if word.isdecimal()]
    passed = asyncio.run(main(real="--postcard" in words, rounds=(numbers or [ROUNDS])[0]))
    sys.exit(0 if passed else 1)
