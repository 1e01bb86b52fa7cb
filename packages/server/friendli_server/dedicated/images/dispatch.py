"""Pictures from whichever replica can make it: wait, send, and once more elsewhere.

Knows neither teams nor formats. The request is the same wherever it goes, seed and key included,
so a second try gives the bytes the first would have given. Replicas that do not take it are asked
for as long as a request may wait; one that is lost with three replicas has ended them, perhaps.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from friendli_server.dedicated.metrics import Metrics
from friendli_server.dedicated.problems import told_by_replica
from friendli_server.dedicated.replicas.container import (
    ContainerClient,
    ContainerRequest,
    Made,
    ReplicaAwayError,
    ReplicaBusyError,
    ReplicaLostError,
    ReplicaRefusedError,
    Tell,
)
from friendli_server.dedicated.replicas.router import Load, Router, Target
from friendli_server.errors import ApiError
from friendli_server.waiting import unless

_TRIES: Final = 3
_ELSEWHERE_SECONDS: Final = 2.0


class Dispatcher:
    """Sends requests to replicas."""

    def __init__(
        self, router: Router, client: ContainerClient, *, wake_seconds: float, metrics: Metrics
    ) -> None:
        """`wake_seconds` is how long a request may wait for a replica to be ready."""
        self._router = router
        self._client = client
        self._wake_seconds = wake_seconds
        self._moved = metrics.moved

    async def run(
        self, endpoint_id: str, load: Load, request: ContainerRequest, *, tell: Tell | None = None
    ) -> Made:
        """The pictures, from the first replica or from another one.

        `tell` hears of the way there, from its beginning again when a replica was lost.

        Raises:
            ApiError: 429 full queues, 503 no replica, 502 nonsense, or the replica's verdict.
        """
        until = time.monotonic() + self._wake_seconds
        avoid: set[str] = set()
        busy: ReplicaBusyError | None = None
        tries = 0
        while tries < _TRIES:
            target = await self._next(endpoint_id, load, avoid=avoid, until=until, busy=busy)
            try:
                with self._router.in_flight(target, load):
                    return await self._made(endpoint_id, target, request, tell)
            except ReplicaLostError as error:
                self._router.forget(endpoint_id)
                self._moved.labels("lost").inc()
                taken = not isinstance(error, ReplicaAwayError)
                tries += taken or time.monotonic() >= until
            except ReplicaBusyError as error:
                tries, busy = tries + 1, error
                self._moved.labels("busy").inc()
            except ReplicaRefusedError as error:
                raise told_by_replica(error.status, error.body) from error
            avoid.add(target.id)
        raise _exhausted(busy)

    async def _made(
        self, endpoint_id: str, target: Target, request: ContainerRequest, tell: Tell | None
    ) -> Made:
        """The pictures, unless the replica is lost before: a network that is cut tells nothing."""
        return await unless(
            self._client.make(target.url, request, tell=tell),
            leaving=partial(self._router.lost, endpoint_id, target),
            error=ReplicaLostError,
        )

    async def _next(
        self,
        endpoint_id: str,
        load: Load,
        *,
        avoid: set[str],
        until: float,
        busy: ReplicaBusyError | None,
    ) -> Target:
        """Another replica than those tried, or, if none comes up soon, one of those again."""
        if avoid:
            soon = 0.0 if busy else _ELSEWHERE_SECONDS
            target = await self._router.wait_for_target(
                endpoint_id, load, avoid=avoid, until=time.monotonic() + soon
            )
            if target is not None:
                return target
            if busy:
                raise _exhausted(busy)
        target = await self._router.wait_for_target(endpoint_id, load, until=until)
        if target is None:
            raise _exhausted(None)
        return target


def _exhausted(busy: ReplicaBusyError | None) -> ApiError:
    """Why no replica is left to ask."""
    if busy is not None:
        return ApiError("rate_limit_exceeded", retry_after=busy.retry_after)
    return ApiError("endpoint_not_ready", retry_after=10)
