"""The engine against stock diffusers in one process, in processor time of one thread.

The same trace of requests, the same Postcard weights: stock pipelines one request after the other,
against requests that share forwards. Time is the thread's processor time, and skips idle gaps, so
that what else runs on the machine falls on neither queue. Every picture is compared with the stock
one, byte for byte. Prints Markdown tables.

    python -m benchmarks.engine [--requests 60] [--rounds 3] [--only replay,policies,…]
        [--loads 0.5,…] [--json FILE] [--page]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from friendli_engine.engine import Engine
from friendli_engine.policy import Policy
from friendli_engine.request import Failed, Finished, ImageRequest
from msgspec.structs import replace

from benchmarks.workload.clock import Clock, timed
from benchmarks.workload.plain import ADAPTERS, Plain, postcard, quiet
from benchmarks.workload.report import keep, machine, options
from benchmarks.workload.score import (
    HEAD,
    Outcome,
    Rounds,
    Score,
    cells,
    middle,
    ratio_table,
    ratios,
    score,
    score_table,
    table,
)
from benchmarks.workload.trace import STEPS, Ask, trace

STOCK, ENGINE = "stock, first come first served", "engine"
LOADS = "0.5,0.95,1.4,inf"
"""Of the capacity of stock diffusers; infinite: all at once."""
REPEATS = 5
"""In each round, of what takes little time."""
KNEES = Path(__file__).parents[1] / ".cache" / "knees"
POLICIES = {
    "earliest deadline (default)": 3.0,
    "first come, first served": 0.0,
    "shortest first": 1000.0,
}


class Stock:
    """Stock diffusers: each request's picture and how long it took."""

    def __init__(self, asks: Sequence[Ask]) -> None:
        self._plain, self._asks = Plain(), asks
        self.pictures: dict[str, bytes] = {}
        self.seconds: dict[str, float] = {}
        for ask in asks[:10]:  # lazy set-up
            self._plain.picture(replace(ask.request, steps=1))

    def measure(self) -> None:
        """Make and time every picture of the trace, one after the other."""
        for ask in self._asks:
            began = time.thread_time()
            self.pictures[ask.request.id] = self._plain.picture(ask.request)
            self.seconds[ask.request.id] = time.thread_time() - began

    @property
    def unit(self) -> float:
        """Seconds of a mean picture: the inverse of the capacity."""
        return statistics.fmean(self.seconds.values())

    def outcome(self, ask: Ask, arrived: float, ended: float, picture: bytes) -> Outcome:
        """What became of a request in a replay."""
        name = ask.request.id
        alone = statistics.fmean(
            self.seconds[other.request.id]
            for other in self._asks
            if other.request.steps == ask.request.steps
        )
        equal = picture == self.pictures[name]
        return Outcome(ask.request.steps, alone, arrived, ended, equal)

    def replay(self, load: float) -> list[Outcome]:
        """First come, first served: a queue is arithmetic once the services are known."""
        free, outcomes = 0.0, []
        for ask in self._asks:
            arrived = ask.at * self.unit / load
            free = max(free, arrived) + self.seconds[ask.request.id]
            outcomes.append(self.outcome(ask, arrived, free, self.pictures[ask.request.id]))
        return outcomes


def replay(engine: Engine, asks: Sequence[Ask], stock: Stock, load: float) -> list[Outcome]:
    """The trace through the engine."""
    clock, coming = Clock(), deque(asks)
    running: dict[str, tuple[Ask, float]] = {}
    outcomes: list[Outcome] = []
    while coming or engine.busy:
        if not engine.busy:
            clock.skip_to(coming[0].at * stock.unit / load)
        while coming and coming[0].at * stock.unit / load <= clock.now:
            ask = coming.popleft()
            running[ask.request.id] = ask, ask.at * stock.unit / load
            engine.submit(ask.request)
        for event in engine.step():
            if isinstance(event, Failed):
                raise TypeError(event)
            if isinstance(event, Finished):
                ask, arrived = running.pop(event.id)
                outcomes.append(stock.outcome(ask, arrived, clock.now, event.pixels.data))
    return outcomes


def engine_with(**options: object) -> Engine:
    """An engine of Postcard, its adapters and its ControlNets, with the knees of earlier runs."""
    engine = Engine(postcard(), profiles=KNEES, **options)  # type: ignore[arg-type]
    for route, path in ADAPTERS.items():
        engine.load_adapter(route, path)
    return engine


def _run(engine: Engine, requests: Sequence[ImageRequest]) -> None:
    list(engine.generate(requests))


def warm(engine: Engine, asks: Sequence[Ask]) -> None:
    """Measure the knees of everything in the trace, and let lazy set-up happen."""
    requests = [replace(ask.request, steps=2) for ask in asks]
    list(engine.generate(requests))


def replays(asks: Sequence[Ask], rounds: int, loads: Sequence[float]) -> Rounds:
    """Stock and engine in turns, at each load."""
    stock = Stock(asks)
    seen: Rounds = {}
    with engine_with() as engine:
        warm(engine, asks)
        for _ in range(rounds):
            stock.measure()
            for load in loads:
                for name, outcomes in (
                    (STOCK, stock.replay(load)),
                    (ENGINE, replay(engine, asks, stock, load)),
                ):
                    seen.setdefault((load, name), []).append(score(outcomes))
    return seen


