"""The outermost layer of a server: a request id on every answer, every error in one form.

Pure ASGI. Knows nothing about routes, images or the engine.
"""

from __future__ import annotations

import logging
import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from friendli_server.errors import ApiError, ClientGone

_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_FROM_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
logger = logging.getLogger("friendli.server")


def request_id(request: Request) -> str:
    """The id of this request, as in the answer's `x-request-id`."""
    return str(request.state.request_id)


def error_response(error: ApiError, request_id: str | None) -> Response:
    """The answer that ends a request with `error`."""
    return Response(
        error.body(request_id).model_dump_json(),
        status_code=error.status,
        headers=dict(error.headers),
        media_type="application/json",
    )


async def http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: unknown paths and methods."""
    status, headers = getattr(error, "status_code", 500), getattr(error, "headers", None)
    response = error_response(
        ApiError(_FROM_STATUS.get(status, "internal_error")), request_id(request)
    )
    response.headers.update(headers or {})
    return response


class Envelope:
    """Gives each request an id and turns whatever is raised inside into the one error body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        name = _id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = name
        started = False

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["x-request-id"] = name
            await send(message)

        try:
            await self.app(scope, receive, named)
        except ClientGone:
            logger.debug("request %s: the client left", name)
        except Exception as raised:
            error = raised if isinstance(raised, ApiError) else ApiError("internal_error")
            if error is not raised:
                logger.exception("request %s failed", name)
            if started:
                raise
            await error_response(error, name)(scope, receive, named)


def _id(given: str | None) -> str:
    return given if given and _SAFE_ID.fullmatch(given) else uuid4().hex
