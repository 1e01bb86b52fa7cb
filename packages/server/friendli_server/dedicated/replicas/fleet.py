"""The replicas of one owner: start them, watch them, end them.

Every node minds its own. Replicas of a shared launcher belong to `CLUSTER` instead: the node that
leads minds them, outliving gateways as they do. Takes its orders from the `replicas` table: the
owner's rows that are `draining` end, replicas without a row end. Knows nothing of endpoints' goals.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from friendli_wire.endpoints import InferenceDeploymentErrorCode
from sqlalchemy import delete, select, update

from friendli_server.dedicated.database import Database, DatabaseDownError, now
from friendli_server.dedicated.endpoints.models import Replica, ReplicaState
from friendli_server.dedicated.replicas.interfaces import (
    Health,
    LaunchError,
    ReplicaLauncher,
    ReplicaSpec,
)

logger = logging.getLogger("friendli.dedicated.replicas")

CLUSTER: Final = "cluster"
"""Owns what a shared launcher runs."""
_POLL_SECONDS: Final = 0.1
_PROBE_SECONDS: Final = 1.0
_MISSES: Final = 3
_UNROUTED_SECONDS: Final = 1.5
"""By then every node has read that a draining replica gets no more requests."""
_READY_SECONDS: Final = 900.0


class Prober(Protocol):
    """Asks a container how it is."""

    async def health(self, url: str) -> Health:
        """Not ready also when it does not answer."""


@dataclass
class _Watch:
    """How a ready replica did when it was last asked."""

    probed_at: float = float("-inf")
    misses: int = 0


@dataclass(kw_only=True)
class Fleet:
    """What the launcher runs, kept in step with the database."""

    database: Database
    launcher: ReplicaLauncher
    prober: Prober
    node_id: str
    _watches: defaultdict[str, _Watch] = field(default_factory=lambda: defaultdict(_Watch))
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """Whose replicas these are, as their rows say."""
        return CLUSTER if self.launcher.shared else self.node_id

    def start(self, replica_id: str, spec: ReplicaSpec) -> None:
        """Launch a replica, whose row exists, and see to it until it is ready or failed.

        No more than once at a time, however often it is asked for.
        """
        self._spawn(f"start {replica_id}", self._start(replica_id, spec))

    async def tick(self) -> None:
        """End what should not run, and ask the others how they are."""
        async with self.database.transaction() as session:
            rows = await session.scalars(select(Replica).where(Replica.node_id == self.owner))
            mine = {row.id: row for row in rows}
        for replica in mine.values():
            if replica.draining_at is not None and _age(replica) > _UNROUTED_SECONDS:
                self._spawn(f"end {replica.id}", self._end(replica.id))
        for stray in (self.launcher.running() or set()) - set(mine):
            self._spawn(f"end {stray}", self._end(stray))
        ready = [r for r in mine.values() if r.state == ReplicaState.READY]
        await asyncio.gather(*(self._check(replica) for replica in ready))

    async def close(self) -> None:
        """End everything that runs here; what is shared goes on without us."""
        if self.launcher.shared:
            for task in self._tasks.values():
                task.cancel()
        await self.launcher.close()
        while self._tasks:  # each ends soon now that its replica has
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        async with self.database.transaction() as session:
            await session.execute(delete(Replica).where(Replica.node_id == self.node_id))

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the loop, unless work of this name is under way."""
        if name in self._tasks:
            work.close()
            return
        task = self._tasks[name] = asyncio.create_task(work, name=name)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task.get_name(), None)
        if not task.cancelled() and task.exception() is not None:
            logger.error("%s failed", task.get_name(), exc_info=task.exception())

    async def _start(self, replica_id: str, spec: ReplicaSpec) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS) as patience:
                url = await self.launcher.launch(replica_id, spec)
                await self._set(replica_id, url=url)
                await self._until_ready(replica_id, url, patience)
        except LaunchError as error:
            await self._fail(replica_id, error.code)
        except TimeoutError:
            await self._fail(replica_id, "WORKLOAD_INIT_UNKNOWN_ERROR")
        else:
            await self._set(replica_id, state=ReplicaState.READY, ready_at=now(), phase=None)
            logger.info("replica %s is ready", replica_id)

    async def _until_ready(self, replica_id: str, url: str, patience: asyncio.Timeout) -> None:
        """Wait; the time that weights take to come is not the engine's, and is told as it is."""
        downloaded = False
        while not (health := await self.prober.health(url)).ready:
            if not self._runs(replica_id):
                code: InferenceDeploymentErrorCode = "INFERENCE_ENGINE_UNKNOWN_ERROR"
                raise LaunchError("WORKLOAD_INIT_DOWNLOAD_ERROR" if downloaded else code)
            if health.downloads:
                patience.reschedule(asyncio.get_running_loop().time() + _READY_SECONDS)
            if health.downloads != downloaded:
                downloaded = health.downloads
                phase = "DOWNLOADING_MODEL" if downloaded else "ENGINE_INITIALIZING"
                await self._set(replica_id, phase=phase)
            await asyncio.sleep(_POLL_SECONDS)

    async def _check(self, replica: Replica) -> None:
        """A replica that ended, or missed three probes in a row, has failed."""
        watch = self._watches[replica.id]
        alive = self._runs(replica.id)
        if alive and time.monotonic() - watch.probed_at < _PROBE_SECONDS:
            return
        watch.probed_at = time.monotonic()
        well = alive and (await self.prober.health(replica.url or "")).ready
        watch.misses = 0 if well else watch.misses + 1
        if not alive or watch.misses >= _MISSES:
            await self._fail(replica.id, "INFERENCE_ENGINE_UNKNOWN_ERROR")

    def _runs(self, replica_id: str) -> bool:
        """Whether nothing is known to the contrary."""
        running = self.launcher.running()
        return running is None or replica_id in running

    async def _fail(self, replica_id: str, code: InferenceDeploymentErrorCode) -> None:
        logger.warning("replica %s failed: %s", replica_id, code)
        self._watches.pop(replica_id, None)
        await self._set(replica_id, state=ReplicaState.FAILED, error_code=code)
        await self.launcher.stop(replica_id)

    async def _end(self, replica_id: str) -> None:
        """Let a replica finish its work and go."""
        self._watches.pop(replica_id, None)
        await self.launcher.stop(replica_id)
        async with self.database.transaction() as session:
            await session.execute(delete(Replica).where(Replica.id == replica_id))

    async def _set(self, replica_id: str, **values: object) -> None:
        """Write to the replica's row, as soon as the database is there."""
        while True:
            try:
                async with self.database.transaction() as session:
                    await session.execute(
                        update(Replica)
                        .where(Replica.id == replica_id, Replica.state != ReplicaState.DRAINING)
                        .values(**values)
                    )
                return
            except DatabaseDownError:
                await asyncio.sleep(_POLL_SECONDS)


def _age(replica: Replica) -> float:
    """Seconds since the replica was told to drain."""
    return (now() - replica.draining_at).total_seconds() if replica.draining_at else 0.0
