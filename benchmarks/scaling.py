"""What the engine itself costs, apart from networks and pipelines, as the work grows.

Engine time is the processor time of a step that is spent neither in a forward nor in a pipeline's
own code: admission, order, picking, predictions, accounts. The goal is less than 5 % of a step.
Measured with Postcard over some steps in the middle of the work; prints Markdown tables.

    python -m benchmarks.scaling [--only queue,concurrency,adapters,steps,size] [--most N]
        [--json FILE] [--page]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any

import torch
from friendli_engine.engine import Engine
from friendli_engine.network import SharedNetwork
from friendli_engine.request import ImageRequest
from friendli_engine.run import Run

from benchmarks.engine import KNEES
from benchmarks.workload.plain import ADAPTERS, postcard, quiet
from benchmarks.workload.report import keep, machine, options
from benchmarks.workload.score import table

FORWARDS = 16
"""Denoiser steps that a figure is the median of."""
HEAD = ("submit ms", "step ms", "engine ms", "share")


@dataclass
class Stopwatch:
    """Processor seconds of this thread inside what it watches; nothing is counted twice."""

    seconds: float = 0.0
    _inside: bool = False

    def watch(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """`method`, with its time counted."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return method(*args, **kwargs)
            began, self._inside = time.thread_time(), True
            try:
                return method(*args, **kwargs)
            finally:
                self._inside = False
                self.seconds += time.thread_time() - began

        return watched


@contextmanager
def not_the_engine() -> Iterator[Stopwatch]:
    """Counts forwards and pipelines' own code."""
    watch, run, resume = Stopwatch(), SharedNetwork.run, Run.resume
    SharedNetwork.run, Run.resume = watch.watch(run), watch.watch(resume)  # type: ignore[method-assign]
    try:
        yield watch
    finally:
        SharedNetwork.run, Run.resume = run, resume  # type: ignore[method-assign]


def requests(
    count: int, *, steps: int = 20, size: int = 256, routes: Iterable[str | None] = (None,)
) -> list[ImageRequest]:
    """Equal requests, but for the seed and the adapter."""
    return [
        ImageRequest(
            id=f"{seed}", prompt="a red car", seed=seed, steps=steps, width=size, height=size,
            adapter=route,
        )
        for seed, route in enumerate(islice(cycle(routes), count))
    ]  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Seconds to submit a request, of a denoiser step, and of the engine in it."""

    submit: float
    step: float
    engine: float

    @property
    def share(self) -> float:
        """What the engine itself takes of a step."""
        return self.engine / self.step

    @property
    def cells(self) -> list[str]:
        """The figures as text, in the order of `HEAD`."""
        times = (f"{s * 1e3:.2f}" for s in (self.submit, self.step, self.engine))
        return [*times, f"{self.share:.1%}"]


def cost(asked: list[ImageRequest], *, max_active: int = 64, routes: int = 0) -> Cost:
    """Medians over some steps in the middle of the work."""
    with Engine(postcard(), max_active=max_active, profiles=KNEES) as engine:
        for number in range(routes):
            engine.load_adapter(f"a{number}", ADAPTERS["sketch"])
        began = time.thread_time()
        for request in asked:
            engine.submit(request)
        submitting = (time.thread_time() - began) / len(asked)
        with not_the_engine() as watch:
            for _ in range(min(len(asked), max_active) + 8):  # prompts are read, knees measured
                engine.step()
            steps = [_step(engine, watch) for _ in range(FORWARDS) if engine.busy]
    whole, own = (statistics.median(column) for column in zip(*steps, strict=True))
    return Cost(submitting, whole, own)


def _step(engine: Engine, watch: Stopwatch) -> tuple[float, float]:
    """Processor seconds of a step, and of the engine in it."""
    began, outside = time.thread_time(), watch.seconds
    engine.step()
    whole = time.thread_time() - began
    return whole, whole - (watch.seconds - outside)


def queue(most: int) -> Iterator[tuple[int, Cost]]:
    """Requests that wait."""
    for count in (1, 100, 1000, 10_000):
        if count <= most:
            yield count, cost(requests(count))


def concurrency(most: int) -> Iterator[tuple[int, Cost]]:
    """Requests that run."""
    for count in (1, 4, 16, 64, 256):
        if count <= most:
            yield count, cost(requests(count), max_active=256)


def adapters(most: int) -> Iterator[tuple[int, Cost]]:
    """Adapters that are loaded, and mixed in the forwards of 16 requests."""
    for count in (1, 4, 16, 64):
        if count <= most:
            routes = [f"a{number}" for number in range(count)]
            yield count, cost(requests(16, routes=routes), routes=count)


def steps(_: int) -> Iterator[tuple[int, Cost]]:
    """Steps of each of 8 requests."""
    for count in (10, 20, 50):
        yield count, cost(requests(8, steps=count))


def size(_: int) -> Iterator[tuple[int, Cost]]:
    """Sides of pictures, 4 requests."""
    for side in (128, 256, 512):
        yield side, cost(requests(4, size=side))


SWEEPS = {sweep.__name__: sweep for sweep in (queue, concurrency, adapters, steps, size)}


def main() -> None:
    """Measure what was asked for, print, and keep what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(SWEEPS), help="of " + ", ".join(SWEEPS))
    parser.add_argument("--most", type=int, default=10_000, help="the largest number of a sweep")
    options(parser)
    given = parser.parse_args()
    torch.set_num_threads(1)
    quiet()
    figures: dict[str, Any] = {"machine": machine()}
    told = []
    for name in given.only.split(","):
        costs = dict(SWEEPS[name](given.most))
        rows = [[number, *one.cells] for number, one in costs.items()]
        told += [f"**{SWEEPS[name].__doc__}**", table([name, *HEAD], rows)]
        print("\n\n".join(["", *told[-2:]]), flush=True)
        figures[name] = {str(number): asdict(one) for number, one in costs.items()}
    keep("scaling", figures, told, given)


if __name__ == "__main__":
    main()
