"""Places for pictures: a request takes one before its body is read, or is told when to come back.

Knows no HTTP; `gate.py` asks here.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from time import monotonic

from friendli_server.errors import ApiError

_WEIGHT = 0.2
"""How much the latest picture counts in the pace."""


class Place:
    """What one request holds; given back once, however often `release` is called."""

    def __init__(self, admission: Admission, client: str, *, position: int, eta: float) -> None:
        self.position, self.eta, self.since = position, eta, admission.clock()
        self._admission, self._client, self._held = admission, client, 1

    def widen(self, count: int) -> None:
        """Hold `count` pictures in all.

        Raises:
            ApiError: 429, there is no room for the others.
        """
        self._admission.take(self._client, count - self._held)
        self._held = count

    def release(self, *, made: bool = False) -> None:
        """Give everything back; `made`: its pictures were, so they tell the pace."""
        self._admission.give(self._client, self._held, made=made)
        self._held = 0

    @property
    def age(self) -> float:
        """Seconds since it was reserved."""
        return self._admission.clock() - self.since


class Admission:
    """At most `limit` pictures at once, and no client holds more than its share.

    `pace` is the measured seconds per picture; `idle` is set while nothing is held.

    Args:
        limit: pictures in all.
        per_client: pictures of one client; None for half of the limit, at least one.
        clock: monotonic seconds.
    """

    def __init__(
        self, limit: int, per_client: int | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.limit, self.share = limit, per_client or max(1, limit // 2)
        self.taken = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self._held: Counter[str] = Counter()
        self.clock = clock
        self.pace = 1.0
        self._last = clock()

    def reserve(self, client: str) -> Place:
        """A place for one picture.

        Raises:
            ApiError: 429 with the seconds until there should be room.
        """
        position = self.taken
        self.take(client, 1)
        return Place(self, client, position=position, eta=round((position + 1) * self.pace, 3))

    def take(self, client: str, count: int) -> None:
        """Count pictures as held; `Place` is the way to use it."""
        if self.taken + count > self.limit:
            raise self._full("The queue is full; try again later.")
        if self._held[client] + count > self.share:
            raise self._full("You have too many requests running; wait for some of them.")
        if not self.taken:
            self._last = self.clock()
        self.taken += count
        self._held[client] += count
        self.idle.clear()

    def give(self, client: str, count: int, *, made: bool) -> None:
        """The counterpart of `take`."""
        self.taken -= count
        if not self.taken:
            self.idle.set()
        self._held[client] -= count
        if not self._held[client]:
            del self._held[client]
        if made and count:
            now = self.clock()
            self.pace += _WEIGHT * ((now - self._last) / count - self.pace)
            self._last = now

    def _full(self, message: str) -> ApiError:
        # Half the queue: sooner, and most who were refused together would be refused again.
        wait = math.ceil(self.taken * self.pace / 2)
        return ApiError("rate_limit_exceeded", message, retry_after=min(max(wait, 1), 60))
