"""How long requests take: costs learned per shape, predictions, and how wrong those were.

Pure arithmetic on numbers that it is told: no clock, no torch. Tenants share the engine equally and
within a tenant earlier deadlines go first, so what is ahead of a request is its tenant's work up to
its own deadline and at most as much again of each other tenant.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from .line import Ticket

WINDOW = 128
"""Endings that the calibration and the error are taken over."""


@dataclass
class Spent:
    """Seconds that one request has had of forwards, by kind."""

    stepping: float = 0.0
    """Duration of the denoiser forwards it had rows in."""
    share: float = 0.0
    """That time divided among the rows."""
    rest: float = 0.0
    """Its share of encoding and decoding."""


@dataclass(frozen=True)
class Promise:
    """What was predicted when a request was submitted."""

    eta: float = 0.0
    """Seconds until its picture."""
    uncalibrated: float = 0.0
    """The same before it was corrected by how earlier predictions came out."""


class Timed(Protocol):
    """A request as far as time is concerned."""

    @property
    def shape(self) -> Hashable:
        """Requests of one shape cost alike."""

    @property
    def spent(self) -> Spent:
        """What it has had."""

    @property
    def promise(self) -> Promise:
        """What it was told."""

    @property
    def step(self) -> int:
        """Denoiser steps done."""

    @property
    def ticket(self) -> Ticket:
        """Its place in the order."""

    @property
    def remaining(self) -> int:
        """Denoiser steps still to do."""


@dataclass
class Cost:
    """Moving averages of one shape: seconds of a step, its share of them, and of the rest."""

    step: float
    share: float
    rest: float = 0.0
    weight: float = field(default=1.0, repr=False)

    def observe(self, spent: Spent, steps: int) -> None:
        """So much was spent for so many steps."""
        self.step += self.weight * (spent.stepping / steps - self.step)
        self.share += self.weight * (spent.share / steps - self.share)
        self.rest += self.weight * (spent.rest - self.rest)
        self.weight = max(self.weight / 2, 0.1)


class Pace:
    """Predicts when requests end.

    Args:
        guess: seconds of a step before anything was seen.
    """

    def __init__(self, *, guess: float = 0.05) -> None:
        self.latest = Cost(guess, guess)
        self._costs: dict[Hashable, Cost] = {}
        self._ratios: deque[float] = deque(maxlen=WINDOW)
        self._errors: deque[float] = deque(maxlen=WINDOW)

    @property
    def error(self) -> float | None:
        """The median of |predicted - actual| / actual; None before the first ending."""
        return median(self._errors) if self._errors else None

    def cost(self, shape: Hashable) -> Cost:
        """Of a shape; while it is unknown, of whatever came last."""
        return self._costs.get(shape, self.latest)

    def work(self, shape: Hashable, steps: int) -> float:
        """Seconds that a request would take alone."""
        cost = self.cost(shape)
        return steps * cost.step + cost.rest

    def stepped(self, run: Timed) -> None:
        """`run` has done another step."""
        cost = self.cost(run.shape)
        known = self._costs.setdefault(run.shape, Cost(cost.step, cost.share, cost.rest))
        known.observe(run.spent, run.step)
        self.latest = known

    def ended(self, run: Timed, actual: float) -> None:
        """`run` has its picture, `actual` seconds after it was submitted."""
        self._errors.append(abs(run.promise.eta - actual) / max(actual, 1e-9))
        self._ratios.append(actual / max(run.promise.uncalibrated, 1e-9))

    @property
    def calibration(self) -> float:
        """What predictions are multiplied by: the time outside of forwards, above all."""
        return median(self._ratios) if self._ratios else 1.0

    def promise(self, run: Timed, runs: Iterable[Timed]) -> Promise:
        """For a request that was just submitted and is one of `runs`."""
        (eta,) = self.forecast(runs, [run])
        return Promise(eta, eta / self.calibration)

    def forecast(self, runs: Iterable[Timed], wanted: Collection[Timed]) -> list[float]:
        """Seconds until each of `wanted` ends, if nothing but `runs` comes.

        Of a single tenant's runs, those with later deadlines than all of `wanted` do not matter.
        """
        if not wanted:
            return []
        total: dict[str, float] = defaultdict(float)
        until: dict[int, float] = {}
        for run in sorted(runs, key=lambda r: r.ticket.deadline):
            cost = self.cost(run.shape)
            total[run.ticket.tenant] += run.remaining * cost.share + cost.rest
            until[id(run)] = total[run.ticket.tenant]
        return [self._seconds(run, until[id(run)], total) for run in wanted]

    def _seconds(self, run: Timed, own: float, total: dict[str, float]) -> float:
        others = sum(min(own, work) for name, work in total.items() if name != run.ticket.tenant)
        alone = self.work(run.shape, run.remaining)
        return self.calibration * max(own + others, alone)
