"""One simulated replica: an engine that shares forwards among the rows with the earliest deadlines.

Between two events all running requests move on at the pace of a forward of their number, so a
request costs two events however many steps it has. Knows nothing of other replicas; time is in
seconds since the beginning of the simulation.
"""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Device:
    """What a replica runs on."""

    name: str
    step_seconds: Sequence[float]
    """Seconds of a forward of 1, 2, … rows; as many are shared as there are entries."""
    adapter_seconds: float
    """To load an adapter that the replica does not hold."""
    adapters: int = 16
    """How many it holds; the one used longest ago makes room."""

    @property
    def capacity(self) -> float:
        """Steps per second with every row taken."""
        return len(self.step_seconds) / self.step_seconds[-1]


@dataclass(slots=True, eq=False)
class Job:
    """One request."""

    arrived: float
    steps: int
    adapter: int | None
    deadline: float
    left: float = 0.0
    """Work that remains, in steps."""
    gateway: int = -1
    replica: int = -1

    def __lt__(self, other: Job) -> bool:
        return self.deadline < other.deadline


@dataclass(slots=True)
class Replica:
    """Requests in order of deadline; the first few run."""

    device: Device
    clock: float = 0.0
    version: int = 0
    """Grows with every change; what was foretold before it no longer holds."""
    jobs: list[Job] = field(default_factory=list)
    held: OrderedDict[int, None] = field(default_factory=OrderedDict)
    loads: int = 0

    def take(self, job: Job, now: float) -> None:
        """Begin with a request; loading its adapter delays only itself."""
        self._advance(now)
        job.left = job.steps + self._loading(job.adapter) / self.device.step_seconds[0]
        insort(self.jobs, job)
        self.version += 1

    def finish(self, now: float) -> Job:
        """The request that is done now."""
        self._advance(now)
        done = min(self._running(), key=lambda job: job.left)
        self.jobs.remove(done)
        self.version += 1
        return done

    def next_end(self) -> float | None:
        """When the next request ends if none comes; `None` when idle."""
        running = self._running()
        if not running:
            return None
        return self.clock + min(job.left for job in running) * self._pace(len(running))

    def _running(self) -> list[Job]:
        return self.jobs[: len(self.device.step_seconds)]

    def _pace(self, rows: int) -> float:
        return self.device.step_seconds[rows - 1]

    def _advance(self, now: float) -> None:
        running = self._running()
        if running:
            steps = (now - self.clock) / self._pace(len(running))
            for job in running:
                job.left -= steps
        self.clock = now

    def _loading(self, adapter: int | None) -> float:
        if adapter is None:
            return 0.0
        cold = adapter not in self.held
        self.held[adapter] = None
        self.held.move_to_end(adapter)
        if len(self.held) > self.device.adapters:
            self.held.popitem(last=False)
        self.loads += cold
        return self.device.adapter_seconds if cold else 0.0
