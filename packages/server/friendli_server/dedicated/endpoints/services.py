"""What may be done with a team's endpoints. Every query names the team. Knows no HTTP.

These functions only write down what people want (`goal`, a new version); the keeper makes it so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated.accounts import services as accounts
from friendli_server.dedicated.accounts.models import Project
from friendli_server.dedicated.database import now
from friendli_server.dedicated.ids import random_id
from friendli_server.errors import ApiError

from .models import (
    Endpoint,
    EndpointVersion,
    Goal,
    Replica,
    ReplicaState,
)
from .wire import (
    AutoscalingPolicy,
    EndpointConfig,
    EndpointCreateBody,
    EndpointUpdateBody,
    Status,
)

_USED_LATELY: Final = timedelta(seconds=1)
"""Idle time is counted in seconds: a busy endpoint need not be written to at each request."""
_COLUMNS: Final = Endpoint.__table__.c
_STATE: Final = select(_COLUMNS.goal, _COLUMNS.status, _COLUMNS.used_at).where(
    _COLUMNS.id == bindparam("id"), _COLUMNS.team_id == bindparam("team_id")
)
"""What every request asks, so it is built once."""


async def find(session: AsyncSession, team_id: str, endpoint_id: str) -> Endpoint:
    """The team's endpoint.

    Raises:
        ApiError: 404, the same for a missing endpoint and for another team's.
    """
    endpoint = await session.scalar(
        select(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.team_id == team_id)
    )
    if endpoint is None:
        raise ApiError("endpoint_not_found")
    return endpoint


async def wake_for_request(session: AsyncSession, team_id: str, endpoint_id: str) -> None:
    """See that the team's endpoint is awake or wakes up, with this moment as its last use.

    Raises:
        ApiError: 404 unknown, 409 terminated, 503 its model cannot be started.
    """
    asked = {"id": endpoint_id, "team_id": team_id}
    endpoint = (await session.execute(_STATE, asked)).one_or_none()
    if endpoint is None:
        raise ApiError("endpoint_not_found")
    if endpoint.goal == Goal.TERMINATED:
        raise ApiError("endpoint_terminated")
    if endpoint.status == Status.FAILED:
        raise ApiError("endpoint_failed", retry_after=30)
    if endpoint.goal == Goal.ASLEEP or now() - endpoint.used_at > _USED_LATELY:
        _use(await find(session, team_id, endpoint_id))


def _use(endpoint: Endpoint) -> None:
    endpoint.used_at = now()
    if endpoint.goal == Goal.ASLEEP:
        endpoint.goal = Goal.AWAKE


async def create(
    session: AsyncSession,
    *,
    team_id: str,
    creator_id: str,
    body: EndpointCreateBody,
    endpoint_id: str | None = None,
) -> Endpoint:
    """A new endpoint in one of the team's projects; an empty project id means the first one.

    Its id is drawn unless it is given.
    """
    project = await _project(session, team_id, body.project_id)
    config = EndpointConfig(
        name=body.name,
        instance_option_id=body.instance_option_id,
        advanced=body.advanced,
        autoscaling_policy=_policy(body) or AutoscalingPolicy(),
        hf_model_repo=body.hf_model_repo,
        hf_model_repo_revision=body.hf_model_repo_revision,
        adapters=body.adapters,
    )
    endpoint = Endpoint(
        id=endpoint_id or random_id("dep"),
        team_id=team_id,
        project_id=project.id,
        creator_id=creator_id,
        status=Status.INITIALIZING,
        phase="REQUESTING_VIRTUAL_MACHINE",
    )
    session.add(endpoint)
    await session.flush()
    session.add(
        EndpointVersion(
            endpoint_id=endpoint.id,
            number=0,
            spec=config.model_dump(mode="json"),
            comment=body.initial_version_comment,
            creator_id=creator_id,
        )
    )
    await session.flush()
    return endpoint


async def update(
    session: AsyncSession, endpoint: Endpoint, *, creator_id: str, body: EndpointUpdateBody
) -> EndpointVersion:
    """A new version of the endpoint's spec; its replicas are replaced one by one."""
    if endpoint.goal == Goal.TERMINATED:
        raise ApiError("endpoint_terminated")
    config = await config_of(session, endpoint)
    changes = body.model_dump(
        include=set(EndpointConfig.model_fields), exclude_none=True, by_alias=False
    )
    policy = _policy(body)
    if policy is not None:
        changes["autoscaling_policy"] = policy.model_dump(by_alias=False)
    merged = EndpointConfig.model_validate(config.model_dump(by_alias=False) | changes)
    version = EndpointVersion(
        endpoint_id=endpoint.id,
        number=endpoint.version + 1,
        spec=merged.model_dump(mode="json"),
        comment=body.new_version_comment,
        creator_id=creator_id,
    )
    session.add(version)
    endpoint.version = version.number
    endpoint.updated_at = now()
    endpoint.status = Status.UPDATING if endpoint.status == Status.RUNNING else endpoint.status
    await session.flush()
    return version


