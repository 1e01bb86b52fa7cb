"""`/dedicated/beta/endpoint`: the life cycle API, by the public API's paths. Knows no replica."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter
from friendli_wire import ErrorLocation
from friendli_wire.endpoints import DedicatedEndpointListResponse, DedicatedEndpointStatus
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from friendli_server.dedicated.accounts.auth import Authenticator
from friendli_server.dedicated.accounts.headers import caller_of
from friendli_server.dedicated.accounts.views import parsed
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.endpoints import services
from friendli_server.dedicated.endpoints.models import Endpoint, Goal
from friendli_server.dedicated.endpoints.wire import (
    EndpointConfig,
    EndpointCreateBody,
    EndpointSpec,
    EndpointUpdateBody,
    VersionHistory,
)
from friendli_server.errors import ApiError

_PATH: Final = "/dedicated/beta/endpoint"
_PAGE: Final = 20
_MAX_PAGE: Final = 100
_ORDERS: Final[dict[str, Callable[[AsyncSession, Endpoint], Awaitable[None]]]] = {
    "sleep": lambda session, endpoint: services.set_goal(session, endpoint, Goal.ASLEEP),
    "wake": lambda session, endpoint: services.set_goal(session, endpoint, Goal.AWAKE),
    "terminate": lambda session, endpoint: services.set_goal(session, endpoint, Goal.TERMINATED),
    "restart": services.restart,
}


def router(authenticator: Authenticator, database: Database) -> APIRouter:
    """The life cycle routes; every one works on the caller's team only."""
    routes = APIRouter(tags=["Dedicated.Endpoint"])
    _add_collection(routes, authenticator, database)
    _add_item(routes, authenticator, database)
    for name in _ORDERS:
        _add_order(routes, authenticator, database, name=name)
    return routes


def _add_collection(routes: APIRouter, authenticator: Authenticator, database: Database) -> None:
    @routes.post(
        _PATH, operation_id="dedicatedCreateEndpoint", response_model=DedicatedEndpointStatus
    )
    async def create(request: Request) -> Response:
        caller = await caller_of(request, authenticator)
        body = await parsed(request, EndpointCreateBody)
        async with database.transaction() as session:
            endpoint = await services.create(
                session, team_id=caller.team_id, creator_id=caller.user_id, body=body
            )
        return _json(status_of(endpoint))

    @routes.get(
        _PATH, operation_id="dedicatedListEndpoints", response_model=DedicatedEndpointListResponse
    )
    async def page(request: Request) -> Response:
        caller = await caller_of(request, authenticator)
        limit = _limit(request)
        async with database.transaction() as session:
            found = await services.page(
                session,
                caller.team_id,
                project_id=request.query_params.get("project_id"),
                after=_cursor(request),
                limit=limit + 1,
            )
        shown = found[:limit]
        return _json(
            DedicatedEndpointListResponse(
                data={endpoint.id: status_of(endpoint) for endpoint in shown},
                next_cursor=_encode(shown[-1].id) if len(found) > limit else None,
            )
        )


def _add_item(routes: APIRouter, authenticator: Authenticator, database: Database) -> None:
    @routes.get(
        _PATH + "/{endpoint_id}", operation_id="dedicatedGetEndpoint", response_model=EndpointSpec
    )
    async def get(request: Request, endpoint_id: str) -> Response:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            endpoint = await services.find(session, caller.team_id, endpoint_id)
            return _json(await _spec(session, endpoint))

    @routes.put(
        _PATH + "/{endpoint_id}",
        operation_id="dedicatedUpdateEndpoint",
        response_model=EndpointSpec,
    )
    async def update(request: Request, endpoint_id: str) -> Response:
        caller = await caller_of(request, authenticator)
        body = await parsed(request, EndpointUpdateBody)
        async with database.transaction() as session:
            endpoint = await services.find(session, caller.team_id, endpoint_id)
            await services.update(session, endpoint, creator_id=caller.user_id, body=body)
            return _json(await _spec(session, endpoint))

    @routes.delete(_PATH + "/{endpoint_id}", operation_id="dedicatedDeleteEndpoint")
    async def delete(request: Request, endpoint_id: str) -> dict[str, str]:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            await session.delete(await services.find(session, caller.team_id, endpoint_id))
        return {}

    @routes.get(
        _PATH + "/{endpoint_id}/status",
        operation_id="dedicatedGetEndpointStatus",
        response_model=DedicatedEndpointStatus,
    )
    async def status(request: Request, endpoint_id: str) -> Response:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            return _json(status_of(await services.find(session, caller.team_id, endpoint_id)))

    @routes.get(
        _PATH + "/{endpoint_id}/version",
        operation_id="dedicatedGetEndpointVersionHistory",
        response_model=VersionHistory,
    )
    async def versions(request: Request, endpoint_id: str) -> Response:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            endpoint = await services.find(session, caller.team_id, endpoint_id)
            return _json(await _history(session, endpoint, request))


