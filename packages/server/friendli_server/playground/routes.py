"""Serves the playground from memory: the page at `/`, its files under `/playground/<digest>/`.

The digest covers every file, so a browser may keep them for ever and never mixes two releases.
Knows nothing of pictures: the page itself talks to the public API.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response

from friendli_server.playground import history

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"


@dataclass(frozen=True)
class StaticFile:
    """A file ready to be sent: as it is and, because all of them are text, gzipped."""

    plain: bytes
    gzipped: bytes
    media_type: str
    cache: str

    def response(self, request: Request) -> Response:
        """The file in the coding that the request accepts."""
        headers = {**SECURITY_HEADERS, "Cache-Control": self.cache, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.plain, media_type=self.media_type, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(self.gzipped, media_type=self.media_type, headers=headers)


def mount(app: FastAPI) -> None:
    """Add the page and its files to `app`, outside its OpenAPI. `POST /` stays free."""
    for url, file in _files().items():
        app.add_api_route(
            url, _sender(file), methods=["GET", "HEAD"], include_in_schema=False, name=url
        )
    history.mount(app)


def _files() -> dict[str, StaticFile]:
    """Every file by its URL; the page finds the others through `{{root}}`."""
    contents = {
        path.relative_to(STATIC).as_posix(): path.read_bytes()
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
    root = f"/playground/{_digest(contents)}"
    page = contents.pop("index.html").replace(b"{{root}}", root.encode())
    files = {f"{root}/{name}": _file(name, data, FOR_EVER) for name, data in contents.items()}
    return {"/": _file("index.html", page, ASK_FIRST), **files}


def _digest(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in contents.items():
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]


def _file(name: str, data: bytes, cache: str) -> StaticFile:
    return StaticFile(data, gzip.compress(data, mtime=0), MEDIA_TYPES[Path(name).suffix], cache)


def _sender(file: StaticFile) -> Callable[[Request], Awaitable[Response]]:
    async def send(request: Request) -> Response:
        return file.response(request)

    return send
