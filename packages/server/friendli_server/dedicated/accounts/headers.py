"""From a request's headers to its caller. Knows no table.

Exactly one `Authorization` header, scheme Bearer; a token in a query, a cookie or another scheme is
no token.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from friendli_server.dedicated.accounts.auth import Authenticator, Caller, Grant, caller
from friendli_server.errors import ApiError

_LONGEST: Final = 200


async def caller_of(request: Request, authenticator: Authenticator) -> Caller:
    """Who asks, and for which team.

    Raises:
        ApiError: 401 without a valid token, 403 for a team that is not the user's.
    """
    grant = await _grant(request, authenticator)
    if grant.is_admin:
        raise ApiError("invalid_token")
    who = caller(grant, request.headers.get("x-friendli-team") or None)
    if who is None:
        raise ApiError("team_forbidden", param="X-Friendli-Team")
    request.state.team, request.state.token = who.team_id, who.token_id
    return who


async def admin_of(request: Request, authenticator: Authenticator) -> Grant:
    """The admin token that asks.

    Raises:
        ApiError: 401 for anything else, users' tokens included.
    """
    grant = await _grant(request, authenticator)
    if not grant.is_admin:
        raise ApiError("invalid_token")
    request.state.token = grant.token_id
    return grant


async def _grant(request: Request, authenticator: Authenticator) -> Grant:
    given = request.headers.getlist("authorization")
    scheme, _, secret = (given[0] if len(given) == 1 else "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret.isascii() or not 0 < len(secret) <= _LONGEST:
        raise ApiError("invalid_token")
    grant = await authenticator.grant(secret)
    if grant is None:
        raise ApiError("invalid_token")
    return grant
