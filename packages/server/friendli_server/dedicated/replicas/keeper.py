"""The loop that makes endpoints what they should be, by `endpoints/plan.py`.

Every node runs one; the one that holds the lease plans for all and minds what is shared, the others
mind their own replicas only. Knows no process and no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated.database import Database, DatabaseDownError, now
from friendli_server.dedicated.endpoints import services as endpoints
from friendli_server.dedicated.endpoints.models import Endpoint, Replica, ReplicaState
from friendli_server.dedicated.endpoints.plan import PHASES, EndpointView, Plan, ReplicaView, plan
from friendli_server.dedicated.endpoints.wire import EndpointConfig, Status
from friendli_server.dedicated.metrics import Metrics
from friendli_server.dedicated.nodes import services as nodes
from friendli_server.dedicated.replicas.demand import Peak
from friendli_server.dedicated.replicas.fleet import CLUSTER, Fleet
from friendli_server.dedicated.replicas.interfaces import ReplicaSpec
from friendli_server.dedicated.usage import services as usage

logger = logging.getLogger("friendli.dedicated.keeper")

_LEASE: Final = "keeper"
_BEAT_SECONDS: Final = 1.0
_SWEEP_SECONDS: Final = 60.0


@dataclass(kw_only=True)
class Keeper:
    """Plans for every endpoint while this node holds the lease.

    `sweep` is called once a minute by the node that leads: it deletes what is past its time.
    """

    database: Database
    fleet: Fleet
    node_id: str
    work_per_replica: int
    tick_seconds: float
    sweep: Callable[[], Awaitable[object]]
    metrics: Metrics
    _demand: defaultdict[str, Peak] = field(default_factory=lambda: defaultdict(Peak))
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _leads: bool = False
    _swept_at: float = float("-inf")
    _beat_at: float = float("-inf")
    _steady_since: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Tick until `closing` is set, then end this node's replicas and let another node lead.

        Never cancelled half-way: that could leave a transaction open. A database that is away is
        waited for.
        """
        while not self.closing.is_set():
            try:
                await self.tick()
            except DatabaseDownError:
                self._steady_since, self._beat_at = time.monotonic(), float("-inf")
                logger.warning("the database is away; replicas are left as they are")
            except Exception:
                logger.exception("keeping replicas failed; trying again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), self.tick_seconds)
        try:
            await self.fleet.close()
            async with self.database.transaction() as session:
                await nodes.leave(session, self.node_id)
        except DatabaseDownError:
            logger.warning("the database is away; others will notice that this node left")

    async def tick(self) -> None:
        """Beat; plan, if it is this node's turn; mind this node's replicas."""
        if time.monotonic() - self._beat_at > _BEAT_SECONDS:
            async with self.database.transaction() as session:
                await nodes.beat(session, self.node_id)
                self._leads = await nodes.take_lease(session, _LEASE, holder=self.node_id)
            self._beat_at = time.monotonic()
            self.metrics.leads.set(self._leads)
        if self._leads:
            await self._lead()
        if self._leads or not self.fleet.launcher.shared:
            await self.fleet.tick()

    async def _lead(self) -> None:
        async with self.database.transaction() as session:
            if time.monotonic() - self._steady_since > nodes.LOST_AFTER_SECONDS:
                await _forget_lost_nodes(session, but=self.fleet.owner)
            work = await usage.work_by_endpoint(session)
            found = await session.scalars(
                select(Endpoint).where(Endpoint.status != Status.TERMINATED)
            )
            planned = found.all()
            starting: list[tuple[Replica, ReplicaSpec]] = []
            for endpoint in planned:
                starting += await self._step(session, endpoint, work.get(endpoint.id, 0))
        self._count(planned)
        for replica, spec in starting:
            self.fleet.start(replica.id, spec)
        if time.monotonic() - self._swept_at > _SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            await self.sweep()

    def _count(self, planned: Sequence[Endpoint]) -> None:
        by_status = Counter(endpoint.status for endpoint in planned)
        for status in Status:
            self.metrics.endpoints.labels(status).set(by_status[status])

    async def _step(
        self, session: AsyncSession, endpoint: Endpoint, work: int
    ) -> list[tuple[Replica, ReplicaSpec]]:
        """Carry out the plan for one endpoint as far as the database goes; what to launch."""
        config = await endpoints.config_of(session, endpoint)
        found = await session.scalars(
            select(Replica)
            .where(Replica.endpoint_id == endpoint.id)
            .order_by(Replica.created_at.desc())
        )
        replicas = found.all()
        step = plan(self._view(endpoint, config, replicas, work))
        _note(endpoint, step)
        await session.execute(
            update(Replica)
            .where(Replica.id.in_(step.drain))
            .values(state=ReplicaState.DRAINING, draining_at=now())
        )
        await session.execute(delete(Replica).where(Replica.id.in_(step.forget)))
        born = [self._birth(endpoint) for _ in range(step.launch)]
        session.add_all(born)
        await session.flush()
        adopted = [r for r in replicas if self._is_half_started(r) and r.id not in step.drain]
        return [(replica, _spec(config)) for replica in (*born, *adopted)]

    def _is_half_started(self, replica: Replica) -> bool:
        """Whether it may be waiting for a leader that is no more."""
        return replica.state == ReplicaState.STARTING and replica.node_id == CLUSTER

    def _birth(self, endpoint: Endpoint) -> Replica:
        return Replica(
            endpoint_id=endpoint.id,
            version=endpoint.version,
            epoch=endpoint.epoch,
            node_id=self.fleet.owner,
        )

    def _view(
        self, endpoint: Endpoint, config: EndpointConfig, replicas: Sequence[Replica], work: int
    ) -> EndpointView:
        current = (endpoint.version, endpoint.epoch)
        policy = config.autoscaling_policy
        return EndpointView(
            goal=endpoint.goal,
            status=endpoint.status,
            policy=policy,
            replicas=[
                ReplicaView(
                    id=replica.id,
                    state=replica.state,
                    is_current=(replica.version, replica.epoch) == current,
                    phase=replica.phase or PHASES[-1 if replica.url else 0],
                    error_code=replica.error_code,
                )
                for replica in replicas
            ],
            demand=self._demand_of(endpoint.id, work, seconds=policy.cooldown_period),
            idle_seconds=(now() - endpoint.used_at).total_seconds(),
            works=work > 0,
        )

    def _demand_of(self, endpoint_id: str, work: int, *, seconds: int) -> int:
        """The most replicas that any moment of the last `seconds` had work for."""
        asked = -(-work // self.work_per_replica)
        return self._demand[endpoint_id].of(asked, at=time.monotonic(), seconds=seconds)


def _spec(config: EndpointConfig) -> ReplicaSpec:
    return ReplicaSpec(
        model=config.hf_model_repo,
        revision=config.hf_model_repo_revision or "",
        instance=config.instance_option_id,
        adapters=config.adapters,
    )


def _note(endpoint: Endpoint, step: Plan) -> None:
    """Write what changed, and only that, so that a quiet endpoint costs no write."""
    said = {
        "goal": step.goal,
        "status": step.status,
        "phase": step.phase,
        "error_code": step.error_code,
    }
    for name, value in said.items():
        if getattr(endpoint, name) != value:
            setattr(endpoint, name, value)


async def _forget_lost_nodes(session: AsyncSession, *, but: str) -> None:
    """Drop the replicas and jobs of nodes that give no sign of life, and are not `but`."""
    living = await nodes.living(session)
    await session.execute(delete(Replica).where(Replica.node_id.not_in(living | {but})))
    await usage.forget_lost(session, living)
