"""Multipart bodies as the JSON object that they stand for: text fields, and files as base64.

Knows one convention: files of one name, or of `name[]`, are the items of one field.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import FormData, UploadFile
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
        return await _fields(await parser.parse())
    except (MultiPartException, KeyError, ValueError):
        raise ApiError("invalid_form") from None
    finally:
        # Also those of parts that have no end, which are in no form.
        for file in parser._files_to_close_on_error:  # noqa: SLF001
            file.close()


async def _fields(form: FormData) -> dict[str, Any]:
    texts: dict[str, Any] = {}
    files: dict[str, list[dict[str, str]]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            texts[name] = value
        else:
            files.setdefault(name.removesuffix("[]"), []).append(await _file(value))
    return texts | {name: found if len(found) > 1 else found[0] for name, found in files.items()}


async def _stream(raw: bytes) -> AsyncGenerator[bytes]:
    yield raw


async def _file(upload: UploadFile) -> dict[str, str]:
    data = await upload.read()
    return {"image": (await asyncio.to_thread(b64encode, data)).decode()}
