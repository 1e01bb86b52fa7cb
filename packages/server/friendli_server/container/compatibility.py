"""Routes that other clients expect beside ours: OpenAI's models, Hugging Face's root, links.

Thin translations; knows nothing about how pictures are made.
"""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from friendli_server import body as bodies
from friendli_server import images
from friendli_server.container import openapi, params
from friendli_server.container.desk import Desk
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


class HuggingFaceParameters(BaseModel):
    """The part of `text-to-image` parameters that we know; each may be null."""

    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None


class HuggingFaceBody(BaseModel):
    """Body of the Inference API's `text-to-image` task."""

    inputs: str
    parameters: HuggingFaceParameters = Field(default_factory=HuggingFaceParameters)


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
    async def models() -> dict[str, Any]:
        service.require_ready()
        info = service.engine.info
        rest = {"object": "model", "created": started, "owned_by": "friendli"}
        return {
            "object": "list",
            "data": [{"id": id_, **rest} for id_ in (info.id, *info.adapters)],
        }

    @routes.get(
        "/v1/images/results/{name}",
        name="result",
        tags=["OpenAI"],
        summary="A picture by link",
        responses=openapi.ERRORS,
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
        responses=openapi.ERRORS,
        response_class=Response,
    )
    async def text_to_image(request: Request) -> Response:
        body = bodies.shape(HuggingFaceBody, await json_body(request))
        translated = _translated(body)
        asked = params.request(
            GenerationBody.model_validate(translated, strict=True),
            service.engine.info,
            service.settings,
            given=translated,
        )
        encoding = images.Encoding(_format(request.headers.get("accept", "")))
        return await desk.file(request, Order((asked,), encoding))

    return routes


def _translated(body: HuggingFaceBody) -> dict[str, Any]:
    given = body.parameters.model_dump(exclude_none=True)
    width, height = given.pop("width", None), given.pop("height", None)
    if (width is None) != (height is None):
        raise params.refuse("parameters", "width and height come together.")
    size = f"{width}x{height}" if width is not None else None
    return {"prompt": body.inputs, "size": size, **given}


def _format(accept: str) -> images.Format:
    named = [name for name, media in images.MEDIA_TYPES.items() if media in accept]
    return next((name for name in named if name != "raw"), "png")
