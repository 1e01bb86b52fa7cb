"""The image routes: read, judge, run, answer. Each of those lives in a file of its own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from friendli_wire import ContainerImageGenerateSuccess, ContainerImageGenerationBody
from starlette.requests import Request
from starlette.responses import Response

from friendli_server import body as bodies
from friendli_server.container import openapi, params
from friendli_server.container.desk import Desk
from friendli_server.container.order import order
from friendli_server.container.service import Service
from friendli_server.container.superset import GenerationBody

MAX_BODY = 70 * 2**20
"""A 50 MiB image as base64, and some."""


def router(service: Service, desk: Desk) -> APIRouter:
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
        given = await json_body(service, request)
        body = bodies.shape(GenerationBody, given)
        if body.control_images or body.controlnet_weights:
            raise params.refuse(
                "control_images" if body.control_images else "controlnet_weights", "no"
            )
        form = body.form(given, request.headers.get("accept", ""))
        info, settings = service.engine.info, service.settings
        asked = params.request(body, info, settings, given=given, openai=form == "openai")
        return await desk.serve(request, order(body, asked, form=form, given=given))

    return routes


async def json_body(service: Service, request: Request) -> dict[str, Any]:
    """The JSON object that a ready server is sent."""
    service.require_ready()
    bodies.require_json(request)
    return await bodies.parse_json(await bodies.read(request, limit=MAX_BODY))
