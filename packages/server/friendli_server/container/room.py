"""`GET /v1/engine`: what the engine does at this moment, for the playground's engine room.

Prometheus reads the same numbers elsewhere; a page cannot. Knows nothing about requests.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from friendli_server.container import openapi
from friendli_server.container.service import Service


class EngineRoom(BaseModel):
    """Counters since the engine started, and gauges of this moment."""

    active: int
    """Pictures being made."""
    queued: int
    """Pictures that wait."""
    limit: int
    """Pictures taken at once."""
    finished: int
    forwards: int
    rows: int
    """Rows of all forwards: `rows / forwards` between two looks is how well they are shared."""
    step_seconds: float
    """Time of a denoiser step, averaged over the latest; 0 before the first."""


def router(service: Service) -> APIRouter:
    """The route; it needs a key where the others do."""
    routes = APIRouter(tags=["Engine"])

    @routes.get(
        "/v1/engine",
        operation_id="engine",
        summary="What the engine does at this moment",
        responses=openapi.ERRORS,
    )
    async def engine() -> EngineRoom:
        service.require_ready()
        stats, taken = service.engine.stats(), service.admission.taken
        active = min(taken, getattr(stats, "active", taken))
        return EngineRoom(
            active=active,
            queued=taken - active,
            limit=service.admission.limit,
            finished=getattr(stats, "finished", 0),
            forwards=getattr(stats, "forwards", 0),
            rows=getattr(stats, "rows", 0),
            step_seconds=getattr(stats, "step_seconds", 0.0),
        )

    return routes
