"""Requests that wait: tenant by tenant, earliest deadline first, kept in order as they come and go.

So a step costs the same however many wait. Knows tickets; nothing of shares and of what runs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True, eq=False)
class Ticket:
    """A request's place in the order."""

    tenant: str
    deadline: float
    exclusive: bool = False


class Ticketed(Protocol):
    """A request with a place in the order."""

    @property
    def ticket(self) -> Ticket:
        """Its place."""


T = TypeVar("T", bound=Ticketed)


def deadline_of(request: Ticketed) -> float:
    """What a tenant's requests are ordered by."""
    return request.ticket.deadline


class Line(Generic[T]):
    """The waiting requests, by tenant.

    Args:
        requests: those that wait already.
    """

    def __init__(self, requests: Iterable[T] = ()) -> None:
        self.queues: dict[str, list[T]] = {}
        self.exclusive = 0
        for request in requests:
            self.add(request)

    def __len__(self) -> int:
        return sum(map(len, self.queues.values()))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self.queues.values())

    def add(self, request: T) -> None:
        """`request` waits; behind those of its tenant with the same deadline."""
        insort(self.queues.setdefault(request.ticket.tenant, []), request, key=deadline_of)
        self.exclusive += request.ticket.exclusive

    def remove(self, request: T) -> None:
        """`request`, which must be here, waits no longer."""
        queue = self.queues[request.ticket.tenant]
        place = bisect_left(queue, deadline_of(request), key=deadline_of)
        del queue[queue.index(request, place)]
        self.exclusive -= request.ticket.exclusive
        if not queue:
            del self.queues[request.ticket.tenant]

    def until(self, deadline: float) -> Iterator[T]:
        """Those whose deadline is not later."""
        for queue in self.queues.values():
            yield from queue[: bisect_right(queue, deadline, key=deadline_of)]
