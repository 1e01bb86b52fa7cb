"""`POST /dedicated/v1/images/generations` and `…/edits`. Knows no table and no replica."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from fastapi import APIRouter
from friendli_wire import (
    DedicatedImageEditBody,
    DedicatedImageGenerateSuccess,
    DedicatedImageGenerationBody,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from friendli_server import body as bodies
from friendli_server.dedicated.accounts.auth import Authenticator
from friendli_server.dedicated.accounts.headers import caller_of
from friendli_server.dedicated.images import jobs
from friendli_server.dedicated.images.service import ImageService
from friendli_server.errors import ApiError, ClientGone

_BODIES: Final[dict[jobs.Operation, type[jobs.Body]]] = {
    "generations": DedicatedImageGenerationBody,
    "edits": DedicatedImageEditBody,
}
_LONGEST_KEY: Final = 255


class _Answer(DedicatedImageGenerateSuccess):
    """The public answer, and the moment that OpenAI's clients look for (epoch seconds)."""

    created: int


_Result = TypeVar("_Result")


def router(authenticator: Authenticator, images: ImageService, *, max_body: int) -> APIRouter:
    """The image routes; `max_body` is in bytes."""
    routes = APIRouter(tags=["Dedicated.Image"])

    async def serve(request: Request, operation: jobs.Operation) -> Response:
        caller = await caller_of(request, authenticator)
        bodies.require_json(request)
        raw = await bodies.read(request, limit=max_body)
        given = await bodies.parse_json(raw)
        if given.get("response_format") == "b64_json":  # OpenAI's name for its default, a PNG
            given["response_format"] = "png"
        body = bodies.shape(_BODIES[operation], given)
        key = _idempotency_key(request)
        job_id = jobs.job_id(caller.team_id, raw, key)
        wait = partial(unless_gone, receive=request.receive)
        answer = await images.serve(caller.team_id, operation, body, job_id=job_id, wait=wait)
        content = _Answer(created=int(time.time()), data=answer.data).model_dump_json()
        return Response(content, media_type="application/json")

    @routes.post(
        "/dedicated/v1/images/generations",
        operation_id="dedicatedImagesGenerate",
        summary="Image generations",
        description="Given a description, the model generates image(s).",
        response_model=DedicatedImageGenerateSuccess,
    )
    async def generate(request: Request) -> Response:
        return await serve(request, "generations")

    @routes.post(
        "/dedicated/v1/images/edits",
        operation_id="dedicatedImagesEdit",
        summary="Image edits",
        description="Given an image and a description, the model edits the image.",
        response_model=DedicatedImageGenerateSuccess,
    )
    async def edit(request: Request) -> Response:
        return await serve(request, "edits")

    return routes


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise ApiError("invalid_request", "Must have 1 to 255 characters.", param="Idempotency-Key")
    return key


async def unless_gone(work: Coroutine[Any, Any, _Result], receive: Receive) -> _Result:
    """The result of `work`, which is cancelled when the client leaves.

    Raises:
        ClientGone: the client left first.
    """
    gone = asyncio.create_task(_disconnect(receive))
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({gone, task}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        gone.cancel()
        task.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
