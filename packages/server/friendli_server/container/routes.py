"""The image routes: read, judge, run, answer. Each of those lives in a file of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from friendli_wire import ContainerImageGenerateSuccess, ContainerImageGenerationBody
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive

from friendli_server import body as bodies
from friendli_server.envelope import request_id
from friendli_server.errors import ClientGone

from . import answers, openapi, params, stream
from .job import Job, Picture
from .service import Service

MAX_BODY = 70 * 2**20
"""A 50 MiB image as base64, and some."""


def router(service: Service) -> APIRouter:
    """`/v1/images/…` of the container."""
    routes = APIRouter(tags=["Container.Image"])

    @routes.post(
        "/v1/images/generations",
        operation_id="containerImagesGenerate",
        summary="Image generations",
        description="Given a description, the model generates image.",
        response_model=ContainerImageGenerateSuccess,
        responses=openapi.RESPONSES,
        openapi_extra=openapi.takes(ContainerImageGenerationBody),
    )
    async def generate(request: Request) -> Response:
        service.require_ready()
        bodies.require_json(request)
        given = await bodies.parse_json(await bodies.read(request, limit=MAX_BODY))
        return await _generate(service, request, given)

    return routes


async def _generate(service: Service, request: Request, given: dict[str, Any]) -> Response:
    body = bodies.shape(ContainerImageGenerationBody, given)
    asked = params.generation(body, service.engine.info, aliases=service.settings.aliases)
    image_format = body.response_format or "jpeg"
    if stream.wanted(given, request.headers.get("accept", "")):
        asked = replace(asked, preview_every=stream.preview_every(given, asked.steps))
        job = Job(service.engine, [asked], format=image_format)
        frames = stream.frames(job, request_id(request))
        return StreamingResponse(frames, media_type="text/event-stream")
    job = Job(service.engine, [asked], format=image_format)
    [picture] = await unless_gone(job, request.receive)
    content = await asyncio.to_thread(answers.friendli, picture)
    return Response(content, media_type="application/json")


async def unless_gone(job: Job, receive: Receive) -> list[Picture]:
    """The job's pictures.

    Raises:
        ClientGone: the client left first.
    """
    with job.followed():
        gone = asyncio.create_task(_disconnect(receive))
        pictures = asyncio.create_task(job.pictures())
        try:
            await asyncio.wait({gone, pictures}, return_when=asyncio.FIRST_COMPLETED)
            if not pictures.done():
                raise ClientGone
            return pictures.result()
        finally:
            gone.cancel()
            pictures.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
