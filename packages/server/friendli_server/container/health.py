"""Health for people and orchestrators: live from the first moment, ready when the model is."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from friendli_server.container.service import Service


def router(service: Service) -> APIRouter:
    """`/health/live` restarts a container, `/health` and `/health/ready` route traffic to it."""
    routes = APIRouter(tags=["Health"])

    @routes.get("/health/live", operation_id="live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @routes.get("/health", operation_id="health", summary="The model is ready")
    @routes.get("/health/ready", operation_id="ready", summary="The model is ready")
    async def ready() -> JSONResponse:
        state = "draining" if service.draining else service.engine.state
        body = {"status": state}
        if service.ready:
            body["model"] = service.engine.info.id
        return JSONResponse(body, status_code=200 if service.ready else 503)

    return routes
