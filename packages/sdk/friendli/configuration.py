"""What the constructor of a client was told, and what follows from it for one call.

Resolves addresses, tokens and headers; opens no connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from friendli._version import USER_AGENT
from friendli.hooks import SDKHooks
from friendli.retries import DEFAULT, RetryConfig
from friendli.types import UNSET, OptionalNullable

Token = str | Callable[[], str | None] | None
READ_TIMEOUT = 600.0
"""Seconds without a byte. A picture may take minutes and the answer comes at its end."""
CONNECT_TIMEOUT = 10.0
TIMEOUT = (CONNECT_TIMEOUT, READ_TIMEOUT, READ_TIMEOUT, None)
"""Seconds to connect, read, write and wait for a free connection."""


@dataclass(kw_only=True)
class SDKConfiguration:
    """The settings of one client. The token stays out of `repr`."""

    token: Token = field(default=None, repr=False)
    server_url: str | None = None
    client: Any = None
    async_client: Any = None
    retry_config: OptionalNullable[RetryConfig] = UNSET
    timeout_ms: int | None = None
    x_friendli_team: str | None = None
    http_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    debug_logger: Any = None
    user_agent: str = USER_AGENT
    closed: bool = False
    _hooks: SDKHooks = field(default_factory=SDKHooks, repr=False)

    @property
    def hooks(self) -> SDKHooks:
        """The hooks of this client."""
        return self._hooks

    def base_url(self, override: str | None, *, default: str) -> str:
        """The call's address, else the client's, else `FRIENDLI_BASE_URL`, else the service's."""
        chosen = override or self.server_url or os.environ.get("FRIENDLI_BASE_URL") or default
        return chosen.removesuffix("/")

    def authorization(self) -> dict[str, str]:
        """The bearer header; empty without a token. A callable is asked for each call."""
        token = self.token() if callable(self.token) else self.token
        token = (token or os.environ.get("FRIENDLI_TOKEN") or "").strip()
        if not token:
            return {}
        scheme = "" if token.lower().startswith("bearer ") else "Bearer "
        return {"authorization": scheme + token}

    def team(self, override: OptionalNullable[str]) -> dict[str, str]:
        """The team header: the call's team, else the client's; None or "" for this call is none."""
        team = self.x_friendli_team if override is UNSET else override
        return {"x-friendli-team": team} if team and isinstance(team, str) else {}

    def retries(self, override: OptionalNullable[RetryConfig]) -> RetryConfig | None:
        """The call's retries, else the client's, else ours; None retries nothing."""
        for given in (override, self.retry_config):
            if given is None or isinstance(given, RetryConfig):
                return given
        return DEFAULT


def expand(server_url: str | None, params: Mapping[str, str] | None) -> str | None:
    """Fill the `{names}` of a server address."""
    for name, value in (params or {}).items():
        server_url = server_url and server_url.replace(f"{{{name}}}", value)
    return server_url
