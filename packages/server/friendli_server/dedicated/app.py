"""The ASGI application of a gateway: its domains' routes under one envelope. Knows no process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from friendli_server.dedicated import openapi
from friendli_server.dedicated.access import AccessLog
from friendli_server.dedicated.accounts import views as accounts
from friendli_server.dedicated.admin import views as admin
from friendli_server.dedicated.database import DatabaseDownError
from friendli_server.dedicated.endpoints import views as endpoints
from friendli_server.dedicated.gateway import Gateway
from friendli_server.dedicated.images import views as images
from friendli_server.dedicated.problems import told_to_client
from friendli_server.dedicated.results import views as results
from friendli_server.dedicated.usage import views as usage
from friendli_server.envelope import Envelope, error_response, http_exception, request_id
from friendli_server.errors import ClientGone
from friendli_server.heartbeat import Heartbeat
from friendli_server.playground import routes as playground


def create_app(gateway: Gateway) -> FastAPI:
    """An application over an open gateway, which stays the caller's to close."""
    app = FastAPI(
        title="Friendli image API, dedicated endpoints",
        description="Pictures from a team's endpoints.",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(Heartbeat)
    app.add_middleware(Envelope)
    app.add_middleware(AccessLog, metrics=gateway.metrics)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(DatabaseDownError, _database_down)
    app.add_exception_handler(ClientGone, _client_gone)
    max_body = gateway.settings.max_body_mib * 2**20
    app.include_router(
        images.router(gateway.authenticator, gateway.images, max_body=max_body),
        responses=openapi.errors(409, 429, 500, 502, 504),
    )
    for domain in (endpoints, accounts, usage):
        app.include_router(
            domain.router(gateway.authenticator, gateway.database),
            responses=openapi.errors(409),
        )
    app.include_router(results.router(gateway.results), responses=openapi.errors(410, 416))
    if gateway.settings.serves_admin:
        app.include_router(
            admin.router(gateway.authenticator, gateway.database, gateway.results),
            responses=openapi.errors(409),
        )
    playground.mount(app)
    app.add_api_route("/health", _health(gateway), methods=["GET"], tags=["Health"])
    app.add_api_route("/health/live", _live, methods=["GET"], tags=["Health"])
    openapi.publish(app)
    return app


def _health(gateway: Gateway) -> Callable[[], Awaitable[JSONResponse]]:
    async def health() -> JSONResponse:
        if gateway.draining.is_set():
            return JSONResponse({"status": "draining"}, status_code=503)
        try:
            async with gateway.database.transaction() as session:
                await session.connection()
        except DatabaseDownError:
            return JSONResponse({"status": "database_unavailable"}, status_code=503)
        return JSONResponse({"status": "ready"})

    return health


async def _live() -> dict[str, str]:
    return {"status": "live"}


async def _refused(request: Request, error: Exception) -> Response:
    """Unknown paths and methods; `Allow` names every method that the path takes."""
    response = await http_exception(request, error)
    if allowed := openapi.methods_of(request.app, request.url.path):
        response.headers["allow"] = ", ".join(allowed)
    return response


async def _database_down(request: Request, error: Exception) -> Response:
    return error_response(told_to_client(error), request_id(request))


async def _client_gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)  # never sent: the connection is closed
