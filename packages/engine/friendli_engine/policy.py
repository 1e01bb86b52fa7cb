"""Which requests start and which parked calls run next. Pure Python: no torch, no clock, no queue.

Order: the tenant that had the least service first; within a tenant, earliest deadline first. A
request's deadline grows with the work it asks for, so short ones overtake long ones; it is fixed at
submission, so nothing waits for ever (Liu & Layland 1973; fair queueing by virtual time: Demers,
Keshav & Shenker 1989).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, eq=False)
class Ticket:
    """A request's place in the order."""

    tenant: str
    deadline: float
    exclusive: bool = False


class Asked(Protocol):
    """What was asked for, as far as the order is concerned."""

    @property
    def tenant(self) -> str:
        """Whose request it is."""

    @property
    def exclusive(self) -> bool:
        """Whether nothing else may run beside it."""


class Ticketed(Protocol):
    """A request with a place in the order."""

    @property
    def ticket(self) -> Ticket:
        """Its place."""


class Startable(Ticketed, Protocol):
    """A request that runs or waits to run."""

    @property
    def started(self) -> bool:
        """Whether it runs."""


class Waiting(Ticketed, Protocol):
    """A request parked at a network call."""

    @property
    def key(self) -> Hashable:
        """Calls with equal keys can share a forward."""

    @property
    def rows(self) -> int:
        """How many rows the call has."""

    @property
    def stepping(self) -> bool:
        """Whether the call is part of a denoiser step."""


T = TypeVar("T", bound=Ticketed)
S = TypeVar("S", bound=Startable)
W = TypeVar("W", bound=Waiting)


class Policy:
    """Earliest deadline first with fair shares between tenants.

    Args:
        slack: a deadline is this many times the predicted work after submission. Large values
            favour short requests, 0 is first come, first served.
    """

    def __init__(self, *, slack: float = 3.0) -> None:
        self.slack = slack
        self._service: dict[str, float] = {}
        self._stepped = False

    def ticket(self, asked: Asked, *, now: float, work: float) -> Ticket:
        """The place of a request that arrives at `now` and asks for `work` seconds."""
        return Ticket(asked.tenant, now + self.slack * work, asked.exclusive)

    def startable(self, requests: Collection[S]) -> list[S]:
        """Those that may start, most urgent first.

        An exclusive one starts by itself, when it is more urgent than all that run and wait; until
        it is over nothing else starts.
        """
        if not any(request.ticket.exclusive for request in requests):
            return self.order(r for r in requests if not r.started)
        ordered = self.order(requests)
        if any(r.started and r.ticket.exclusive for r in ordered):
            return []
        if ordered[0].ticket.exclusive:
            return ordered[:1]
        return [r for r in ordered if not r.started and not r.ticket.exclusive]

    def order(self, requests: Iterable[T]) -> list[T]:
        """`requests`, most urgent first, as if each used an equal share of service."""
        queues: dict[str, list[T]] = defaultdict(list)
        for request in sorted(requests, key=lambda r: r.ticket.deadline, reverse=True):
            queues[request.ticket.tenant].append(request)
        if len(queues) < 2:
            return [request for queue in queues.values() for request in reversed(queue)]
        return list(self._interleave(queues))

    def _interleave(self, queues: dict[str, list[T]]) -> Iterable[T]:
        """One at a time from the tenant with the least service, counting what it was just given."""
        service = {tenant: self._service.get(tenant, 0.0) for tenant in queues}
        share = self._share()
        while queues:
            tenant = min(queues, key=lambda t: (service[t], queues[t][-1].ticket.deadline))
            yield queues[tenant].pop()
            service[tenant] += share
            if not queues[tenant]:
                del queues[tenant]

    def _share(self) -> float:
        """Seconds that one call is taken to cost while a batch is being filled."""
        return max(self._service.values(), default=0.0) * 1e-3 + 1e-9

    def pick(self, parked: Sequence[W], sizes: Callable[[W], Collection[int]]) -> list[W]:
        """The calls of the next forward: the most urgent one and those that can share with it.

        `sizes(request)` holds the totals of rows at which a forward may be shared. Preparing and
        decoding calls alternate with denoiser steps, so that neither starves the other.
        """
        if not parked:
            return []
        turn = not self._stepped if len({r.stepping for r in parked}) == 2 else parked[0].stepping
        self._stepped = turn
        ordered = self.order(r for r in parked if r.stepping == turn)
        if len(ordered) == 1:  # with nobody to share with, none of what follows is worth its time
            return ordered
        return _fill([r for r in ordered if r.key == ordered[0].key], sizes(ordered[0]))

    def charge(self, request: Ticketed, seconds: float, *, present: Collection[str]) -> None:
        """Account for service. A tenant new among those `present` starts level with the least."""
        tenant = request.ticket.tenant
        floor = min((self._service[t] for t in present if t in self._service), default=0.0)
        self._service[tenant] = max(self._service.get(tenant, floor), floor) + seconds
        self._service = {t: s for t, s in self._service.items() if t in present}


def _fill(group: Sequence[W], sizes: Collection[int]) -> list[W]:
    """The longest urgent prefix of `group` whose rows add up to one of `sizes`; at least one."""
    total, best = 0, 1
    for count, request in enumerate(group, 1):
        total += request.rows
        if total in sizes:
            best = count
    return list(group[:best])
