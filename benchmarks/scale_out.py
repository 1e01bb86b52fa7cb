"""What a cluster costs beside one machine, and what one gateway can carry.

`starts`: from nothing to one replica and to several, as processes of this machine and as actors of
a Ray cluster of as many nodes, all on this machine. `path`: the same picture from either, by turns.
`memory`: what only their own processes hold, once a picture was made. `gateway`: a gateway in front
of a container that makes black pictures at once, beside that container alone; on SQLite, and on
PostgreSQL where it is installed. Prints Markdown tables.

    python -m benchmarks.scale_out [--replicas 2] [--requests 200] [--rounds 3] [--only starts,…]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from itertools import product
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]
from friendli_server.dedicated import operator
from friendli_server.dedicated.replicas.container import ContainerClient
from friendli_server.dedicated.replicas.instances import Instances
from friendli_server.dedicated.replicas.interfaces import ReplicaLauncher, ReplicaSpec
from friendli_server.dedicated.replicas.local import LocalProcesses
from friendli_server.dedicated.replicas.offers import Offers
from friendli_server.dedicated.replicas.ports import free_port

from benchmarks.workload.score import table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dedicated import postgres  # after the path
from dedicated.processes import start_gateway
from dedicated.rays import Rays, is_container, processes_of, rays

ENDPOINTS, GENERATE = "/dedicated/beta/endpoint", "/dedicated/v1/images/generations"
OFFERS, SPEC = Offers({"postcard": "postcard"}), ReplicaSpec(model="postcard")
ASKED = {"prompt": "a red kite", "num_inference_steps": 4, "seed": 1}
AT_ONCE = 32
Ask = Callable[[], Awaitable[None]]
Row = list[str]


@asynccontextmanager
async def launchers(nodes: int) -> AsyncIterator[tuple[dict[str, ReplicaLauncher], Rays]]:
    """Both kinds, by name, and the cluster of the second."""
    from friendli_server.dedicated.replicas.cluster import RayCluster  # noqa: PLC0415 - an extra

    with tempfile.TemporaryDirectory() as folder, rays(Path(folder), nodes=nodes) as cluster:
        on_ray = RayCluster(
            cluster.address, namespace="benchmark", offers=OFFERS, instances=Instances({})
        )
        kinds: dict[str, ReplicaLauncher] = {"processes": LocalProcesses(OFFERS), "Ray": on_ray}
        yield kinds, cluster
        for launcher in kinds.values():
            await launcher.close()


async def started(
    launcher: ReplicaLauncher, names: list[str], http: httpx2.AsyncClient
) -> tuple[float, list[str]]:
    """Seconds until all of them are ready, and where they listen."""
    prober, began = ContainerClient(http), time.perf_counter()

    async def start(name: str) -> str:
        url = await launcher.launch(name, SPEC)
        while not (await prober.health(url)).ready:  # noqa: ASYNC110 - a container sends no event
            await asyncio.sleep(0.05)
        return url

    urls = await asyncio.gather(*map(start, names))
    return time.perf_counter() - began, urls


async def starts(given: argparse.Namespace) -> None:
    """Medians over the rounds, both kinds in each."""
    seen: dict[tuple[str, int], list[float]] = {}
    async with launchers(given.replicas) as (kinds, _), httpx2.AsyncClient() as http:
        for turn, count in product(range(given.rounds), (1, given.replicas)):
            for kind, launcher in kinds.items():
                names = [f"{kind}-{turn}-{count}-{n}" for n in range(count)]
                seconds, _ = await started(launcher, names, http)
                await asyncio.gather(*map(launcher.stop, names))
                seen.setdefault((kind, count), []).append(seconds)
    rows = [[kind, str(n), f"{statistics.median(all_):.1f}"] for (kind, n), all_ in seen.items()]
    print(table(["replicas as", "from 0 to", "seconds"], rows), flush=True)


async def timed(ask: Ask, count: int) -> list[float]:
    """Seconds of each, one after the other."""
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        await ask()
        seconds.append(time.perf_counter() - began)
    return seconds


async def path(given: argparse.Namespace) -> None:
    """One picture of 4 steps from a replica of either kind, by turns."""
    seen: dict[str, list[float]] = {}
    async with launchers(1) as (kinds, _), httpx2.AsyncClient(timeout=60) as http:
        asks = {}
        for kind, launcher in kinds.items():
            _, (url,) = await started(launcher, [kind], http)
            asks[kind] = asking(http, f"{url}/v1/images/generations", ASKED)
        for _ in range(given.requests // 5):
            for kind, ask in asks.items():
                seen.setdefault(kind, []).extend(await timed(ask, 5))
        for kind, launcher in kinds.items():
            await launcher.stop(kind)
    rows = [[kind, f"{statistics.median(all_) * 1e3:.0f}"] for kind, all_ in seen.items()]
    print(table(["a picture of 4 steps from", "p50 ms"], rows), flush=True)


async def memory(_given: argparse.Namespace) -> None:
    """A replica of either kind, and what Ray takes beside it."""
    async with launchers(1) as (kinds, cluster), httpx2.AsyncClient(timeout=60) as http:
        for kind, launcher in kinds.items():
            _, (url,) = await started(launcher, [kind], http)
            await asking(http, f"{url}/v1/images/generations", ASKED)()
        (node,), head = cluster.cluster.worker_nodes, psutil.Process().children()
        on_node = set(processes_of(node))
        by_actor = trees(filter(is_container, on_node))
        by_process = trees(child for child in head if is_container(child))
        of_head = {
            psutil.Process(one.process.pid)
            for kind in cluster.cluster.head_node.all_processes.values()
            for one in kind
        }
        held = {
            "a replica as a process": by_process,
            "a replica as an actor": by_actor,
            "beside it: Ray's processes of a node, the actor's among them": on_node - by_actor,
            "Ray's head": of_head,
        }
        rows = [[name, f"{own(processes):.0f}"] for name, processes in held.items()]
        for kind, launcher in kinds.items():
            await launcher.stop(kind)
    print(table(["", "MiB"], rows), flush=True)


def trees(roots: Iterable[psutil.Process]) -> set[psutil.Process]:
    """Processes and all below them."""
    return {process for root in roots for process in (root, *root.children(recursive=True))}


def own(processes: Iterable[psutil.Process]) -> float:
    """MiB that would be free if they ended."""
    return float(sum(process.memory_full_info().uss for process in processes)) / 2**20


def asking(http: httpx2.AsyncClient, url: str, body: Mapping[str, object]) -> Ask:
    """One picture from there."""

    async def ask() -> None:
        answer = await http.post(url, json=body)
        answer.raise_for_status()

    return ask


async def together(ask: Ask, count: int) -> float:
    """Answers per second, `AT_ONCE` under way."""
    began = time.perf_counter()

    async def caller() -> None:
        for _ in range(count // AT_ONCE):
            await ask()

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return AT_ONCE * (count // AT_ONCE) / (time.perf_counter() - began)


async def gateway(given: argparse.Namespace) -> None:
    """The container alone, and behind a gateway on each database."""
    rows = []
    async with AsyncExitStack() as stack:
        files = ExitStack()
        stack.push(files)
        container = await stack.enter_async_context(blank())
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=60))
        alone = asking(http, f"{container}/v1/images/generations", ASKED)
        await timed(alone, 20)
        rows.append(["the container alone", *(await cost(alone, None, given.requests))])
        for name, url in databases(files):
            rows.append([f"a gateway on {name}", *await behind(url, container, given)])
    head = ["", "p50 ms", f"answers/s, {AT_ONCE} at once", "the gateway's processor, ms an answer"]
    print(table(head, rows), flush=True)


def databases(stack: ExitStack) -> Iterator[tuple[str, str]]:
    """By name: SQLite, and PostgreSQL where it is installed."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    yield "SQLite", f"sqlite+aiosqlite:///{folder}/gateway.db"
    if where := postgres.binaries():
        yield "PostgreSQL", stack.enter_context(postgres.serving(where)).url


