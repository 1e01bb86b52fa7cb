"""Which replica gets a request: the one with least predicted work. Knows no HTTP.

Predicted work is counted in denoiser steps in flight through this node; an adapter that a replica
has not had before counts as some more. Of equals every node takes the same one for an adapter, and
any for plain requests, so that nodes, which do not see one another's requests, do not herd. A
repeated request goes to the replica that works on it already, which then joins the two. The rule
and its figure are the best of those in `benchmarks/simulate_cluster.py`.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from friendli_server.dedicated.database import Database, DatabaseDownError
from friendli_server.dedicated.endpoints.models import Replica, ReplicaState
from friendli_server.dedicated.joined import Joined

_FRESH_SECONDS: Final = 0.5
_STALE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1
_WATCH_SECONDS: Final = 1.0
_SERVING: Final = (ReplicaState.READY, ReplicaState.DRAINING)
LOADING_STEPS: Final = 40
"""What loading an adapter counts for."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What routing needs to know of a request. `work` is in denoiser steps."""

    job_id: str
    work: int
    adapter: str | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """A ready replica."""

    id: str
    url: str


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """An endpoint's replicas at a moment; `serving` ones may be draining."""

    at: float = float("-inf")
    ready: Sequence[Target] = ()
    serving: Collection[str] = ()


class Router:
    """The ready replicas of every endpoint, and what this node has in flight on each."""

    def __init__(self, database: Database, *, closing: asyncio.Event) -> None:
        """Replicas are read from the database, at most twice a second per endpoint.

        Once `closing` is set nobody waits for a replica any more.
        """
        self._database = database
        self._closing = closing
        self._seen: dict[str, _Seen] = {}
        self._flight: dict[str, list[Load]] = defaultdict(list)
        self._adapters: dict[str, set[str]] = defaultdict(set)
        self._read = Joined(self._look)

    async def targets(self, endpoint_id: str) -> Sequence[Target]:
        """The endpoint's ready replicas; while the database is down, those known last."""
        return (await self._known(endpoint_id)).ready

    async def lost(self, endpoint_id: str, target: Target) -> None:
        """Returns once `target` has failed, which a connection may never tell."""
        known: Collection[str] = (target.id,)
        while target.id in known:
            await asyncio.sleep(_WATCH_SECONDS)
            with suppress(DatabaseDownError):
                known = (await self._known(endpoint_id)).serving

    async def wait_for_target(
        self, endpoint_id: str, load: Load, *, avoid: Collection[str] = (), until: float
    ) -> Target | None:
        """The best replica, once there is one; `None` at the moment `until` or when closing."""
        while True:
            known = [t for t in await self.targets(endpoint_id) if t.id not in avoid]
            if known:
                return self.best(known, load)
            if time.monotonic() >= until or self._closing.is_set():
                return None
            await asyncio.sleep(_POLL_SECONDS)

    def best(self, targets: Collection[Target], load: Load) -> Target:
        """The replica for `load` among `targets`, which must not be empty."""
        for target in targets:
            if any(other.job_id == load.job_id for other in self._flight[target.id]):
                return target
        return min(targets, key=lambda target: self._cost(target, load))

    def _cost(self, target: Target, load: Load) -> tuple[int, int]:
        cold = load.adapter is not None and load.adapter not in self._adapters[target.id]
        lot = zlib.crc32(f"{load.adapter or load.job_id}/{target.id}".encode())
        return self.work(target.id) + LOADING_STEPS * cold, lot

    def work(self, replica_id: str) -> int:
        """Denoiser steps this node has in flight on a replica."""
        return sum(load.work for load in self._flight.get(replica_id, ()))

    @contextmanager
    def in_flight(self, target: Target, load: Load) -> Iterator[None]:
        """Count `load` on `target` while the block runs."""
        self._flight[target.id].append(load)
        if load.adapter is not None:
            self._adapters[target.id].add(load.adapter)
        try:
            yield
        finally:
            self._flight[target.id].remove(load)
            if not self._flight[target.id]:
                del self._flight[target.id]

    def forget(self, endpoint_id: str) -> None:
        """Read the endpoint's replicas anew at the next request."""
        self._seen.pop(endpoint_id, None)

    async def _known(self, endpoint_id: str) -> _Seen:
        seen = self._seen.get(endpoint_id, _Seen())
        if time.monotonic() - seen.at < _FRESH_SECONDS:
            return seen
        try:
            seen = self._seen[endpoint_id] = await self._read(endpoint_id)
        except DatabaseDownError:
            if time.monotonic() - seen.at > _STALE_SECONDS:
                raise
        return seen

    async def _look(self, endpoint_id: str) -> _Seen:
        async with self._database.transaction() as session:
            found = await session.execute(
                select(Replica.id, Replica.url, Replica.state).where(
                    Replica.endpoint_id == endpoint_id, Replica.state.in_(_SERVING)
                )
            )
            rows = found.all()
        return _Seen(
            at=time.monotonic(),
            ready=[
                Target(id=id_, url=url)
                for id_, url, state in rows
                if url and state == ReplicaState.READY
            ],
            serving={id_ for id_, _, _ in rows},
        )
