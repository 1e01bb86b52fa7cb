"""Ways to choose a replica, as a gateway node sees it: only its own requests in flight.

`by_predicted` is the real gateway's rule (`friendli_server.dedicated.replicas.router`). Nothing
here knows the true state of a replica, because no real router does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random

import numpy as np
from friendli_server.dedicated.replicas.router import LOADING_STEPS
from numpy.typing import NDArray

from benchmarks.cluster.replica import Job


@dataclass
class View:
    """What one gateway node knows."""

    replicas: int
    rng: Random
    work: NDArray[np.float64] = field(init=False)
    """Steps in flight through this node, by replica."""
    count: NDArray[np.int64] = field(init=False)
    """Requests in flight through this node, by replica."""
    ready: NDArray[np.bool_] = field(init=False)
    warm: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    """Replicas that had an adapter before."""
    turn: int = 0

    def __post_init__(self) -> None:
        self.work = np.zeros(self.replicas)
        self.count = np.zeros(self.replicas, dtype=np.int64)
        self.ready = np.ones(self.replicas, dtype=np.bool_)

    def sent(self, job: Job) -> None:
        """A request went to its replica."""
        self.work[job.replica] += job.steps
        self.count[job.replica] += 1
        if job.adapter is not None:
            none = np.zeros(self.replicas, dtype=np.bool_)
            self.warm.setdefault(job.adapter, none)[job.replica] = True

    def ended(self, job: Job) -> None:
        """It was answered."""
        self.work[job.replica] -= job.steps
        self.count[job.replica] -= 1


Rule = Callable[[View, Job], int]


def at_random(view: View, _job: Job) -> int:
    """Any."""
    return int(view.rng.choice(np.flatnonzero(view.ready)))


def in_turn(view: View, _job: Job) -> int:
    """One after the other."""
    view.turn += 1
    ready = np.flatnonzero(view.ready)
    return int(ready[view.turn % len(ready)])


def by_count(view: View, _job: Job) -> int:
    """The one with fewest requests in flight."""
    return _least(view, view.count, view.ready)


def of_two(view: View, job: Job) -> int:
    """The one with less work of two drawn at random."""
    first, second = at_random(view, job), at_random(view, job)
    return first if view.work[first] <= view.work[second] else second


def by_work(view: View, _job: Job) -> int:
    """The one with the least work in flight."""
    return _least(view, view.work, view.ready)


def by_name(view: View, _job: Job) -> int:
    """The least work, and of equals the first: all nodes agree, without knowing of one another."""
    return int(np.where(view.ready, view.work, np.inf).argmin())


def by_affinity(view: View, job: Job) -> int:
    """The least work, but one that had the adapter while it is less than a request behind."""
    least = by_work(view, job)
    if job.adapter is None or job.adapter not in view.warm:
        return least
    near = view.work < view.work[least] + job.steps
    warm = view.warm[job.adapter] & near & view.ready
    return _least(view, view.work, warm) if warm.any() else least


def by_predicted(view: View, job: Job) -> int:
    """The least work, where loading the adapter counts as work; of equals the adapter's home.

    Homes are the same for all nodes: they are drawn with the adapter's number.
    """
    if job.adapter is None:
        return by_work(view, job)
    cold = ~view.warm.get(job.adapter, np.zeros(view.replicas, dtype=np.bool_))
    cost = np.where(view.ready, view.work + LOADING_STEPS * cold, np.inf)
    least = np.flatnonzero(cost == cost.min())
    return int(least[homes(job.adapter, view.replicas)[least].argmin()])


@cache
def homes(adapter: int, replicas: int) -> NDArray[np.float64]:
    """A number for each replica; of equals the adapter goes to the one with the least."""
    return np.random.default_rng(adapter).random(replicas)


RULES: dict[str, Rule] = {
    "random": at_random,
    "in turn": in_turn,
    "fewest requests": by_count,
    "less work of two": of_two,
    "least work, first of equals": by_name,
    "least work": by_work,
    "least work, adapter first": by_affinity,
    "least work, loading counted": by_predicted,
}


def _least(
    view: View, figures: NDArray[np.float64] | NDArray[np.int64], among: NDArray[np.bool_]
) -> int:
    """Where `figures` are least; equals are drawn from, so that nodes do not herd."""
    cost = np.where(among, figures, np.inf)
    return int(view.rng.choice(np.flatnonzero(cost == cost.min())))
