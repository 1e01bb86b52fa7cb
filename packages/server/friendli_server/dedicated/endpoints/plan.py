"""What one endpoint needs done now: a pure function from what is to what should be.

Knows no clock, no database and no process. The keeper calls it for every endpoint a few times a
second and does what it says; since it only looks at the present state, nothing is lost when a
keeper dies half-way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from friendli_server.dedicated.endpoints.models import Goal, ReplicaState
from friendli_server.dedicated.endpoints.wire import AutoscalingPolicy, Status

MOST_FAILURES: Final = 3
PHASES: Final = ("REQUESTING_VIRTUAL_MACHINE", "DOWNLOADING_MODEL", "ENGINE_INITIALIZING")
"""Of a replica's start, in order."""
_ALIVE: Final = frozenset({ReplicaState.STARTING, ReplicaState.READY})


@dataclass(frozen=True, kw_only=True)
class ReplicaView:
    """One replica; `is_current` says whether it has the endpoint's version and epoch."""

    id: str
    state: str
    is_current: bool
    phase: str = PHASES[-1]
    error_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class EndpointView:
    """All that a plan follows from.

    `demand` is how many replicas the work of the last cool-down would have kept busy,
    `idle_seconds` how long ago the last request came, `works` whether any is in flight.
    """

    goal: str
    status: str
    policy: AutoscalingPolicy
    replicas: Sequence[ReplicaView]
    demand: int
    idle_seconds: float
    works: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do, and what the endpoint may say of itself meanwhile."""

    launch: int
    drain: Sequence[str]
    forget: Sequence[str]
    goal: str
    status: str
    phase: str | None
    error_code: str | None


def plan(endpoint: EndpointView) -> Plan:
    """The next step from here towards the goal."""
    goal = Goal.ASLEEP if _dozes_off(endpoint) else endpoint.goal
    failures = [r for r in endpoint.replicas if r.state == ReplicaState.FAILED and r.is_current]
    current = [r for r in endpoint.replicas if r.state in _ALIVE and r.is_current]
    old = [r for r in endpoint.replicas if r.state in _ALIVE and not r.is_current]
    ready = _ready(current)
    want = desired(endpoint) if goal == Goal.AWAKE else 0
    gives_up = len(failures) >= MOST_FAILURES and not ready
    launch = 0 if gives_up else max(0, want - len(current))
    still = min(len(_ready(old)), max(0, want - len(ready)))
    served = len(ready) + len(_ready(old))
    status = _status(
        goal=goal,
        before=endpoint.status,
        serving=served > 0,
        updating=bool(old),
        gives_up=gives_up,
        empty=not endpoint.replicas,
    )
    coming_up = goal == Goal.AWAKE and not served and not gives_up
    return Plan(
        launch=launch,
        drain=[*_all_but(want, current), *_all_but(still, old)],
        forget=_forgettable(endpoint.replicas, recovered=bool(ready) or goal != Goal.AWAKE),
        goal=goal,
        status=status,
        phase=_phase(current) if coming_up else None,
        error_code=failures[-1].error_code if gives_up else None,
    )


def desired(endpoint: EndpointView) -> int:
    """How many replicas an awake endpoint should have."""
    policy = endpoint.policy
    return min(max(endpoint.demand, policy.min_replica, 1), policy.max_replica)


def _dozes_off(endpoint: EndpointView) -> bool:
    return (
        endpoint.goal == Goal.AWAKE
        and endpoint.policy.min_replica == 0
        and not endpoint.works
        and endpoint.idle_seconds >= endpoint.policy.cooldown_period
    )


def _all_but(keep: int, replicas: Sequence[ReplicaView]) -> Sequence[str]:
    """The ids of those that go when `keep` stay; what is not ready yet goes first."""
    in_order = sorted(replicas, key=lambda r: r.state == ReplicaState.READY)
    return [r.id for r in in_order[: max(0, len(replicas) - keep)]]


def _ready(replicas: Sequence[ReplicaView]) -> Sequence[ReplicaView]:
    return [r for r in replicas if r.state == ReplicaState.READY]


def _forgettable(replicas: Sequence[ReplicaView], *, recovered: bool) -> Sequence[str]:
    """Failures that need not be counted any longer."""
    failed = [r for r in replicas if r.state == ReplicaState.FAILED]
    return [r.id for r in failed if recovered or not r.is_current]


def _status(
    *, goal: str, before: str, serving: bool, updating: bool, gives_up: bool, empty: bool
) -> Status:
    if goal == Goal.TERMINATED:
        return Status.TERMINATED if empty else Status.TERMINATING
    if goal == Goal.ASLEEP:
        return Status.SLEEPING
    if serving:
        return Status.UPDATING if updating else Status.RUNNING
    if gives_up:
        return Status.FAILED
    slept = before in {Status.SLEEPING, Status.AWAKING}
    return Status.AWAKING if slept else Status.INITIALIZING


def _phase(current: Sequence[ReplicaView]) -> str:
    """That of the replica which is furthest; they share what one downloads."""
    return max((replica.phase for replica in current), key=PHASES.index, default=PHASES[0])