def policies(asks: Sequence[Ask], rounds: int) -> dict[str, Score]:
    """Orders of things at the highest load, and the default without shared forwards."""
    stock = Stock(asks)
    seen: dict[str, list[Score]] = {}

    def run(name: str, engine: Engine) -> None:
        seen.setdefault(name, []).append(score(replay(engine, asks, stock, 1.4)))

    with engine_with() as sharing, engine_with(max_rows=1) as single:
        warm(sharing, asks)
        for _ in range(rounds):
            stock.measure()
            for name, slack in POLICIES.items():
                sharing.policy = Policy(slack=slack)
                run(name, sharing)
            run("default, one request a forward", single)
    return {name: middle(scores) for name, scores in seen.items()}


def alone(rounds: int) -> dict[int, tuple[float, float]]:
    """(stock, engine) seconds of one request on an idle engine, by steps; prompts are new."""
    plain = Plain(adapters={})
    pairs: dict[int, list[tuple[float, float]]] = {}
    with Engine(postcard(), profiles=KNEES) as engine:
        for number, ask in enumerate(trace(len(STEPS) * (REPEATS * rounds + 1))):
            steps = STEPS[number % len(STEPS)]
            asked = ImageRequest(id="", prompt=ask.request.prompt, seed=number, steps=steps)
            stock = timed(partial(plain.picture, asked))
            ours = timed(partial(_run, engine, [asked]))
            if number >= len(STEPS):  # the first of each is a warm-up
                pairs.setdefault(steps, []).append((stock, ours))
    columns = {steps: list(zip(*both, strict=True)) for steps, both in sorted(pairs.items())}
    return {s: (statistics.median(a), statistics.median(b)) for s, (a, b) in columns.items()}


def by_rows(rounds: int) -> dict[int, float]:
    """Seconds of a denoiser step for so many requests at once."""
    seen: dict[int, list[float]] = {}
    with Engine(postcard(), gain=-1.0, profiles=KNEES) as engine:
        _step_seconds(engine, 1)  # measures what is not known yet
        for _ in range(REPEATS * rounds):
            for rows in (1, 2, 4, 8, 16):
                seen.setdefault(rows, []).append(_step_seconds(engine, rows))
    return {rows: statistics.median(seconds) for rows, seconds in seen.items()}


def _step_seconds(engine: Engine, rows: int) -> float:
    """The difference between eleven steps and one, for `rows` equal prompts: steps alone."""
    took = []
    for steps in (1, 11):
        asked = [
            ImageRequest(id=f"{seed}", prompt="a red car", seed=seed, steps=steps)
            for seed in range(rows)
        ]
        took.append(timed(partial(_run, engine, asked)))
    return (took[1] - took[0]) / 10


def replays_part(asks: Sequence[Ask], rounds: int, loads: Sequence[float]) -> Part:
    """Replays of the trace, against stock diffusers."""
    seen = replays(asks, rounds, loads)
    scores, multiples = {key: middle(all_) for key, all_ in seen.items()}, ratios(seen, ENGINE)
    figures = {f"{load} {name}": asdict(one) for (load, name), one in scores.items()}
    figures |= {f"{load} ratios": of for load, _, of in multiples}
    return figures, "\n\n".join([score_table(scores), ratio_table(multiples)])


def policies_part(asks: Sequence[Ask], rounds: int, _: object) -> Part:
    """The same trace at 1.4 times the capacity, under several orders of things."""
    scores = policies(asks, rounds)
    rows = [[name, *cells(one)] for name, one in scores.items()]
    return {name: asdict(one) for name, one in scores.items()}, table(["order", *HEAD], rows)


def alone_part(_: object, rounds: int, __: object) -> Part:
    """What one request costs on an idle engine: what is fixed, and what each step adds."""
    seconds = alone(rounds)
    rows = [
        [steps, f"{a * 1000:.1f}", f"{b * 1000:.1f}", f"{b / a:.2f}"]
        for steps, (a, b) in seconds.items()
    ]
    head = ["steps, one request alone", "stock ms", "engine ms", "ratio"]
    return {str(steps): both for steps, both in seconds.items()}, table(head, rows)


def rows_part(_: object, rounds: int, __: object) -> Part:
    """Time of a denoiser step against the requests in it."""
    seconds = by_rows(rounds)
    rows = [
        [n, f"{s * 1000:.1f}", f"{s * 1000 / n:.1f}", f"{seconds[1] * n / s:.2f}×"]
        for n, s in seconds.items()
    ]
    head = ["requests in a step", "ms", "ms each", "against one by one"]
    return {str(n): s for n, s in seconds.items()}, table(head, rows)


Part = tuple[dict[str, Any], str]
"""Figures, and a table of them."""
PARTS: dict[str, Callable[[Sequence[Ask], int, Sequence[float]], Part]] = {
    "replay": replays_part,
    "policies": policies_part,
    "alone": alone_part,
    "rows": rows_part,
}


def main() -> None:
    """Measure what was asked for, print, and keep what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loads", default=LOADS)
    parser.add_argument("--only", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    options(parser)
    given = parser.parse_args()
    torch.set_num_threads(1)
    quiet()
    asks, loads = trace(given.requests), [float(load) for load in given.loads.split(",")]
    told: list[str] = []
    figures: dict[str, Any] = {"machine": machine(requests=given.requests, rounds=given.rounds)}
    for name in given.only.split(","):
        figures[name], shown = PARTS[name](asks, given.rounds, loads)
        told += [f"**{PARTS[name].__doc__}**", shown]
        print("\n\n".join(["", *told[-2:]]), flush=True)
    keep("engine", figures, told, given)


if __name__ == "__main__":
    main()