async def behind(database: str, container: str, given: argparse.Namespace) -> Row:
    """Figures of a gateway in front of the container."""
    with tempfile.TemporaryDirectory() as folder:
        return await _behind(database, container, Path(folder), given)


async def _behind(database: str, container: str, folder: Path, given: argparse.Namespace) -> Row:
    await operator.migrate(database)
    team = await operator.create_team(database, "kites", owner="ada")
    token = await operator.create_token(database, "t", team=team, user="ada")
    flags = ["--database", database, "--results", f"{folder}/results", "--metrics-port", "0"]
    process = await start_gateway(folder / "log", *flags, "--replica", f"blank={container}")
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=process.url, headers=headers, timeout=60) as http:
        body = {
            "projectId": "",
            "name": "kites",
            "instanceOptionId": "",
            "advanced": {},
            "hfModelRepo": "blank",
            "simplescale": {"replicas": 1},
        }
        endpoint = (await http.post(ENDPOINTS, json=body)).json()["id"]
        wanted = {**ASKED, "model": endpoint, "response_format": "jpeg"}
        ask = asking(http, GENERATE, wanted)
        await timed(ask, 20)  # the first waits until the endpoint runs
        figures = await cost(ask, psutil.Process(process.process.pid), given.requests)
    await process.stop()
    return figures


async def cost(ask: Ask, process: psutil.Process | None, requests: int) -> Row:
    """Latency one by one; answers per second and a process's seconds for each when many ask."""
    latencies = await timed(ask, requests)
    before = process and sum(process.cpu_times()[:2])
    rate = await together(ask, 5 * requests)
    spent = process and sum(process.cpu_times()[:2]) - before
    answers = AT_ONCE * (5 * requests // AT_ONCE)
    told = f"{spent / answers * 1e3:.1f}" if spent else "–"
    return [f"{statistics.median(latencies) * 1e3:.1f}", f"{rate:.0f}", told]


@asynccontextmanager
async def blank() -> AsyncIterator[str]:
    """A container whose engine does nothing, in a process of its own."""
    port = free_port("127.0.0.1")
    words = (sys.executable, "-m", "benchmarks.peers.blank", str(port))
    process = await asyncio.create_subprocess_exec(*words)
    url = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient() as http:
        while not (await ContainerClient(http).health(url)).ready:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    yield url
    process.terminate()
    await process.wait()


PARTS = {"starts": starts, "path": path, "memory": memory, "gateway": gateway}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    given = parser.parse_args()
    for part in given.only.split(","):
        asyncio.run(PARTS[part](given))


if __name__ == "__main__":
    main()
