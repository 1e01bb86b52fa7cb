"""Which requests are the same one, sent again. Knows headers; `jobs.py` knows the jobs."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from starlette.requests import Request

from friendli_server.container.jobs import Key
from friendli_server.errors import ApiError
from friendli_server.waiting import LARGE, aside

MAX_KEY = 255
REPEATS_ITSELF = "speakeasy-sdk/python"
"""The official client sends a POST again after a timeout, without an Idempotency-Key."""


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
    size = int(request.headers.get("content-length", LARGE + 1))
    fingerprint = await aside(_fingerprint, request.url.path, given, size=size)
    return Key(request.state.client, name, fingerprint)


def _fingerprint(path: str, given: dict[str, Any]) -> bytes:
    return sha256(f"{path}\n{json.dumps(given, sort_keys=True)}".encode()).digest()
