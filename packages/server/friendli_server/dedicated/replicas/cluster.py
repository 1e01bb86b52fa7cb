"""The launcher for a Ray cluster: Ray finds each replica a node with what its instance needs.

A replica is a detached actor (`hosted.py`), so it outlives the gateway that launched it, and any
gateway of the same database can mind it. Requests never pass through Ray. Only the cluster is
asked which replicas run; while it does not answer they are taken to be as they were, and whoever
probes them over HTTP knows better. Knows no database.

Ray is spoken to through its client (`ray://HOST:PORT`): a process that joins a cluster is ended by
Ray when the cluster goes, and a gateway must not be.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

import ray
from ray.exceptions import RayError
from ray.util import list_named_actors

from friendli_server.dedicated.replicas.child import PROGRAM
from friendli_server.dedicated.replicas.hosted import HostedReplica
from friendli_server.dedicated.replicas.instances import Instance, Instances
from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec
from friendli_server.dedicated.replicas.offers import Offers

logger = logging.getLogger("friendli.dedicated.replicas")

_LOOK_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 35.0
_AT_ONCE: Final = 4
T = TypeVar("T")


class RayCluster:
    """A `ReplicaLauncher` whose replicas are actors of the cluster at `address`.

    A process can have one.
    """

    shared = True

    def __init__(
        self,
        address: str,
        *,
        namespace: str,
        offers: Offers,
        instances: Instances,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """`namespace` tells this service's replicas from those of others on the same cluster."""
        self._address, self._namespace = address, namespace
        self._offers, self._instances, self._program = offers, instances, program
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ray")
        self._looking, self._connecting = threading.Lock(), threading.Lock()
        self._closing = threading.Event()
        self._known: set[str] | None = None
        self._watch: threading.Thread | None = None

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Where the replica listens, once Ray has found room for it and it was begun.

        One that exists is not made again. A cluster that does not answer is asked until it does.

        Raises:
            LaunchError: nothing such is offered, or it could not be begun.
        """
        arguments, instance = self._offers.arguments(spec), self._instances.find(spec.instance)
        while True:
            try:
                url = await self._asked(lambda: self._place(replica_id, arguments, instance))
                # shielded, for Ray's thread would die of setting a future that was cancelled
                listens = await asyncio.shield(asyncio.wrap_future(url))
                await self._asked(self._look)
            except ConnectionError:
                await asyncio.sleep(_AGAIN_SECONDS)
            except RayError as error:
                raise LaunchError("WORKLOAD_INIT_UNKNOWN_ERROR") from error
            else:
                return listens

    async def stop(self, replica_id: str) -> None:
        """Let the replica finish, and kill it when it takes too long; unknown ones are ignored."""
        with suppress(ConnectionError, ValueError, RayError):  # away, unknown, or just gone
            actor = await self._asked(lambda: ray.get_actor(replica_id, self._namespace))
            await self._asked(actor.drain.remote)
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await self._gone(replica_id)
                    return
            await self._asked(lambda: ray.kill(actor, no_restart=True))

    def running(self) -> set[str] | None:
        """The actors of this namespace that the cluster told of last; None before it did."""
        if self._watch is None:
            self._watch = threading.Thread(target=self._look_on, daemon=True, name="ray watch")
            self._watch.start()
        return self._known

    async def close(self) -> None:
        """Let go of the cluster; the replicas stay."""
        self._closing.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._watch:
            await asyncio.to_thread(self._watch.join, timeout=2 * _LOOK_SECONDS)
        await asyncio.to_thread(ray.shutdown)

    async def _asked(self, question: Callable[[], T]) -> T:
        """Put to the cluster beside the event loop. Raises ConnectionError while it is away."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._connected, question
        )

    def _connected(self, question: Callable[[], T]) -> T:
        with self._connecting:
            if not ray.is_initialized():
                self._connect()
        return question()

    def _connect(self) -> None:
        try:
            ray.init(self._address, namespace=self._namespace, log_to_driver=False)
        except Exception as error:  # Ray's own kinds differ from version to version
            raise ConnectionError(str(error)) from error

    def _place(self, replica_id: str, arguments: Sequence[str], instance: Instance) -> Future[str]:
        actor: Any = (
            ray.remote(HostedReplica)
            .options(
                name=replica_id,
                lifetime="detached",
                get_if_exists=True,
                max_restarts=0,  # the keeper replaces what is lost, whoever launched it
                scheduling_strategy="SPREAD",
                **instance.demand(),
            )
            .remote(arguments, self._program)
        )
        url: Future[str] = actor.url.remote().future()
        return url

    def _look(self) -> None:
        with self._looking:  # so that an older list never comes after a newer one
            self._known = set(list_named_actors())

    def _look_on(self) -> None:
        away = False
        while not self._closing.wait(_LOOK_SECONDS):
            try:
                self._connected(self._look)
            except (ConnectionError, RayError) as error:
                if not away:
                    logger.warning("the cluster does not answer: %s", error)
                away = True
            else:
                if away:
                    logger.info("the cluster answers again")
                away = False

    async def _gone(self, replica_id: str) -> None:
        while replica_id in (self.running() or ()):  # noqa: ASYNC110 - Ray sends no event
            await asyncio.sleep(_LOOK_SECONDS)
