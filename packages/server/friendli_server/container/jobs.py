"""Jobs by key: a request that comes again joins the running job or gets the finished one's answer.

Knows nothing about HTTP but the names of two headers in its texts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from friendli_server.container.job import Job
from friendli_server.errors import ApiError

SECONDS = 24 * 3600.0
BYTES = 256 * 2**20
LINGER = 3.0
"""Seconds that a job goes on without a follower when its caller is likely to come again."""


@dataclass(frozen=True)
class Key:
    """Which requests are the same one.

    `name` is the caller's own Idempotency-Key. None stands for a client that repeats itself
    without one: it may join a job that its first try left behind, and nothing else.
    """

    client: str
    name: str | None
    fingerprint: bytes

    @property
    def index(self) -> tuple[str, str | bytes]:
        """What jobs are found by."""
        return self.client, self.fingerprint if self.name is None else self.name


@dataclass
class Jobs:
    """The newest keyed jobs, at most `limit` bytes of pictures, each for `seconds`."""

    limit: int = BYTES
    seconds: float = SECONDS
    clock: Callable[[], float] = monotonic
    _kept: OrderedDict[tuple[str, str | bytes], _Entry] = field(default_factory=OrderedDict)
    _size: int = 0

    def find(self, key: Key) -> Job | None:
        """The job that a request with `key` joins.

        Raises:
            ApiError: 422, the caller's key was used for another request.
        """
        self._forget_old()
        entry = self._kept.get(key.index)
        if entry is None:
            return None
        if entry.fingerprint != key.fingerprint:
            raise ApiError("idempotency_key_reused", param="Idempotency-Key")
        if key.name is None and not entry.job.abandoned:
            return None
        return entry.job

    def keep(self, key: Key, job: Job) -> None:
        """Remember `job`, which has not begun."""
        job.linger, job.on_end = LINGER, partial(self._settle, key.index)
        self._forget(key.index)
        self._kept[key.index] = _Entry(key.fingerprint, job, self.clock() + self.seconds)

    def _settle(self, index: tuple[str, str | bytes], job: Job) -> None:
        """Count what an ended job keeps in memory; what failed keeps nothing."""
        entry = self._kept.get(index)
        if entry is None or entry.job is not job:
            return
        if job.lost:
            self._forget(index)
            return
        entry.size = job.size
        self._size += entry.size
        while self._size > self.limit:
            self._forget(next(iter(self._kept)))

    def _forget_old(self) -> None:
        while self._kept and next(iter(self._kept.values())).expires < self.clock():
            self._forget(next(iter(self._kept)))

    def _forget(self, index: tuple[str, str | bytes]) -> None:
        entry = self._kept.pop(index, None)
        self._size -= entry.size if entry else 0


@dataclass
class _Entry:
    fingerprint: bytes
    job: Job
    expires: float
    size: int = 0
