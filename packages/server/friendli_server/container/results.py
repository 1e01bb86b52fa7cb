"""Pictures waiting to be fetched by link: unguessable names, bounded in bytes and in time.

Knows nothing about HTTP.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from friendli_server.container.job import Picture

SECONDS = 3600.0
BYTES = 256 * 2**20


@dataclass
class Results:
    """The newest pictures, at most `limit` bytes of them, each for `seconds`."""

    limit: int = BYTES
    seconds: float = SECONDS
    clock: Callable[[], float] = monotonic
    _kept: OrderedDict[str, tuple[float, Picture]] = field(default_factory=OrderedDict)
    _size: int = 0

    def put(self, picture: Picture) -> str:
        """Keep `picture`; the name to ask for it by."""
        name = secrets.token_urlsafe(24)
        self._kept[name] = (self.clock() + self.seconds, picture)
        self._size += len(picture.data)
        self._sweep()
        return name

    def get(self, name: str) -> Picture | None:
        """The picture, unless it is unknown, expired or pushed out by newer ones."""
        self._sweep()
        _, picture = self._kept.get(name, (0.0, None))
        return picture

    def _sweep(self) -> None:
        while self._kept:
            expires, picture = next(iter(self._kept.values()))
            if self._size <= self.limit and expires > self.clock():
                return
            self._kept.popitem(last=False)
            self._size -= len(picture.data)
