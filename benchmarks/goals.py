"""What was aimed at, and what was reached: reads the figures that the other benchmarks left behind.

Measures nothing itself. A goal whose figures are not there is told as not measured.

    python -m benchmarks.goals [--page]      # after runs with --page, and one of 90 requests
"""

from __future__ import annotations

import argparse
import json
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.workload.contender import FIFO, OTHERS, OURS
from benchmarks.workload.report import FIGURES, fill
from benchmarks.workload.score import table

PEERS = {peer.name for peer in OTHERS}
HIGH, FULL = 1.4, math.inf
"""Loads of the goals, as multiples of the capacity of plain diffusers; at the second all requests
come at once. At the first nobody can give more than 1.4 times what arrives."""
RUNS = {HIGH: "serve-long", FULL: "serve"}
"""Whose figures: how far first come, first served falls behind grows with the trace, so the longer
one tells of the high load, beside the best peer of the other."""


@dataclass(frozen=True)
class Goal:
    """A figure and the bound that it should keep."""

    words: str
    bound: float
    reached: Callable[[], float]
    at_least: bool = False
    form: str = "{:.2f}"

    def row(self) -> list[str]:
        """What, the bound, the figure, whether it is met."""
        sign, keeps = ("≥", operator.ge) if self.at_least else ("≤", operator.le)
        try:
            figure = self.reached()
        except (FileNotFoundError, KeyError):
            return [self.words, f"{sign} {self.form.format(self.bound)}", "–", "not measured"]
        told = "met" if keeps(figure, self.bound) else "**missed**"
        return [
            self.words,
            f"{sign} {self.form.format(self.bound)}",
            self.form.format(figure),
            told,
        ]


@cache
def read(name: str) -> dict[str, Any]:
    """The figures that a benchmark left behind."""
    figures: dict[str, Any] = json.loads((FIGURES / f"{name}.json").read_text())
    return figures


def multiples(what: str, load: float) -> dict[str, float]:
    """Ours at a load, as a multiple of each other server: medians of ratios."""
    told = read(RUNS[load])["ratios"]
    return {name: float(ratios[what]) for at, name, ratios in told if at == load}


def against(what: str, load: float = HIGH) -> float:
    """Ours as a multiple of plain diffusers."""
    return multiples(what, load)[FIFO.name]


def best(what: str, choose: Callable[[list[float]], float], load: float = HIGH) -> float:
    """Ours as a multiple of the best peer."""
    found = [multiple for name, multiple in multiples(what, load).items() if name in PEERS]
    if not found:
        raise KeyError(what)
    return choose(found)


def equal() -> float:
    """The share of our pictures with the bytes of plain diffusers, at the worst load."""
    scores = (score for run in RUNS.values() for score in read(run)["scores"])
    return min(float(one["equal"]) for _, name, one in scores if name == OURS.name)


def alone() -> float:
    """Engine over stock, one request at a time, all numbers of steps together."""
    stock, ours = (sum(column) for column in zip(*read("engine")["alone"].values(), strict=True))
    return float(ours / stock)


def overhead() -> float:
    """Milliseconds that HTTP and the engine's process add to a picture."""
    figures = read("server")
    return float(figures["servers"][OURS.name]["latency"] + figures["round trip"]) * 1e3


def cold() -> float:
    """From nothing to the first picture, as a multiple of plain diffusers."""
    starts = read("startup")["starts"]
    return float(starts["friendli serve"][0] / starts["diffusers"][0])


def queued() -> float:
    """The engine's own share of a step with the longest queue."""
    longest = read("scaling")["queue"]["10000"]
    return float(longest["engine"] / longest["step"]) * 100


GOALS = (
    Goal("images/s at 1.4×, of plain diffusers", 1.5, lambda: against("rate"), at_least=True),
    Goal("images/s at 1.4×, of the best peer", 1.3, lambda: best("rate", min), at_least=True),
    Goal(
        "images/s when all come at once, of plain diffusers",
        1.5,
        lambda: against("rate", FULL),
        at_least=True,
    ),
    Goal(
        "images/s when all come at once, of the best peer",
        1.3,
        lambda: best("rate", min, FULL),
        at_least=True,
    ),
    Goal("mean latency at 1.4×, of plain diffusers", 1 / 6, lambda: against("mean")),
    Goal("mean latency at 1.4×, of the best peer", 1 / 2, lambda: best("mean", max)),
    Goal("mean latency of ≤ 4 steps at 1.4×, of plain diffusers", 1 / 20, lambda: against("short")),
    Goal(
        "pictures with the bytes of plain diffusers, %", 100, lambda: equal() * 100, at_least=True
    ),
    Goal("one request alone, of plain diffusers", 1.0, alone, form="{:.3f}"),
    Goal("256 × 256, 10 steps, one thread, s", 1.0, lambda: read("engine")["alone"]["10"][1]),
    Goal("HTTP and processes, ms", 3.0, overhead, form="{:.1f}"),
    Goal("cold start to first picture, of plain diffusers", 1.2, cold),
    Goal("the engine's own share of a step, 10,000 waiting, %", 5.0, queued, form="{:.1f}"),
)


def main() -> None:
    """Print, and write the page if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="write docs/performance.md's part")
    given = parser.parse_args()
    shown = table(["goal", "bound", "reached", ""], [goal.row() for goal in GOALS])
    print(shown)
    if given.page:
        fill("goals", [shown])


if __name__ == "__main__":
    main()