async def set_goal(session: AsyncSession, endpoint: Endpoint, goal: Goal) -> None:
    """Wake, put to sleep or end an endpoint; an ended one stays so until it is restarted."""
    if endpoint.goal == Goal.TERMINATED and goal != Goal.TERMINATED:
        raise ApiError("endpoint_terminated")
    asleep = endpoint.status in {Status.SLEEPING, Status.AWAKING}
    endpoint.goal, endpoint.updated_at = goal, now()
    if goal == Goal.AWAKE:
        endpoint.used_at = now()
        endpoint.epoch += endpoint.status == Status.FAILED
        endpoint.status = Status.AWAKING if asleep else endpoint.status
    elif goal == Goal.ASLEEP:
        endpoint.status = Status.SLEEPING
    else:
        endpoint.status = Status.TERMINATING
    endpoint.phase = endpoint.error_code = None
    await session.flush()


async def restart(session: AsyncSession, endpoint: Endpoint) -> None:
    """Replace every replica, one by one, by one of the same version; the way back from an end."""
    if endpoint.goal == Goal.TERMINATED:
        endpoint.goal, endpoint.status = Goal.ASLEEP, Status.INITIALIZING
    await set_goal(session, endpoint, Goal.AWAKE)
    endpoint.epoch += 1
    await session.flush()


async def config_of(
    session: AsyncSession, endpoint: Endpoint, number: int | None = None
) -> EndpointConfig:
    """The endpoint's spec, by default the one in force."""
    key = (endpoint.id, endpoint.version if number is None else number)
    return EndpointConfig.model_validate((await session.get_one(EndpointVersion, key)).spec)


async def page(
    session: AsyncSession,
    team_id: str,
    *,
    project_id: str | None,
    after: str | None,
    limit: int,
) -> Sequence[Endpoint]:
    """Up to `limit` of the team's endpoints by id, those behind `after`."""
    query = select(Endpoint).where(Endpoint.team_id == team_id)
    if project_id:
        query = query.where(Endpoint.project_id == project_id)
    if after is not None:
        query = query.where(Endpoint.id > after)
    return (await session.scalars(query.order_by(Endpoint.id).limit(limit))).all()


async def versions(
    session: AsyncSession, endpoint_id: str, *, before: int | None, limit: int
) -> Sequence[EndpointVersion]:
    """Up to `limit` versions, newest first, those before `before`."""
    query = select(EndpointVersion).where(EndpointVersion.endpoint_id == endpoint_id)
    if before is not None:
        query = query.where(EndpointVersion.number < before)
    found = await session.scalars(query.order_by(EndpointVersion.number.desc()).limit(limit))
    return found.all()


async def replica_counts(session: AsyncSession, endpoint: Endpoint) -> tuple[int, int]:
    """How many replicas are ready, and how many of those have the version in force."""
    rows = await session.execute(
        select(Replica.version, func.count().label("ready"))
        .where(Replica.endpoint_id == endpoint.id, Replica.state == ReplicaState.READY)
        .group_by(Replica.version)
    )
    by_version: dict[int, int] = {row.version: row.ready for row in rows}
    return sum(by_version.values()), by_version.get(endpoint.version, 0)


async def _project(session: AsyncSession, team_id: str, project_id: str) -> Project:
    if not project_id:
        return await accounts.first_project(session, team_id)
    project = await session.scalar(
        select(Project).where(Project.id == project_id, Project.team_id == team_id)
    )
    if project is None:
        raise ApiError("project_not_found", param="projectId")
    return project


def _policy(body: EndpointCreateBody | EndpointUpdateBody) -> AutoscalingPolicy | None:
    """The scaling asked for; a fixed number of replicas is a policy too."""
    if body.simplescale is not None:
        count = body.simplescale.replicas
        return AutoscalingPolicy(min_replica=count, max_replica=count)
    return body.autoscaling_policy
