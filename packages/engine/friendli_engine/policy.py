"""Which requests start and which parked calls run next. Pure Python: no torch, no clock, no queue.

Order: the tenant that had the least service first; within a tenant, earliest deadline first. A
request's deadline grows with the work it asks for, so short ones overtake long ones; it is fixed at
submission, so nothing waits for ever (Liu & Layland 1973; fair queueing by virtual time: Demers,
Keshav & Shenker 1989).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol, TypeVar

from .line import Line, Ticket, Ticketed, deadline_of


class Asked(Protocol):
    """What was asked for, as far as the order is concerned."""

    @property
    def tenant(self) -> str:
        """Whose request it is."""

    @property
    def exclusive(self) -> bool:
        """Whether nothing else may run beside it."""


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

    def startable(self, waiting: Line[T], running: Collection[T]) -> Iterator[T]:
        """Those of `waiting` that may start, most urgent first.

        An exclusive one starts by itself, when it is more urgent than all that run and wait; until
        it is over nothing else starts.
        """
        if any(request.ticket.exclusive for request in running):
            return
        if waiting.exclusive and (first := self.order([*running, *waiting])[0]).ticket.exclusive:
            yield first
            return
        yield from (r for r in self.in_turn(waiting.queues) if not r.ticket.exclusive)

    def order(self, requests: Iterable[T]) -> list[T]:
        """`requests`, most urgent first, as if each used an equal share of service."""
        queues: dict[str, list[T]] = defaultdict(list)
        for request in sorted(requests, key=deadline_of):
            queues[request.ticket.tenant].append(request)
        return list(self.in_turn(queues))

    def in_turn(self, queues: Mapping[str, Sequence[T]]) -> Iterator[T]:
        """One at a time from the tenant with the least service, counting what it was just given."""
        if len(queues) == 1:
            yield from chain(*queues.values())
            return
        service = {tenant: self._service.get(tenant, 0.0) for tenant in queues}
        share, left = self._share(), {tenant: deque(queue) for tenant, queue in queues.items()}
        while left:
            tenant = min(left, key=lambda t: (service[t], deadline_of(left[t][0])))
            yield left[tenant].popleft()
            service[tenant] += share
            if not left[tenant]:
                del left[tenant]

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
