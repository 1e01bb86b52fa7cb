"""Hands pictures of a browser on this very machine to the command line's history.

`FRIENDLI_HISTORY` names the history's folder; the `friendli` command sets it for the servers that
it starts, and without it, or where it is `off`, nothing is kept. Pictures wait in `inbox/`, one
file each, until the history is looked at. Knows neither the index nor what a picture shows.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from friendli_server.body import parse_json, read, require_json, shape

PATH = "/playground/history"
FOLDER = "FRIENDLI_HISTORY"
OFF = ("", "off", "0", "no", "false")
MOST_BYTES = 64 << 20
MOST_FILES = 1000
"""Pictures that wait; beyond them the oldest go."""


class _Given(BaseModel):
    """A picture in a data URI or in plain base64."""

    model_config = ConfigDict(extra="forbid")
    image: str


class _Asked(BaseModel):
    """The request in the API's own words, with the seed that was used."""

    model_config = ConfigDict(extra="forbid")
    prompt: str = Field(max_length=10_000)
    num_inference_steps: int
    guidance_scale: float | None = None
    seed: int
    model: str | None = None
    image: _Given | None = None
    mask: _Given | None = None
    control_images: list[_Given] = []
    controlnet_weights: list[float] = []


class _Picture(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid")
    asked: _Asked
    jpeg: Base64Bytes
    width: int
    height: int
    seconds: float
    server: str = Field(max_length=200)


def mount(app: FastAPI) -> None:
    """Add the route to `app`, outside its OpenAPI."""
    app.add_api_route(PATH, _keep, methods=["POST"], include_in_schema=False)


async def _keep(request: Request) -> dict[str, bool]:
    """Keep a picture, where that is wanted; tell whether it was."""
    folder = _folder()
    if folder is None or not _from_here(request):
        return {"kept": False}
    require_json(request)
    raw = await read(request, limit=MOST_BYTES)
    shape(_Picture, await parse_json(raw), strict=False)
    await asyncio.to_thread(_post, folder / "inbox", raw)
    return {"kept": True}


def _folder() -> Path | None:
    """The history's folder; None where nothing is to be kept."""
    given = os.environ.get(FOLDER, "")
    return None if given.lower() in OFF else Path(given).expanduser()


def _from_here(request: Request) -> bool:
    """Whether a page of this server asks, in a browser of this machine, behind no proxy."""
    origin = urlsplit(request.headers.get("origin", ""))
    peer = request.client.host if request.client else ""
    same = origin.netloc == request.headers.get("host")
    return same and _is_loopback(origin.hostname or "") and _is_loopback(peer)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _post(inbox: Path, content: bytes) -> None:
    """Write a file for the owner's eyes; it gets its name when it is whole."""
    inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = inbox / f"{time.time_ns()}-{secrets.token_hex(4)}.part"
    part.touch(mode=0o600)
    part.write_bytes(content)
    part.rename(part.with_suffix(".json"))
    for old in sorted(inbox.glob("*.json"))[:-MOST_FILES]:
        old.unlink(missing_ok=True)