def _add_order(
    routes: APIRouter, authenticator: Authenticator, database: Database, *, name: str
) -> None:
    @routes.put(
        f"{_PATH}/{{endpoint_id}}/{name}",
        operation_id=f"dedicated{name.capitalize()}Endpoint",
        response_model=DedicatedEndpointStatus,
    )
    async def obey(request: Request, endpoint_id: str) -> Response:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            endpoint = await services.find(session, caller.team_id, endpoint_id)
            await _ORDERS[name](session, endpoint)
            return _json(status_of(endpoint))


def status_of(endpoint: Endpoint) -> DedicatedEndpointStatus:
    """What the API says of an endpoint."""
    return DedicatedEndpointStatus.model_validate(endpoint, from_attributes=True)


async def _spec(session: AsyncSession, endpoint: Endpoint) -> EndpointSpec:
    config = await services.config_of(session, endpoint)
    ready, current = await services.replica_counts(session, endpoint)
    policy = config.autoscaling_policy
    desired = max(policy.min_replica, 1) if endpoint.goal == Goal.AWAKE else 0
    return _described(
        endpoint, config, counts={"curr": ready, "desired": desired, "updated": current}
    )


def _described(
    endpoint: Endpoint, config: EndpointConfig, *, counts: dict[str, int] | None = None
) -> EndpointSpec:
    """A version's spec; counts of replicas belong to the version in force only."""
    counted = counts or {}
    return EndpointSpec(
        name=config.name,
        gpu_type="self-hosted",
        num_gpu=0,
        instance_id=config.instance_option_id,
        project_id=endpoint.project_id,
        creator_id=endpoint.creator_id,
        team_id=endpoint.team_id,
        autoscaling_min=config.autoscaling_policy.min_replica,
        autoscaling_max=config.autoscaling_policy.max_replica,
        autoscaling_cooldown=config.autoscaling_policy.cooldown_period,
        max_batch_size=config.advanced.max_batch_size or 0,
        max_input_length=config.advanced.max_input_length,
        max_context_length=config.advanced.max_context_length,
        tokenizer_skip_special_tokens=config.advanced.tokenizer_skip_special_tokens,
        tokenizer_add_special_tokens=config.advanced.tokenizer_add_special_tokens,
        curr_replica_cnt=counted.get("curr"),
        desired_replica_cnt=counted.get("desired"),
        updated_replica_cnt=counted.get("updated"),
        hf_model_repo=config.hf_model_repo,
        hf_model_repo_revision=config.hf_model_repo_revision,
        adapters=config.adapters,
    )


async def _history(session: AsyncSession, endpoint: Endpoint, request: Request) -> VersionHistory:
    limit, cursor = _limit(request), _cursor(request)
    if cursor is not None and not cursor.isdecimal():
        raise _bad_query("cursor", "This is no cursor of ours.")
    found = await services.versions(
        session, endpoint.id, before=None if cursor is None else int(cursor), limit=limit + 1
    )
    shown = found[:limit]
    return VersionHistory(
        data={
            str(version.number): _described(endpoint, EndpointConfig.model_validate(version.spec))
            for version in shown
        },
        next_cursor=_encode(str(shown[-1].number)) if len(found) > limit else None,
    )


def _limit(request: Request) -> int:
    given = request.query_params.get("limit") or str(_PAGE)
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:9]) <= _MAX_PAGE):
        raise _bad_query("limit", f"Must be between 1 and {_MAX_PAGE}.")
    return int(given)


def _cursor(request: Request) -> str | None:
    given = request.query_params.get("cursor")
    if not given:
        return None
    try:
        return base64.b64decode(given, altchars="-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise _bad_query("cursor", "This is no cursor of ours.") from None


def _encode(cursor: str) -> bytes:
    return base64.urlsafe_b64encode(cursor.encode())


def _bad_query(name: str, message: str) -> ApiError:
    at = ErrorLocation(loc=["query", name], msg=message, type="value_error")
    return ApiError("invalid_request", f"{name}: {message}", param=name, detail=[at])


def _json(model: BaseModel) -> Response:
    return Response(model.model_dump_json(by_alias=True), media_type="application/json")
