"""Teams, users, tokens: what the command line, the admin API and the team's own API all call.

Every function works inside the caller's transaction and every query on a team's things names the
team. Knows no HTTP status.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated.database import now
from friendli_server.dedicated.ids import ADMIN_TOKEN, USER_TOKEN, digest, new_secret

from .models import (
    AuditEntry,
    Membership,
    Project,
    Role,
    Team,
    Token,
    User,
)


async def create_team(session: AsyncSession, name: str) -> Team:
    """A team with its first project, `default`."""
    team = Team(name=name)
    session.add(team)
    await session.flush()
    session.add(Project(team_id=team.id, name="default"))
    await session.flush()
    return team


async def find_team(session: AsyncSession, id_or_name: str) -> Team | None:
    """The team with this id or, failing that, this name."""
    return await session.get(Team, id_or_name) or await session.scalar(
        select(Team).where(Team.name == id_or_name)
    )


async def user_named(session: AsyncSession, name: str) -> User:
    """The user of this name, made if missing."""
    user = await session.scalar(select(User).where(User.name == name))
    if user is None:
        user = User(name=name)
        session.add(user)
        await session.flush()
    return user


async def set_member(session: AsyncSession, *, team_id: str, user_id: str, role: Role) -> None:
    """Put a user into a team, or change the role there."""
    await session.merge(Membership(team_id=team_id, user_id=user_id, role=role))


async def remove_member(session: AsyncSession, *, team_id: str, user_id: str) -> bool:
    """Take a user out of a team, with the tokens made for it; False if not in it."""
    member = await session.get(Membership, (team_id, user_id))
    if member is None:
        return False
    await session.delete(member)
    await session.execute(delete(Token).where(Token.team_id == team_id, Token.user_id == user_id))
    return True


async def members(session: AsyncSession, team_id: str) -> Sequence[tuple[User, str]]:
    """The team's users with their roles."""
    rows = await session.execute(
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == team_id)
        .order_by(User.name)
    )
    return [(user, role) for user, role in rows]


async def create_token(
    session: AsyncSession, *, name: str, user_id: str | None = None, team_id: str | None = None
) -> tuple[Token, str]:
    """A token and its secret, which is nowhere else. Without user and team: an admin token."""
    secret = new_secret(USER_TOKEN if user_id else ADMIN_TOKEN)
    token = Token(
        user_id=user_id,
        team_id=team_id,
        name=name,
        sha256=digest(secret),
        hint=f"{secret[:6]}…{secret[-4:]}",
    )
    session.add(token)
    await session.flush()
    return token, secret


async def tokens(session: AsyncSession, team_id: str | None) -> Sequence[Token]:
    """The team's tokens, newest first; of `None`, the admin tokens."""
    found = await session.scalars(
        select(Token).where(Token.team_id == team_id).order_by(Token.created_at.desc())
    )
    return found.all()


async def revoke_token(session: AsyncSession, *, team_id: str | None, token_id: str) -> bool:
    """End a token for good; False if the team has no such token."""
    token = await session.scalar(
        select(Token).where(Token.id == token_id, Token.team_id == team_id)
    )
    if token is None:
        return False
    token.revoked_at = token.revoked_at or now()
    return True


async def first_project(session: AsyncSession, team_id: str) -> Project:
    """The project endpoints go to when none is named."""
    found = await projects(session, team_id)
    return found[0] if found else await create_project(session, team_id=team_id, name="default")


async def projects(session: AsyncSession, team_id: str) -> Sequence[Project]:
    """The team's projects, oldest first."""
    found = await session.scalars(
        select(Project).where(Project.team_id == team_id).order_by(Project.created_at)
    )
    return found.all()


async def create_project(session: AsyncSession, *, team_id: str, name: str) -> Project:
    """A further project of the team."""
    project = Project(team_id=team_id, name=name)
    session.add(project)
    await session.flush()
    return project


def audit(
    session: AsyncSession, *, actor: str, action: str, subject: str, **detail: object
) -> None:
    """Write down a change in the transaction that makes it."""
    session.add(AuditEntry(actor=actor, action=action, subject=subject, detail=detail))
