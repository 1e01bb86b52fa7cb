"""Health for people and orchestrators: live from the first moment, ready when the model is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from friendli_server.container.service import Service


def router(service: Service) -> APIRouter:
    """`/health/live` restarts a container, `/health` and `/health/ready` route traffic to it."""
    routes = APIRouter(tags=["Health"])

    @routes.get("/health/live", operation_id="live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    unready: dict[int | str, dict[str, Any]] = {503: {"description": "It is not, or no more."}}

    @routes.get("/health", operation_id="health", summary="Is it ready?", responses=unready)
    @routes.get("/health/ready", operation_id="ready", summary="Is it ready?", responses=unready)
    async def ready() -> JSONResponse:
        body: dict[str, Any] = {"status": service.state} | _progress(service)
        if service.ready:
            body["model"] = service.engine.info.id
        return JSONResponse(body, status_code=200 if service.ready else 503)

    return routes


def _progress(service: Service) -> dict[str, Any]:
    """What a start is at: its phase, the file or part at work, and how much of it is done."""
    if arrival := service.arrival:
        told: dict[str, Any] = {"phase": arrival.phase}
        if arrival.what:
            told |= {"what": arrival.what}
            told |= {"bytes_done": arrival.done, "bytes_total": arrival.total}
        return told
    if loading := service.engine.loading:
        phase = "downloading" if loading.phase == "fetching" else loading.phase
        return {"phase": phase, "what": loading.what, "fraction": round(loading.fraction, 3)}
    return {}
