"""What serving costs without the pictures: each server around a model that does nothing.

Ours runs its whole way (guard, validation, admission, encoding of the answer) around an engine that
answers at once; the others around a function that does. All send the same 192 KiB picture as
base64. The round trip to our engine's process comes on top in real life and is told apart.
Processor time is that of all the server's processes. Prints Markdown tables.

    python -m benchmarks.server [--requests 300] [--rounds 3] [--servers ours,plain,LitServe,…]
        [--json FILE] [--page]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlsplit

import friendli_postcard
from friendli_engine.client import EngineClient
from friendli_engine.errors import UnknownAdapterError
from msgspec.structs import replace as with_fields

from benchmarks.serve import client_of
from benchmarks.workload.contender import (
    FIFO,
    OTHERS,
    PATH,
    PEERS,
    Contender,
    Running,
    running,
)
from benchmarks.workload.report import keep, machine, options
from benchmarks.workload.score import table
from benchmarks.workload.trace import body, trace

BLANK = {"FRIENDLI_BENCH_BLANK": "1"}
OURS = Contender("ours", "benchmarks.peers.blank", edits=True)
AT_ONCE = 32
HEAD = ("server, no model", "p50 ms", f"answers/s, {AT_ONCE} at once", "processor ms", "MiB")
PLAIN = with_fields(
    trace(1)[0].request, steps=1, guidance=0.0, adapter=None, images=(), control_images=()
)


@dataclass(frozen=True)
class Cost:
    """Seconds until an answer has come, answers per second, processor seconds of one, MiB."""

    latency: float
    rate: float
    processor: float
    memory: float


async def cost(contender: Contender, server: Running, requests: int) -> Cost:
    """First one by one, then many at once."""
    wire = body(PLAIN)
    async with client_of(server) as client:

        async def worker(count: int) -> None:
            for _ in range(count):
                await contender.picture(client, wire)

        await worker(20)
        latencies = one_by_one(contender, server, requests)
        began, before = time.perf_counter(), server.processor
        await asyncio.gather(*(worker(requests // AT_ONCE + 1) for _ in range(AT_ONCE)))
        answers, seconds = AT_ONCE * (requests // AT_ONCE + 1), time.perf_counter() - began
    processor = (server.processor - before) / answers
    return Cost(statistics.median(latencies), answers / seconds, processor, server.memory)


def one_by_one(contender: Contender, server: Running, count: int) -> list[float]:
    """Seconds from sending a request to its answer's last byte, which nobody reads any further.

    The standard library's client: what a larger one takes for itself is not the server's.
    """
    address, asked = urlsplit(server.url), json.dumps(contender.asked(body(PLAIN))).encode()
    line, seconds = HTTPConnection(str(address.hostname), address.port), []
    for _ in range(count):
        began = time.perf_counter()
        line.request("POST", PATH, asked, {"Content-Type": "application/json"})
        answer = line.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - began)
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{contender.name} answered {answer.status}.")
    line.close()
    return seconds


async def round_trips(count: int) -> float:
    """Seconds of a question to the engine's process, and its answer."""
    async with EngineClient(friendli_postcard.path()) as engine:
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            try:
                await engine.unload_adapter("none of this name")
            except UnknownAdapterError:
                seconds.append(time.perf_counter() - began)
        return statistics.median(seconds)


def chosen(words: str) -> Iterator[Contender]:
    """Those whose names begin with one of the words."""
    for contender in (OURS, FIFO, *OTHERS):
        if any(contender.name.startswith(word) for word in words.split(",")):
            yield replace(contender, environment=BLANK)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(*(statistics.median(vars(c)[name] for c in costs) for name in vars(costs[0])))


def measure(given: argparse.Namespace) -> dict[str, Cost]:
    """Every server once a round; medians."""
    seen: dict[str, list[Cost]] = {}
    for _ in range(given.rounds):
        for contender in chosen(given.servers):
            with running(contender, body(PLAIN)) as server:
                one = asyncio.run(cost(contender, server, given.requests))
            seen.setdefault(contender.name, []).append(one)
    return {name: middle(costs) for name, costs in seen.items()}


def cells(one: Cost) -> list[str]:
    """The figures as text, in the order of `HEAD`."""
    times = f"{one.latency * 1e3:.1f}", f"{one.rate:.0f}", f"{one.processor * 1e3:.1f}"
    return [*times, f"{one.memory:.0f}"]


def main() -> None:
    """Measure in turns, print, and keep what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", default="ours,plain,LitServe,Ray,BentoML")
    options(parser)
    given = parser.parse_args()
    where = machine(requests=given.requests, rounds=given.rounds, **PEERS)
    costs, trip = measure(given), asyncio.run(round_trips(given.requests))
    shown = table(HEAD, [[name, *cells(one)] for name, one in costs.items()])
    told = [shown, f"To our engine's process and back: {trip * 1e3:.2f} ms (p50)."]
    print("\n\n".join(told))
    servers = {name: asdict(one) for name, one in costs.items()}
    keep("server", {"machine": where, "servers": servers, "round trip": trip}, told, given)


if __name__ == "__main__":
    main()
