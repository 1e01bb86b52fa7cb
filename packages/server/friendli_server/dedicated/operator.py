"""What the account commands do, each in one transaction, each leaving a line in the audit.

Knows no terminal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated import schema
from friendli_server.dedicated.accounts import services
from friendli_server.dedicated.accounts.models import Role, Team, Token
from friendli_server.dedicated.database import Database, DatabaseDownError

_ACTOR: Final = "command line"


class RefusedError(Exception):
    """A command cannot be carried out; the text says why."""


async def migrate(url: str) -> None:
    """Bring the database to the newest schema."""
    async with _opened(url) as database:
        await schema.migrate(database)


async def create_team(url: str, name: str, *, owner: str) -> str:
    """A new team; its id."""
    async with _transaction(url) as session:
        if await services.find_team(session, name) is not None:
            raise RefusedError("There is such a team already.")
        team = await services.create_team(session, name)
        user = await services.user_named(session, owner)
        await services.set_member(session, team_id=team.id, user_id=user.id, role=Role.OWNER)
        services.audit(session, actor=_ACTOR, action="create team", subject=team.id, name=name)
        return team.id


async def teams(url: str) -> list[tuple[str, ...]]:
    """Id, name and members of every team."""
    async with _transaction(url) as session:
        found = (await session.scalars(select(Team).order_by(Team.name))).all()
        return [
            (
                team.id,
                team.name,
                ", ".join(f"{u.name} ({r})" for u, r in await services.members(session, team.id)),
            )
            for team in found
        ]


async def create_token(url: str, name: str, *, team: str, user: str) -> str | None:
    """A token's secret; `None` if there is no such member. No team: an admin token."""
    async with _transaction(url) as session:
        team_id = user_id = None
        if team:
            found = await services.find_team(session, team)
            people = await services.members(session, found.id) if found else []
            user_id = {u.name: u.id for u, _ in people}.get(user)
            if found is None or user_id is None:
                return None
            team_id = found.id
        made, secret = await services.create_token(
            session, name=name, user_id=user_id, team_id=team_id
        )
        services.audit(session, actor=_ACTOR, action="create token", subject=made.id)
        return secret


async def tokens(url: str, *, team: str) -> list[tuple[str, ...]]:
    """Id, hint, name and state of a team's tokens, or of the admin's."""
    async with _transaction(url) as session:
        found = await services.find_team(session, team) if team else None
        if team and found is None:
            return []
        listed = await services.tokens(session, found.id if found else None)
        return [(t.id, t.hint, t.name, "revoked" if t.revoked_at else "valid") for t in listed]


async def revoke(url: str, token_id: str) -> bool:
    """End a token of any team; False if there is none."""
    async with _transaction(url) as session:
        token = await session.get(Token, token_id)
        if token is None:
            return False
        services.audit(session, actor=_ACTOR, action="revoke token", subject=token_id)
        return await services.revoke_token(session, team_id=token.team_id, token_id=token_id)


@asynccontextmanager
async def _transaction(url: str) -> AsyncIterator[AsyncSession]:
    async with _opened(url) as database:
        if not await schema.is_current(database):
            raise RefusedError(
                "The database is not up to date: run `friendli dedicated migrate` first."
            )
        async with database.transaction() as session:
            yield session


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    try:
        async with Database(url) as database:
            yield database
    except DatabaseDownError as error:
        raise RefusedError("The database cannot be reached.") from error
