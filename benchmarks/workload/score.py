"""What a replay of a trace is worth: one record of figures, and tables of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DEADLINE = 5.0
"""A picture is in time within so many times what plain diffusers takes for it."""


@dataclass(frozen=True)
class Outcome:
    """One request of a replay; times are in seconds since its beginning."""

    steps: int
    alone: float
    """What plain diffusers takes for it."""
    arrived: float
    ended: float
    equal: bool
    """Whether it has the bytes of plain diffusers."""

    @property
    def latency(self) -> float:
        """From arrival to the last byte."""
        return self.ended - self.arrived

    @property
    def slowdown(self) -> float:
        """Against being alone."""
        return self.latency / self.alone


@dataclass(frozen=True)
class Score:
    """Figures of one replay. Times in seconds, rates per second, memory in MiB."""

    rate: float
    goodput: float
    """Pictures per second that came within their deadline."""
    mean: float
    p50: float
    p95: float
    p99: float
    short: float
    """Mean latency of requests with at most 4 steps."""
    fairness: float
    """Jain's index of the slowdowns: 1 if all suffer alike."""
    equal: float
    """Share of pictures with the bytes of plain diffusers."""
    memory: float = 0.0
    processor: float = 0.0
    """Seconds of all processors for one picture."""


Rounds = dict[tuple[float, str], list[Score]]
"""Replays by load and server, one a round."""
Ratios = tuple[float, str, dict[str, float]]
"""A load, a server, and figures."""


def score(outcomes: Sequence[Outcome], *, memory: float = 0.0, processor: float = 0.0) -> Score:
    """The figures of a replay."""
    span = max(o.ended for o in outcomes) - min(o.arrived for o in outcomes)
    latencies = [o.latency for o in outcomes]
    slowdowns = [o.slowdown for o in outcomes]
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Score(
        rate=len(outcomes) / span,
        goodput=sum(s <= DEADLINE for s in slowdowns) / span,
        mean=statistics.fmean(latencies),
        p50=cuts[49],
        p95=cuts[94],
        p99=cuts[98],
        short=statistics.fmean(o.latency for o in outcomes if o.steps <= 4),
        fairness=sum(slowdowns) ** 2 / (len(slowdowns) * sum(s * s for s in slowdowns)),
        equal=statistics.fmean(o.equal for o in outcomes),
        memory=memory,
        processor=processor,
    )


def middle(scores: Sequence[Score]) -> Score:
    """The median of each figure over several rounds."""
    columns = {name: [vars(s)[name] for s in scores] for name in vars(scores[0])}
    return Score(**{name: statistics.median(values) for name, values in columns.items()})


RATIOS = {
    "rate": "images/s",
    "mean": "mean s",
    "p95": "p95 s",
    "short": "≤ 4 steps s",
    "processor": "processor s each",
}


def ratios(rounds: Rounds, ours: str) -> list[Ratios]:
    """For each load and each other server: ours as a multiple of it, the median over the rounds."""
    told: list[Ratios] = []
    for (load, name), theirs in rounds.items():
        pairs = [
            (vars(a), vars(b)) for a, b in zip(rounds.get((load, ours), []), theirs, strict=False)
        ]
        if pairs and name != ours:
            told.append((load, name, {what: _multiple(pairs, what) for what in RATIOS}))
    return told


def _multiple(pairs: Sequence[tuple[dict[str, float], dict[str, float]]], what: str) -> float:
    """Of what was not measured, nothing."""
    return statistics.median(a[what] / b[what] if b[what] else 0.0 for a, b in pairs)


def in_words(load: float) -> str:
    """A load in words; at an infinite one all requests come at the same moment."""
    return "at once" if load == math.inf else f"{load:g}×"


def ratio_table(told: Sequence[Ratios]) -> str:
    """One line for each load and other server."""
    rows = [
        [in_words(load), name, *(f"{of[what]:.2f}" if of[what] else "–" for what in RATIOS)]
        for load, name, of in told
    ]
    return table(["load", "ours, as a multiple of", *RATIOS.values()], rows)


HEAD = (
    "images/s", "in time/s", "mean s", "p50 s", "p95 s", "p99 s", "≤ 4 steps s", "fairness",
    "equal bytes", "MiB", "processor s each",
)  # fmt: skip


def cells(s: Score) -> list[str]:
    """The figures as text, in the order of `HEAD`."""
    times = (f"{value:.2f}" for value in (s.rate, s.goodput, s.mean, s.p50, s.p95, s.p99, s.short))
    weight = (f"{s.memory:.0f}", f"{s.processor:.2f}") if s.memory else ("–", "–")
    return [*times, f"{s.fairness:.2f}", f"{s.equal:.0%}", *weight]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def score_table(scores: Mapping[tuple[float, str], Score]) -> str:
    """One line for each load and contender."""
    rows = [[in_words(load), name, *cells(one)] for (load, name), one in scores.items()]
    return table(["load", "server", *HEAD], rows)
