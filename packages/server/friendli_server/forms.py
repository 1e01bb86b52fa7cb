"""Multipart bodies as the JSON object that they stand for: text fields, and files as base64.

Knows one convention: files of one name, or of `name[]`, are the items of one field.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from friendli_server import body as bodies
from friendli_server.errors import ApiError

_MAX_PARTS = 64
_MAX_TEXT = 64 * 1024


def is_form(request: Request) -> bool:
    """Whether the body is multipart."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def parse_form(request: Request, *, limit: int) -> dict[str, Any]:
    """Texts by name, files as `{"image": base64}` or a list of those.

    Raises:
        ApiError: 400, 408, 413 or 415.
    """
    raw = await bodies.read(request, limit=limit)
    parser = MultiPartParser(
        request.headers,
        _stream(raw),
        max_files=_MAX_PARTS,
        max_fields=_MAX_PARTS,
        max_part_size=_MAX_TEXT,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise ApiError("invalid_form") from None
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            fields.setdefault(name.removesuffix("[]"), []).append(await _file(value))
        else:
            fields[name] = value
    await form.close()
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in fields.items()
    }


async def _stream(raw: bytes) -> AsyncGenerator[bytes]:
    yield raw


async def _file(upload: UploadFile) -> dict[str, str]:
    data = await upload.read()
    return {"image": (await asyncio.to_thread(b64encode, data)).decode()}
