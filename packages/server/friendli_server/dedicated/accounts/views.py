"""`/dedicated/v1/team`: a team's own people, tokens and projects. Knows no endpoint.

A token is made for oneself only: one made for somebody else would open that person's other teams.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from friendli_server import body as bodies
from friendli_server.dedicated.accounts import services
from friendli_server.dedicated.accounts.auth import Authenticator, Caller
from friendli_server.dedicated.accounts.headers import caller_of
from friendli_server.dedicated.accounts.models import Role, Team
from friendli_server.dedicated.accounts.wire import (
    MemberBody,
    MemberView,
    NewToken,
    ProjectBody,
    ProjectView,
    TeamView,
    TokenBody,
    TokenView,
)
from friendli_server.dedicated.database import Database
from friendli_server.errors import ApiError

_PATH: Final = "/dedicated/v1/team"
_MAX_BODY: Final = 16 * 1024


def router(authenticator: Authenticator, database: Database) -> APIRouter:
    """The team routes."""
    routes = APIRouter(tags=["Dedicated.Team"])
    _add_team(routes, authenticator, database)
    _add_members(routes, authenticator, database)
    _add_tokens(routes, authenticator, database)
    return routes


def _add_team(routes: APIRouter, authenticator: Authenticator, database: Database) -> None:
    @routes.get(_PATH, operation_id="dedicatedGetTeam")
    async def team(request: Request) -> TeamView:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            return TeamView.model_validate(await session.get_one(Team, caller.team_id))

    @routes.get(_PATH + "/project", operation_id="dedicatedListProjects")
    async def projects(request: Request) -> list[ProjectView]:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            found = await services.projects(session, caller.team_id)
            return [ProjectView.model_validate(project) for project in found]

    @routes.post(_PATH + "/project", operation_id="dedicatedCreateProject")
    async def create_project(request: Request) -> ProjectView:
        caller = await caller_of(request, authenticator)
        body = await parsed(request, ProjectBody)
        async with database.transaction() as session:
            project = await services.create_project(session, team_id=caller.team_id, name=body.name)
            return ProjectView.model_validate(project)


def _add_members(routes: APIRouter, authenticator: Authenticator, database: Database) -> None:
    @routes.get(_PATH + "/member", operation_id="dedicatedListMembers")
    async def members(request: Request) -> list[MemberView]:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            return [
                MemberView(user_id=user.id, name=user.name, role=Role(role))
                for user, role in await services.members(session, caller.team_id)
            ]

    @routes.put(_PATH + "/member", operation_id="dedicatedSetMember")
    async def set_member(request: Request) -> MemberView:
        caller = _owner(await caller_of(request, authenticator))
        body = await parsed(request, MemberBody)
        async with database.transaction() as session:
            user = await services.user_named(session, body.name)
            await services.set_member(
                session, team_id=caller.team_id, user_id=user.id, role=Role(body.role)
            )
            services.audit(
                session,
                actor=caller.token_id,
                action="set member",
                subject=caller.team_id,
                user=user.id,
                role=body.role,
            )
            await _require_owner(session=session, team_id=caller.team_id)
            return MemberView(user_id=user.id, name=user.name, role=Role(body.role))

    @routes.delete(_PATH + "/member/{user_id}", operation_id="dedicatedRemoveMember")
    async def remove_member(request: Request, user_id: str) -> dict[str, str]:
        caller = _owner(await caller_of(request, authenticator))
        async with database.transaction() as session:
            if not await services.remove_member(session, team_id=caller.team_id, user_id=user_id):
                raise ApiError("member_not_found")
            services.audit(
                session,
                actor=caller.token_id,
                action="remove member",
                subject=caller.team_id,
                user=user_id,
            )
            await _require_owner(session=session, team_id=caller.team_id)
        return {}


def _add_tokens(routes: APIRouter, authenticator: Authenticator, database: Database) -> None:
    @routes.get(_PATH + "/token", operation_id="dedicatedListTokens")
    async def tokens(request: Request) -> list[TokenView]:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            found = await services.tokens(session, caller.team_id)
            shown = [t for t in found if caller.is_owner or t.user_id == caller.user_id]
            return [TokenView.model_validate(token) for token in shown]

    @routes.post(_PATH + "/token", operation_id="dedicatedCreateToken")
    async def create_token(request: Request) -> NewToken:
        caller = await caller_of(request, authenticator)
        body = await parsed(request, TokenBody)
        async with database.transaction() as session:
            token, secret = await services.create_token(
                session, name=body.name, user_id=caller.user_id, team_id=caller.team_id
            )
            view = TokenView.model_validate(token)
        return NewToken(**view.model_dump(), token=secret)

    @routes.delete(_PATH + "/token/{token_id}", operation_id="dedicatedRevokeToken")
    async def revoke_token(request: Request, token_id: str) -> dict[str, str]:
        caller = await caller_of(request, authenticator)
        async with database.transaction() as session:
            mine = {t.id: t for t in await services.tokens(session, caller.team_id)}
            token = mine.get(token_id)
            if token is None or not (caller.is_owner or token.user_id == caller.user_id):
                raise ApiError("token_not_found")
            await services.revoke_token(session, team_id=caller.team_id, token_id=token_id)
        return {}


async def parsed(request: Request, model: type[bodies.Body]) -> bodies.Body:
    """The request's small JSON body as `model`."""
    bodies.require_json(request)
    raw = await bodies.read(request, limit=_MAX_BODY)
    return bodies.shape(model, await bodies.parse_json(raw))


def _owner(caller: Caller) -> Caller:
    if not caller.is_owner:
        raise ApiError("owner_required")
    return caller


async def _require_owner(*, session: AsyncSession, team_id: str) -> None:
    """Keep a team from losing its last owner."""
    roles = [role for _, role in await services.members(session, team_id)]
    if Role.OWNER not in roles:
        raise ApiError("conflict", "A team keeps at least one owner.")
