"""The image routes: read, judge, run, answer. Each of those lives in a file of its own."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from typing import Any

from fastapi import APIRouter
from friendli_wire import ContainerImageGenerateSuccess, ContainerImageGenerationBody
from starlette.requests import Request
from starlette.responses import Response

from friendli_server import body as bodies
from friendli_server.container import openapi, params
from friendli_server.container.desk import Desk
from friendli_server.container.jobs import Key
from friendli_server.container.order import order
from friendli_server.container.service import Service
from friendli_server.container.superset import GenerationBody
from friendli_server.errors import ApiError

MAX_BODY = 70 * 2**20
"""A 50 MiB image as base64, and some."""
MAX_KEY = 255
REPEATS_ITSELF = "speakeasy-sdk/python"
"""The official client sends a POST again after a timeout, without an Idempotency-Key."""


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
        given = await json_body(request)
        body = bodies.shape(GenerationBody, given)
        if body.control_images or body.controlnet_weights:
            raise params.refuse(
                "control_images" if body.control_images else "controlnet_weights", "no"
            )
        form = body.form(given, request.headers.get("accept", ""))
        info, settings = service.engine.info, service.settings
        asked = params.request(body, info, settings, given=given, openai=form == "openai")
        key = await key_of(request, given)
        return await desk.serve(request, order(body, asked, form=form, given=given), key)

    return routes


async def key_of(request: Request, given: dict[str, Any]) -> Key | None:
    """What makes this request the same as another, if anything does.

    Raises:
        ApiError: 422, the Idempotency-Key is no key.
    """
    name = request.headers.get("idempotency-key")
    if name is not None and not (0 < len(name) <= MAX_KEY and name.isprintable()):
        raise ApiError("invalid_request", "Not a valid Idempotency-Key.", param="Idempotency-Key")
    if name is None and not request.headers.get("user-agent", "").startswith(REPEATS_ITSELF):
        return None
    fingerprint = await asyncio.to_thread(_fingerprint, request.url.path, given)
    return Key(request.state.client, name, fingerprint)


def _fingerprint(path: str, given: dict[str, Any]) -> bytes:
    return sha256(f"{path}\n{json.dumps(given, sort_keys=True)}".encode()).digest()


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object in the body."""
    bodies.require_json(request)
    return await bodies.parse_json(await bodies.read(request, limit=MAX_BODY))
