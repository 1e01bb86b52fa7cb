"""Servers side by side: one open-loop Poisson trace over HTTP, the same weights, one machine.

All contenders are started first and answer in turns, a minute or less each, in another order every
round: what else happens on the machine falls on all of them. Requests come when the trace says,
answered or not. The load is a multiple of what plain diffusers can do, measured at the beginning of
each round by asking its server for the whole trace, one by one; those are also the pictures that
all others are compared with.

Figures are medians over the rounds; latencies are the client's. Ratios are taken within a round,
then their median. Processor seconds are those of all of a server's processes.

    python -m benchmarks.serve [--requests 30] [--rounds 3] [--loads 0.5,0.95,1.4] [--threads N]
        [--servers ours,LitServe,Ray,BentoML] [--json FILE] [--page]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import product

import httpx2
import psutil  # type: ignore[import-untyped]
from msgspec.structs import replace

from benchmarks.workload.chart import chart
from benchmarks.workload.contender import FIFO, OTHERS, OURS, PEERS, Contender, Running, running
from benchmarks.workload.report import PAGE, keep, machine, options
from benchmarks.workload.score import (
    Outcome,
    Rounds,
    Score,
    middle,
    ratio_table,
    ratios,
    score,
    score_table,
)
from benchmarks.workload.trace import Ask, body, trace

Servers = dict[Contender, Running]


@dataclass
class Reference:
    """Plain diffusers, asked one by one: pictures, and how long each number of steps takes."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    seconds: dict[int, list[float]] = field(default_factory=dict)

    @property
    def unit(self) -> float:
        """Seconds of a mean picture: the inverse of the capacity."""
        return statistics.fmean(second for all_ in self.seconds.values() for second in all_)

    def outcome(self, ask: Ask, arrived: float, ended: float, picture: bytes) -> Outcome:
        """What became of a request in a replay."""
        request = ask.request
        alone = statistics.fmean(self.seconds[request.steps])
        equal = picture == self.pictures[request.id]
        return Outcome(request.steps, alone, arrived, ended, equal)


def client_of(server: Running) -> httpx2.AsyncClient:
    """As many connections as there are requests, and patience."""
    limits = httpx2.Limits(max_connections=None)
    return httpx2.AsyncClient(base_url=server.url, timeout=3600, limits=limits)


async def reference(server: Running, asks: Sequence[Ask]) -> Reference:
    """Ask for the whole trace, one request after the other."""
    known = Reference()
    async with client_of(server) as client:
        for ask in asks:
            began = time.perf_counter()
            picture = await FIFO.picture(client, body(ask.request))
            known.pictures[ask.request.id] = picture
            known.seconds.setdefault(ask.request.steps, []).append(time.perf_counter() - began)
    return known


async def warm(contender: Contender, server: Running, asks: Sequence[Ask]) -> None:
    """All kinds of requests at once, twice: knees, windows and lazy set-up."""
    async with client_of(server) as client:
        for _ in range(2):
            wires = [body(replace(ask.request, steps=2)) for ask in asks]
            await asyncio.gather(*(contender.picture(client, wire) for wire in wires))


async def replay(
    contender: Contender, server: Running, asks: Sequence[Ask], known: Reference, load: float
) -> list[Outcome]:
    """The trace at `load` times the capacity of plain diffusers."""
    async with client_of(server) as client:
        wires = {ask.request.id: body(ask.request) for ask in asks}
        zero = time.perf_counter()

        async def one(ask: Ask) -> Outcome:
            arrives = ask.at * known.unit / load
            await asyncio.sleep(arrives - (time.perf_counter() - zero))
            picture = await contender.picture(client, wires[ask.request.id])
            return known.outcome(ask, arrives, time.perf_counter() - zero, picture)

        return await asyncio.gather(*(one(ask) for ask in asks))


async def turn(
    contender: Contender, server: Running, asks: Sequence[Ask], known: Reference, load: float
) -> Score:
    """One replay, with the processor time and the memory that it took."""
    before = server.processor
    outcomes = await replay(contender, server, asks, known, load)
    spent = (server.processor - before) / len(asks)
    return score(outcomes, memory=server.memory, processor=spent)


