"""`GET /dedicated/results/{team}/{file}?expires=…&signature=…`: a stored picture.

The link is all the authority there is: no token, no cookie, no listing. What is sent is inert: a
fixed type, no sniffing, no script, wherever it is opened.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from friendli_server.dedicated.results.signing import is_over
from friendli_server.dedicated.results.store import (
    MEDIA_TYPES,
    ResultStore,
    StorageUnavailableError,
)
from friendli_server.errors import ApiError

_FILE: Final = re.compile(r"[0-9a-f]{32}\.(jpg|png)", re.ASCII)
_TEAM: Final = re.compile(r"[a-z0-9]{12}", re.ASCII)
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_INERT: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "accept-ranges": "bytes",
}


def router(results: ResultStore) -> APIRouter:
    """The route of result links."""
    routes = APIRouter(tags=["Dedicated.Result"])

    @routes.get("/dedicated/results/{team}/{file}", operation_id="dedicatedResult")
    async def show(
        request: Request, team: str, file: str, expires: str = "", signature: str = ""
    ) -> Response:
        path = _judge(results, team, file, expires=expires, signature=signature)
        try:
            picture = await results.read(path)
        except StorageUnavailableError as error:
            raise ApiError("storage_unavailable", retry_after=5) from error
        if picture is None:
            raise ApiError("result_not_found")
        return _answer(request, file, picture)

    return routes


def _judge(results: ResultStore, team: str, file: str, *, expires: str, signature: str) -> str:
    """The path of a genuine link that has not ended."""
    if not (_TEAM.fullmatch(team) and _FILE.fullmatch(file)):
        raise ApiError("result_not_found")
    if not re.fullmatch(r"[0-9]{1,12}", expires, re.ASCII):
        raise ApiError("invalid_link")
    path = f"{team}/{file}"
    if not results.signer.is_genuine(path, expires=int(expires), signature=signature):
        raise ApiError("invalid_link")
    if is_over(int(expires)):
        raise ApiError("link_expired")
    return path


def _answer(request: Request, file: str, picture: bytes) -> Response:
    etag = f'"{hashlib.sha256(picture).hexdigest()[:32]}"'
    headers = {
        **_INERT,
        "content-disposition": f'inline; filename="{file}"',
        "cache-control": "private, max-age=3600, immutable",
        "etag": etag,
    }
    media_type = MEDIA_TYPES[file.rpartition(".")[2]]
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    part = _range(request, len(picture))
    if part is None:
        return Response(picture, headers=headers, media_type=media_type)
    if not part:
        headers["content-range"] = f"bytes */{len(picture)}"
        return Response(status_code=416, headers=headers)
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{len(picture)}"
    content = picture[part.start : part.stop]
    return Response(content, status_code=206, headers=headers, media_type=media_type)


def _range(request: Request, size: int) -> range | None:
    """The one range asked for; empty if it lies outside, `None` to send everything (RFC 9110)."""
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or asked[1] == asked[2] == "" or "if-range" in request.headers:
        return None
    if asked[1] == "":
        return range(max(0, size - int(asked[2])), size)
    last = min(int(asked[2]), size - 1) if asked[2] else size - 1
    if asked[2] and int(asked[2]) < int(asked[1]):
        return None
    return range(int(asked[1]), last + 1)
