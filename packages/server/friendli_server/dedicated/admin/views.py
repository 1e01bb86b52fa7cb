"""`/dedicated/admin/v1`: teams, quotas, members and their first tokens. Knows no endpoint.

Takes admin tokens (`fla_…`) only, and every change leaves a line in the audit, in the transaction
that makes it.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from friendli_server.dedicated.accounts import services
from friendli_server.dedicated.accounts.auth import Authenticator
from friendli_server.dedicated.accounts.headers import admin_of
from friendli_server.dedicated.accounts.models import AuditEntry, Role, Team
from friendli_server.dedicated.accounts.views import parsed
from friendli_server.dedicated.accounts.wire import (
    AuditView,
    MemberBody,
    MemberView,
    NewToken,
    Quotas,
    TeamBody,
    TeamView,
    TokenView,
    UserTokenBody,
)
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.results.store import ResultStore
from friendli_server.errors import ApiError

_PATH: Final = "/dedicated/admin/v1"
_AUDIT_PAGE: Final = 200


def router(authenticator: Authenticator, database: Database, results: ResultStore) -> APIRouter:
    """The admin routes."""
    routes = APIRouter(tags=["Dedicated.Admin"])
    _add_teams(routes, authenticator, database)
    _add_deletion(routes, authenticator, database, results=results)
    _add_people(routes, authenticator, database)

    @routes.get(_PATH + "/audit", operation_id="adminAudit")
    async def audit(request: Request) -> list[AuditView]:
        await admin_of(request, authenticator)
        async with database.transaction() as session:
            found = await session.scalars(
                select(AuditEntry).order_by(AuditEntry.id.desc()).limit(_AUDIT_PAGE)
            )
            return [AuditView.model_validate(entry) for entry in found]

    return routes


def _add_teams(routes: APIRouter, authenticator: Authenticator, database: Database) -> None:
    @routes.get(_PATH + "/team", operation_id="adminListTeams")
    async def teams(request: Request) -> list[TeamView]:
        await admin_of(request, authenticator)
        async with database.transaction() as session:
            found = await session.scalars(select(Team).order_by(Team.name))
            return [TeamView.model_validate(team) for team in found]

    @routes.post(_PATH + "/team", operation_id="adminCreateTeam")
    async def create(request: Request) -> TeamView:
        admin = await admin_of(request, authenticator)
        body = await parsed(request, TeamBody)
        async with database.transaction() as session:
            if await session.scalar(select(Team.id).where(Team.name == body.name)):
                raise ApiError("name_taken", param="name")
            team = await services.create_team(session, body.name)
            _limit(team, body)
            services.audit(
                session, actor=admin.token_id, action="create team", subject=team.id, name=body.name
            )
            return TeamView.model_validate(team)

    @routes.put(_PATH + "/team/{team_id}/quota", operation_id="adminSetQuota")
    async def quota(request: Request, team_id: str) -> TeamView:
        admin = await admin_of(request, authenticator)
        body = await parsed(request, Quotas)
        async with database.transaction() as session:
            team = await _team(session, team_id)
            _limit(team, body)
            services.audit(
                session,
                actor=admin.token_id,
                action="set quota",
                subject=team_id,
                **body.model_dump(),
            )
            return TeamView.model_validate(team)


def _add_deletion(
    routes: APIRouter, authenticator: Authenticator, database: Database, *, results: ResultStore
) -> None:
    @routes.delete(_PATH + "/team/{team_id}", operation_id="adminDeleteTeam")
    async def delete(request: Request, team_id: str) -> dict[str, str]:
        admin = await admin_of(request, authenticator)
        async with database.transaction() as session:
            team = await _team(session, team_id)
            services.audit(
                session,
                actor=admin.token_id,
                action="delete team",
                subject=team_id,
                name=team.name,
            )
            await session.delete(team)
        await results.delete_team(team_id)
        return {}


def _add_people(routes: APIRouter, authenticator: Authenticator, database: Database) -> None:
    @routes.put(_PATH + "/team/{team_id}/member", operation_id="adminSetMember")
    async def member(request: Request, team_id: str) -> MemberView:
        admin = await admin_of(request, authenticator)
        body = await parsed(request, MemberBody)
        async with database.transaction() as session:
            await _team(session, team_id)
            user = await services.user_named(session, body.name)
            await services.set_member(
                session, team_id=team_id, user_id=user.id, role=Role(body.role)
            )
            services.audit(
                session,
                actor=admin.token_id,
                action="set member",
                subject=team_id,
                user=user.id,
                role=body.role,
            )
            return MemberView(user_id=user.id, name=user.name, role=Role(body.role))

    @routes.post(_PATH + "/team/{team_id}/token", operation_id="adminCreateToken")
    async def token(request: Request, team_id: str) -> NewToken:
        admin = await admin_of(request, authenticator)
        body = await parsed(request, UserTokenBody)
        async with database.transaction() as session:
            people = {user.name: user for user, _ in await services.members(session, team_id)}
            if body.user not in people:
                raise ApiError("member_not_found", param="user")
            made, secret = await services.create_token(
                session, name=body.name, user_id=people[body.user].id, team_id=team_id
            )
            services.audit(
                session, actor=admin.token_id, action="create token", subject=team_id, token=made.id
            )
            view = TokenView.model_validate(made)
        return NewToken(**view.model_dump(), token=secret)


async def _team(session: AsyncSession, team_id: str) -> Team:
    team = await session.get(Team, team_id)
    if team is None:
        raise ApiError("team_not_found")
    return team


def _limit(team: Team, quotas: Quotas) -> None:
    for name in Quotas.model_fields:
        setattr(team, name, getattr(quotas, name))
