"""One log record for each request: what was asked of which route and how it ended.

Holds no prompt, token, query string or file name: a path is told by its route's pattern. Whoever
answers may add facts (`note`). Pure ASGI; knows no route.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("friendli.access")
_FACTS = "access_facts"


def note(scope: Scope, **facts: Any) -> None:
    """Add to the record of the request in `scope`; None says nothing."""
    told = {name: fact for name, fact in facts.items() if fact is not None}
    scope.setdefault("state", {}).setdefault(_FACTS, {}).update(told)


class AccessLog:
    """Writes the records. Requests for health are a matter for debugging only."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside and tell of it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = monotonic(), None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            _write(scope, status, monotonic() - began)


def _write(scope: Scope, status: int | None, seconds: float) -> None:
    state = scope.get("state", {})
    path = getattr(scope.get("route"), "path", None)
    record = {
        "method": scope["method"],
        "route": path,
        "status": status,
        "seconds": round(seconds, 4),
        "request_id": state.get("request_id"),
        **state.get(_FACTS, {}),
    }
    level = logging.DEBUG if scope["path"].startswith("/health") else logging.INFO
    logger.log(level, "request", extra=record)
