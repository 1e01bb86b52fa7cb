"""One line in the log and one count for every request. Pure ASGI; knows no route by name.

The line says who asked for what and how it ended: no body, no header, no query. A picture's own
link is a secret in its query only.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from friendli_server.dedicated.metrics import Metrics

logger = logging.getLogger("friendli.access")

_GONE: Final = 499
"""The status of an answer that nobody waited for."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = ("/health",)
"""Asked every few seconds by machines: counted, but not written down."""


class AccessLog:
    """Writes a request down when its answer ended."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.monotonic(), _GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            self._write(scope, status, time.monotonic() - began)

    def _write(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.http.labels(route, method, status).inc()
        self.metrics.http_seconds.labels(route).observe(seconds)
        if not scope["path"].startswith(_QUIET):
            logger.info("request", extra=_line(scope, status, seconds))


def _line(scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    state = scope.get("state", {})
    told = {key: state[key] for key in ("request_id", "team", "token") if key in state}
    return {
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "seconds": round(seconds, 4),
        **told,
    }