def started(given: argparse.Namespace, asks: Sequence[Ask], stack: ExitStack) -> Servers:
    """All contenders that start, warm, until `stack` is closed."""
    first = body(replace(asks[0].request, steps=1, adapter=None, control_images=(), images=()))
    servers: Servers = {}
    for contender in chosen(given.servers):
        try:
            server = stack.enter_context(running(contender, first, threads=given.threads))
            asyncio.run(warm(contender, server, asks[:20]))
            servers[contender] = server
        except (RuntimeError, httpx2.HTTPError) as error:
            print(f"{contender.name} left out: {error!r}", flush=True)
    return servers


def rounds(given: argparse.Namespace) -> tuple[Rounds, list[float]]:
    """Every contender in turn, round by round; and the part of the processors that others took."""
    asks, loads = trace(given.requests), [float(load) for load in given.loads.split(",")]
    seen: Rounds = {}
    others = []
    with ExitStack() as stack:
        servers = started(given, asks, stack)
        for number in range(given.rounds):
            known = asyncio.run(reference(servers[FIFO], asks))
            print(f"\nround {number + 1}, {known.unit:.2f} s alone", flush=True)
            order = list(servers)[:: -1 if number % 2 else 1]
            for load, contender in product(loads, order):
                if contender not in servers:
                    continue
                try:
                    with elsewhere(servers.values()) as share:
                        one = asyncio.run(turn(contender, servers[contender], asks, known, load))
                except httpx2.HTTPError as error:
                    print(f"{contender.name} left out from here: {error!r}", flush=True)
                    del servers[contender]
                    continue
                others += share
                seen.setdefault((load, contender.name), []).append(one)
                print(score_table({(load, contender.name): one}).splitlines()[-1], flush=True)
    return seen, others


@contextmanager
def elsewhere(servers: Iterable[Running]) -> Iterator[list[float]]:
    """Gives, after the block, which part of the processors neither servers nor clients took."""

    def own() -> float:
        return sum(server.processor for server in servers) + time.process_time()

    def busy() -> float:
        times = psutil.cpu_times()
        return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)

    share: list[float] = []
    began, before = time.perf_counter(), busy() - own()
    yield share
    took = (busy() - own() - before) / (time.perf_counter() - began)
    share.append(max(took, 0.0) / psutil.cpu_count())


def chosen(words: str) -> Iterator[Contender]:
    """Plain diffusers, and those whose names begin with one of the words."""
    yield FIFO
    for contender in (OURS, *OTHERS):
        if any(contender.name.startswith(word) for word in words.split(",")):
            yield contender


def draw(scores: dict[tuple[float, str], Score]) -> str:
    """The chart beside the page; the line of Markdown that shows it."""
    (PAGE.parent / "images" / "serving.svg").write_text(chart(scores))
    return "![Mean latency of each server at each load](images/serving.svg)"


def main() -> None:
    """Measure, print, and keep what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loads", default="0.5,0.95,1.4")
    parser.add_argument("--threads", type=int, help="torch's threads in every server")
    parser.add_argument("--servers", default="ours,LitServe,Ray,BentoML")
    options(parser)
    given = parser.parse_args()
    asked = {"requests": given.requests, "rounds": given.rounds}
    where = machine(**asked, threads=given.threads or "default", **PEERS)
    seen, others = rounds(given)
    took = f"{statistics.median(others):.0%} of the processors, at most {max(others):.0%}"
    where |= {"other programs took": took}
    scores, multiples = (
        {key: middle(all_) for key, all_ in sorted(seen.items())},
        ratios(seen, OURS.name),
    )
    tables = [score_table(scores), ratio_table(multiples)]
    print("\n" + "\n\n".join(tables))
    figures = {
        "machine": where,
        "scores": [[*key, asdict(one)] for key, one in scores.items()],
        "ratios": multiples,
        "rounds": [[*key, [asdict(one) for one in all_]] for key, all_ in seen.items()],
    }
    tables += [draw(scores)] if given.page else []
    keep("serve", figures, tables, given)


if __name__ == "__main__":
    main()
