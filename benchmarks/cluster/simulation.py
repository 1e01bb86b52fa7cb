"""A day of an endpoint: requests arrive, gateway nodes route them, replicas work, some come and go.

Knows no policy by name: routing and scaling are handed in. The same seed gives the same day.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from benchmarks.cluster.replica import Device, Job, Replica
from benchmarks.cluster.routing import Rule, View
from benchmarks.workload.score import DEADLINE
from benchmarks.workload.trace import STEPS


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Poisson arrivals; half of the requests have an adapter, the n-th as popular as 1 / n."""

    requests: int
    rate: Callable[[float], float]
    """Requests per second at a moment."""
    peak: float
    """The highest rate."""
    adapters: int = 200

    def draw(self, device: Device, rng: Random) -> Iterator[Job]:
        """Requests in order of arrival, by thinning (Lewis and Shedler, 1979)."""
        weights = [1 / (n + 1) for n in range(self.adapters)]
        popular = rng.choices(range(self.adapters), weights, k=self.requests)
        clock = 0.0
        for adapter in popular:
            clock += rng.expovariate(self.peak)
            while rng.random() * self.peak > self.rate(clock):
                clock += rng.expovariate(self.peak)
            steps = rng.choice(STEPS)
            yield Job(
                arrived=clock,
                steps=steps,
                adapter=adapter if rng.random() < 0.5 else None,
                deadline=clock + DEADLINE * steps * device.step_seconds[0],
            )


Wanted = Callable[[float, float], int]
"""Replicas for so many steps in flight, at a moment."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """How many replicas there should be, asked every `every` seconds."""

    least: int
    most: int
    every: float
    start_seconds: float
    """From asking for a replica to its first request."""
    wanted: Wanted


@dataclass
class Day:
    """What came of it."""

    latencies: list[float] = field(default_factory=list)
    slowdowns: list[float] = field(default_factory=list)
    in_time: int = 0
    loads: int = 0
    replica_seconds: float = 0.0
    most_replicas: int = 0


class Cluster:
    """The replicas, what the gateways see of them, and what is to happen."""

    def __init__(self, device: Device, rule: Rule, *, replicas: int, gateways: int, seed: int):
        self.replicas = [Replica(device) for _ in range(replicas)]
        rng = self._rng = Random(seed)
        self.views = [View(replicas, Random(rng.random())) for _ in range(gateways)]
        self.device, self.rule, self.day = device, rule, Day(most_replicas=replicas)
        self.ends: list[tuple[float, int, int]] = []
        self.starting: list[tuple[float, int]] = []
        self.up = set(range(replicas))
        self.in_flight = 0
        self._paid = 0.0

    def run(self, jobs: Iterator[Job], scaling: Scaling | None = None) -> Day:
        """Let them all come, and end."""
        if scaling:
            self._only(range(scaling.least))
        clock = 0.0
        for job in jobs:
            while scaling and clock + scaling.every <= job.arrived:
                clock += scaling.every
                self._until(clock)
                self._scale(scaling, clock)
            self._until(job.arrived)
            self._route(job)
        self._until(float("inf"))
        self.day.loads = sum(replica.loads for replica in self.replicas)
        return self.day

    def _route(self, job: Job) -> None:
        job.gateway = self._rng.randrange(len(self.views))
        view = self.views[job.gateway]
        job.replica = self.rule(view, job)
        self.replicas[job.replica].take(job, job.arrived)
        view.sent(job)
        self.in_flight += job.steps
        self._foretell(job.replica)

    def _foretell(self, index: int) -> None:
        replica = self.replicas[index]
        end = replica.next_end()
        if end is not None:
            heapq.heappush(self.ends, (end, index, replica.version))

    def _until(self, moment: float) -> None:
        """Let requests end that end before `moment`."""
        while self.ends and self.ends[0][0] <= moment:
            now, index, version = heapq.heappop(self.ends)
            replica = self.replicas[index]
            if replica.version != version:
                continue
            self._ended(replica.finish(now), now)
            self._foretell(index)

    def _ended(self, job: Job, now: float) -> None:
        self.views[job.gateway].ended(job)
        self.in_flight -= job.steps
        latency = now - job.arrived
        self.day.latencies.append(latency)
        self.day.slowdowns.append(latency / (job.steps * self.device.step_seconds[0]))
        self.day.in_time += now <= job.deadline

    def _only(self, indices: Sequence[int]) -> None:
        self.up = set(indices)
        for view in self.views:
            view.ready[:] = False
            view.ready[list(indices)] = True

    def _scale(self, scaling: Scaling, now: float) -> None:
        """Start or drain replicas; one that drains is paid for until its last request ends."""
        self._pay(now)
        while self.starting and self.starting[0][0] <= now:
            self._set(heapq.heappop(self.starting)[1], ready=True)
        have = len(self.up) + len(self.starting)
        wanted = min(max(scaling.wanted(self.in_flight, now), scaling.least), scaling.most)
        for index in self._free(max(0, wanted - have)):
            heapq.heappush(self.starting, (now + scaling.start_seconds, index))
        idlest = sorted(self.up, key=lambda i: len(self.replicas[i].jobs))
        for index in idlest[: max(0, len(self.up) - max(wanted, 1))]:
            self._set(index, ready=False)
        self.day.most_replicas = max(self.day.most_replicas, len(self.up))

    def _free(self, count: int) -> list[int]:
        """Up to so many that are neither up, nor starting, nor still at work."""
        taken = self.up | {index for _, index in self.starting}
        idle = (i for i, r in enumerate(self.replicas) if i not in taken and not r.jobs)
        return list(islice(idle, count))

    def _set(self, index: int, *, ready: bool) -> None:
        (self.up.add if ready else self.up.discard)(index)
        for view in self.views:
            view.ready[index] = ready

    def _pay(self, now: float) -> None:
        busy = sum(bool(r.jobs) for i, r in enumerate(self.replicas) if i not in self.up)
        self.day.replica_seconds += (len(self.up) + len(self.starting) + busy) * (now - self._paid)
        self._paid = now
