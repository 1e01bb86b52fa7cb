"""`POST /dedicated/v1/images/generations` and `…/edits`. Knows no table and no replica."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import APIRouter
from friendli_wire import (
    DedicatedImageEditBody,
    DedicatedImageGenerateSuccess,
    DedicatedImageGenerationBody,
)
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from friendli_server import body as bodies
from friendli_server.dedicated import openapi
from friendli_server.dedicated.accounts.auth import Authenticator
from friendli_server.dedicated.accounts.headers import caller_of
from friendli_server.dedicated.images import jobs
from friendli_server.dedicated.images.bodies import (
    BODIES,
    Body,
    Dialect,
    Operation,
    as_openai_stream,
)
from friendli_server.dedicated.images.openai_events import OpenAIEvents
from friendli_server.dedicated.images.service import ImageService
from friendli_server.dedicated.images.stream import Events, EventStream, FriendliEvents
from friendli_server.envelope import request_id
from friendli_server.errors import ApiError
from friendli_server.forms import is_form, parse_form
from friendli_server.waiting import disconnected, unless

_LONGEST_KEY: Final = 255


class _Answer(DedicatedImageGenerateSuccess):
    """The public answer, and the moment that OpenAI's clients look for (epoch seconds)."""

    created: int


def router(authenticator: Authenticator, images: ImageService, *, max_body: int) -> APIRouter:
    """The image routes; `max_body` is in bytes."""
    routes = APIRouter(tags=["Dedicated.Image"])
    desk = _Desk(authenticator, images, max_body)

    @routes.post(
        "/dedicated/v1/images/generations",
        operation_id="dedicatedImagesGenerate",
        summary="Image generations",
        description="Given a description, the model generates image(s).",
        response_model=DedicatedImageGenerateSuccess,
        openapi_extra=openapi.takes(DedicatedImageGenerationBody),
    )
    async def generate(request: Request) -> Response:
        return await desk.serve(request, "generations")

    @routes.post(
        "/dedicated/v1/images/edits",
        operation_id="dedicatedImagesEdit",
        summary="Image edits",
        description="Given an image and a description, the model edits the image.",
        response_model=DedicatedImageGenerateSuccess,
        openapi_extra=openapi.takes(DedicatedImageEditBody, form=True),
    )
    async def edit(request: Request) -> Response:
        return await desk.serve(request, "edits")

    return routes


@dataclass(frozen=True)
class _Desk:
    """From an HTTP request to its answer or its events."""

    authenticator: Authenticator
    images: ImageService
    max_body: int

    async def serve(self, request: Request, operation: Operation) -> Response:
        caller = await caller_of(request, self.authenticator)
        body, raw = await self._read(request, operation)
        key = _idempotency_key(request)
        dialect = body.dialect(request.headers.get("accept", "")) if body.stream else None
        work = partial(
            self.images.serve,
            caller.team_id,
            operation,
            as_openai_stream(body) if dialect == "openai" else body,
            job_id=jobs.job_id(caller.team_id, raw, key),
        )
        if dialect is not None:
            events = _events(dialect, operation, body)
            return EventStream(work, events, request_id=request_id(request))
        wait = partial(unless, leaving=partial(disconnected, request.receive))
        return Response(_json(await work(wait=wait)), media_type="application/json")

    async def _read(self, request: Request, operation: Operation) -> tuple[Body, bytes]:
        """The body, and bytes that are equal when it is sent again."""
        form = operation == "edits" and is_form(request)
        if form:
            given = await parse_form(request, limit=self.max_body)
            raw = to_json(given)  # the form itself has another boundary each time
        else:
            bodies.require_json(request)
            raw = await bodies.read(request, limit=self.max_body)
            given = await bodies.parse_json(raw)
        return bodies.shape(BODIES[operation], given, strict=not form), raw


def _events(dialect: Dialect, operation: Operation, body: Body) -> Events:
    if dialect == "friendli":
        return FriendliEvents(_json)
    return OpenAIEvents(operation, partial_images=body.partial_images or 0)


def _json(answer: DedicatedImageGenerateSuccess) -> bytes:
    return _Answer(created=int(time.time()), data=answer.data).model_dump_json().encode()


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise ApiError("invalid_request", "Must have 1 to 255 characters.", param="Idempotency-Key")
    return key
