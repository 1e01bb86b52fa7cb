"""What a client of your own must offer to carry the requests: `httpx`, `httpx2` or look-alikes.

The client builds the request itself, so that its base headers, cookies, proxies and transports
apply. A client you hand in is never closed by the SDK.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class HttpClient(Protocol):
    """A blocking client, such as `httpx.Client`."""

    def build_request(
        self, method: str, url: str, *, headers: Any = ..., content: Any = ..., timeout: Any = ...
    ) -> Any:
        """Make a request object; what is not given is the client's to choose."""

    def send(self, request: Any, *, stream: bool = ...) -> Any:
        """Send it; the response is not read when `stream` is true."""

    def close(self) -> None:
        """Let go of the connections."""


@runtime_checkable
class AsyncHttpClient(Protocol):
    """An asynchronous client, such as `httpx.AsyncClient`."""

    def build_request(
        self, method: str, url: str, *, headers: Any = ..., content: Any = ..., timeout: Any = ...
    ) -> Any:
        """Make a request object; what is not given is the client's to choose."""

    async def send(self, request: Any, *, stream: bool = ...) -> Any:
        """Send it; the response is not read when `stream` is true."""

    async def aclose(self) -> None:
        """Let go of the connections."""


__all__ = ["AsyncHttpClient", "HttpClient"]
