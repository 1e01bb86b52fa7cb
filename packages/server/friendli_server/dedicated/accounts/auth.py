"""Whom a secret speaks for. Knows neither headers nor status codes.

A verdict is kept for `FRESH_SECONDS`, which bounds how long a revoked token still works on any
node; while the database is down it may be used up to `STALE_SECONDS` longer.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from friendli_server.dedicated.database import Database, DatabaseDownError
from friendli_server.dedicated.ids import digest
from friendli_server.dedicated.joined import Joined

from .models import Membership, Role, Token

FRESH_SECONDS: Final = 3.0
STALE_SECONDS: Final = 30.0
_KEPT: Final = 10_000
_clock = time.monotonic


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a token is good for; `roles` are the user's, by team. An admin token has no team."""

    token_id: str
    user_id: str | None
    team_id: str | None
    roles: Mapping[str, str]

    @property
    def is_admin(self) -> bool:
        """Whether this is an admin token, which is good for the admin API and nothing else."""
        return self.user_id is None


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user acting for one team."""

    token_id: str
    user_id: str
    team_id: str
    role: str

    @property
    def is_owner(self) -> bool:
        """Whether people, tokens and the team itself are the caller's to change."""
        return self.role == Role.OWNER


class Authenticator:
    """Secrets to grants, through a small cache."""

    def __init__(self, database: Database) -> None:
        """Tokens and memberships are read from `database`."""
        self._database = database
        self._known: OrderedDict[str, tuple[float, Grant]] = OrderedDict()
        self._read = Joined(self._look_up)

    async def grant(self, secret: str) -> Grant | None:
        """What `secret` is good for; `None` for one that is unknown or revoked."""
        key = digest(secret)
        at, known = self._known.get(key, (float("-inf"), None))
        if _clock() - at < FRESH_SECONDS:
            return known
        try:
            grant = await self._read(key)
        except DatabaseDownError:
            if _clock() - at > STALE_SECONDS:
                raise
            return known
        self._keep(key, grant)
        return grant

    async def _look_up(self, key: str) -> Grant | None:
        async with self._database.transaction() as session:
            return await _read(session, key)

    def _keep(self, key: str, grant: Grant | None) -> None:
        self._known.pop(key, None)
        if grant is not None:  # unknown secrets are not kept: anyone can make them up
            self._known[key] = (_clock(), grant)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)


async def _read(session: AsyncSession, key: str) -> Grant | None:
    token = await session.scalar(
        select(Token).where(Token.sha256 == key, Token.revoked_at.is_(None))
    )
    if token is None:
        return None
    rows = await session.execute(
        select(Membership.team_id, Membership.role).where(Membership.user_id == token.user_id)
    )
    return Grant(
        token_id=token.id,
        user_id=token.user_id,
        team_id=token.team_id,
        roles={row.team_id: row.role for row in rows},
    )


def caller(grant: Grant, team_id: str | None) -> Caller | None:
    """The caller for a team, by default the token's own; `None` if the user is not in it."""
    team_id = team_id or grant.team_id
    if grant.user_id is None or team_id is None or team_id not in grant.roles:
        return None
    return Caller(
        token_id=grant.token_id,
        user_id=grant.user_id,
        team_id=team_id,
        role=grant.roles[team_id],
    )
