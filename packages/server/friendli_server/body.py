"""Reading a request body within limits of size and time, and JSON out of it.

Knows no field by name.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.types import Receive

from friendli_server.errors import ApiError, ClientGone, invalid
from friendli_server.waiting import aside

SECONDS = 10.0
"""Time for the first bytes of a body."""
BYTES_PER_SECOND = 32 * 1024
"""Slower senders are cut off."""

Body = TypeVar("Body", bound=BaseModel)


async def read(request: Request, *, limit: int) -> bytes:
    """The whole body.

    Raises:
        ApiError: 408, 413 or 415.
        ClientGone: the client left before the end.
    """
    headers = request.headers
    if headers.get("content-encoding", "identity") != "identity":
        raise ApiError("unsupported_media_type", "Compressed request bodies are not accepted.")
    if int(headers.get("content-length", 0)) > limit:
        raise ApiError("body_too_large", _too_large(limit))
    try:
        return await _read(request.receive, limit=limit)
    except TimeoutError:
        raise ApiError("request_timeout") from None


async def _read(receive: Receive, *, limit: int) -> bytes:
    chunks, size = [], 0
    started = asyncio.get_running_loop().time()
    while True:
        async with asyncio.timeout_at(started + SECONDS + size / BYTES_PER_SECOND):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise ApiError("body_too_large", _too_large(limit))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(limit: int) -> str:
    return f"The request body is larger than {limit // 2**20} MiB."


def require_json(request: Request) -> None:
    """Refuse other content types: a web page may send them across origins without asking."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError("unsupported_media_type")


async def parse_json(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`, parsed off the event loop when it is large.

    Raises:
        ApiError: 400 if it is no JSON, 422 if it is no object.
    """
    try:
        parsed = await aside(_parse, raw, size=len(raw))
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(parsed, dict):
        raise ApiError("invalid_request", "The body must be a JSON object.")
    return parsed


def _parse(raw: bytes) -> Any:
    return from_json(raw, allow_inf_nan=False)


def shape(model: type[Body], given: dict[str, Any], *, strict: bool = True) -> Body:
    """`given` as a wire model, JSON types taken strictly; the texts of a form are not.

    Raises:
        ApiError: 422 that names the fields at fault.
    """
    try:
        return model.model_validate(given, strict=strict)
    except ValidationError as error:
        raise invalid(error) from None
