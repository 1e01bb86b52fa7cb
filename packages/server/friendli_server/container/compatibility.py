"""Routes that other clients expect beside ours: OpenAI's models, Hugging Face's root, links.

Thin translations; knows nothing about how pictures are made.
"""

from __future__ import annotations

import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from friendli_server import body as bodies
from friendli_server import images
from friendli_server.container import catalogue, openapi, params
from friendli_server.container.desk import Desk
from friendli_server.container.huggingface import HuggingFaceBody, format_of, translated
from friendli_server.container.order import Order
from friendli_server.container.results import Results
from friendli_server.container.routes import json_body
from friendli_server.container.service import Service
from friendli_server.container.superset import GenerationBody
from friendli_server.errors import ApiError

_INERT = {
    "cache-control": "private, max-age=3600",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}
"""Headers under which a browser does nothing with a picture but show it."""


def router(service: Service, desk: Desk, results: Results) -> APIRouter:
    """`GET /v1/models`, `GET /v1/images/results/…` and `POST /`."""
    routes = APIRouter()
    started = int(time.time())

    @routes.get(
        "/v1/models",
        tags=["OpenAI"],
        operation_id="models",
        summary="Known models",
        responses=openapi.ERRORS,
    )
    async def models() -> catalogue.ModelList:
        service.require_ready()
        return catalogue.listed(service.engine.info, service.settings, created=started)

    @routes.get(
        "/v1/images/results/{name}",
        name="result",
        tags=["OpenAI"],
        summary="A picture by link",
        responses={200: openapi.FILE, **openapi.ERRORS},
        response_class=Response,
    )
    async def result(name: str) -> Response:
        picture = results.get(name)
        if picture is None:
            raise ApiError("not_found", "There is no such picture, or its hour is over.")
        media_type = images.MEDIA_TYPES[picture.format]
        return Response(picture.data, media_type=media_type, headers=_INERT)

    @routes.post(
        "/",
        tags=["Hugging Face"],
        operation_id="textToImage",
        summary="A picture as a file, by Hugging Face's text-to-image task",
        responses={200: openapi.FILE, **openapi.ERRORS},
        openapi_extra=openapi.takes(HuggingFaceBody),
        response_class=Response,
    )
    async def text_to_image(request: Request) -> Response:
        given = translated(bodies.shape(HuggingFaceBody, await json_body(request)))
        asked = params.request(
            GenerationBody.model_validate(given, strict=True),
            service.engine.info,
            service.settings,
            given=given,
        )
        encoding = images.Encoding(format_of(request.headers.get("accept", "")))
        return await desk.file(request, Order((asked,), encoding))

    return routes
