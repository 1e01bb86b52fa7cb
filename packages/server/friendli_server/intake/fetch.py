"""Fetching a picture from a URL without becoming a way into the private network.

Each hop is resolved once, every answer is judged, and the judged address is what is dialled.
Nothing is taken from the environment (no proxy), and time and bytes are limited in total.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from contextlib import aclosing

import httpx2

from friendli_server.errors import ApiError
from friendli_server.intake.address import is_public
from friendli_server.intake.source import MAX_BYTES, Target, target

SECONDS = 10.0
REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})
Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Every address of `host`, numeric ones in whatever notation included."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Fetcher:
    """Fetches from public addresses, and from the `host:port`s in `allow` whatever theirs are."""

    def __init__(self, allow: Collection[str] = (), *, resolve: Resolve = resolve) -> None:
        self._allow, self._resolve = frozenset(allow), resolve
        self._client: httpx2.AsyncClient | None = None

    async def fetch(self, url: str) -> bytes:
        """The bytes at `url`.

        Raises:
            ApiError: it may not be fetched, cannot be, takes too long, or is too large.
        """
        try:
            async with asyncio.timeout(SECONDS):
                return await self._fetch(target(url))
        except (TimeoutError, OSError, httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            raise ApiError("failed_to_download_image") from None

    async def aclose(self) -> None:
        """Close connections."""
        if self._client:
            await self._client.aclose()

    async def _fetch(self, at: Target) -> bytes:
        for _ in range(REDIRECTS + 1):
            async with aclosing(await self._open(at)) as response:
                if response.status_code in _MOVED and "location" in response.headers:
                    at = at.follow(response.headers["location"])
                    continue
                return await _read(response)
        raise ApiError("failed_to_download_image", "The image URL redirects too often.")

    async def _open(self, at: Target) -> httpx2.Response:
        """The answer's head from the judged address; Host and SNI keep the name."""
        address = await self._judged(at)
        host = f"[{address}]" if ":" in address else address
        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False, follow_redirects=False)
        request = self._client.build_request(
            "GET",
            f"{at.scheme}://{host}:{at.port}{at.path}",
            headers={"host": at.authority, "accept": "image/*", "accept-encoding": "identity"},
            extensions={"sni_hostname": at.host},
        )
        return await self._client.send(request, stream=True)

    async def _judged(self, at: Target) -> str:
        addresses = await self._resolve(at.host, at.port)
        allowed = f"{at.host}:{at.port}" in self._allow
        if not addresses or not (allowed or all(map(is_public, addresses))):
            raise ApiError("invalid_image_url", "The image URL does not lead to a public address.")
        return addresses[0]


async def _read(response: httpx2.Response) -> bytes:
    if response.status_code != 200:
        raise ApiError("failed_to_download_image", "The image's server did not answer with it.")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ApiError("failed_to_download_image", "The image's server sent it compressed.")
    chunks, size = [], 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_BYTES:
            raise ApiError("image_too_large", "The image is larger than 50 MiB.")
        chunks.append(chunk)
    return b"".join(chunks)
