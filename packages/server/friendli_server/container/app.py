"""The ASGI application of a container, put together from its rooms."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from friendli_server.access import AccessLog
from friendli_server.container import compatibility, health, openapi, room, routes
from friendli_server.container.desk import Desk
from friendli_server.container.engine import Engine
from friendli_server.container.gate import Gate
from friendli_server.container.results import Results
from friendli_server.container.service import Service
from friendli_server.envelope import Envelope, http_exception
from friendli_server.heartbeat import Heartbeat
from friendli_server.playground import routes as playground
from friendli_server.settings import ContainerSettings


def create_app(engine: Engine, settings: ContainerSettings) -> FastAPI:
    """An application that serves `engine`'s model; starting and closing it is the caller's."""
    return application(Service(engine, settings))


def application(service: Service) -> FastAPI:
    """The application of `service`, whose `draining` the caller may turn on."""
    results = Results()
    desk = Desk(service, results)
    # The stock documentation pages load scripts from elsewhere, so they are off.
    app = FastAPI(
        title="Friendli image API, container",
        description="Pictures from the model in this container.",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        telemetry={
            "tracer_provider": service.traces,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
        },
    )
    app.add_middleware(Heartbeat)
    app.add_middleware(Gate, service=service)
    if service.settings.allow_origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.settings.allow_origin,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    app.add_middleware(Envelope)
    app.add_middleware(AccessLog)
    app.add_exception_handler(HTTPException, http_exception)
    app.include_router(routes.router(service, desk))
    app.include_router(compatibility.router(service, desk, results))
    app.include_router(room.router(service))
    app.include_router(health.router(service))
    playground.mount(app)
    openapi.publish(app)
    return app
