"""The client: settings in, operations out. Loads HTTP and validation with the first use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any

from friendli.configuration import SDKConfiguration, Token, expand
from friendli.hooks import SDKHooks
from friendli.types import UNSET, OptionalNullable

if TYPE_CHECKING:
    from friendli._async.calls import AsyncCalls
    from friendli._async.container import AsyncContainer
    from friendli._async.dedicated import AsyncDedicated
    from friendli.httpclient import AsyncHttpClient, HttpClient
    from friendli.retries import RetryConfig


class AsyncFriendli:
    """The Friendli image API.

    Args:
        token: Sent as a bearer token; a callable is asked before each call. Without one,
            `FRIENDLI_TOKEN`; an empty one is none.
        server_idx: Accepted for compatibility; each service has one address.
        server_url: Address for all calls. Without one, `FRIENDLI_BASE_URL`, else
            `http://localhost:8000` for containers and `https://api.friendli.ai` for endpoints.
        url_params: Values for `{names}` in `server_url`.
        client: Used by the blocking client instead of its own connections, and not closed.
        async_client: Likewise, by the asynchronous one.
        retry_config: For all calls; None retries nothing. Not given: two minutes of retries.
        timeout_ms: For all calls. Not given: 10 s to connect, 600 s between bytes.
        debug_logger: A `logging.Logger` told at level DEBUG of each try; never of tokens or bodies.
        config_cls: Accepted for compatibility.
        x_friendli_team: The team to run as, for all dedicated calls.
        retries: Another name of `retry_config`.
        http_headers: Added to all requests.

    Use it as a context manager, or call `aclose()`, to let go of its connections.
    """

    def __init__(  # noqa: PLR0917  # the order is the official client's
        self,
        token: Token = None,
        server_idx: int | None = None,  # noqa: ARG002
        server_url: str | None = None,
        url_params: Mapping[str, str] | None = None,
        client: HttpClient | None = None,
        async_client: AsyncHttpClient | None = None,
        retry_config: OptionalNullable[RetryConfig] = UNSET,
        timeout_ms: int | None = None,
        debug_logger: Any = None,
        config_cls: Any = None,  # noqa: ARG002
        *,
        x_friendli_team: str | None = None,
        retries: OptionalNullable[RetryConfig] = UNSET,
        http_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.sdk_configuration = SDKConfiguration(
            token=token,
            server_url=expand(server_url, url_params),
            client=client,
            async_client=async_client,
            retry_config=retries if retry_config is UNSET else retry_config,
            timeout_ms=timeout_ms,
            x_friendli_team=x_friendli_team,
            http_headers=dict(http_headers or {}),
            debug_logger=debug_logger,
        )
        self._opening = Lock()
        self._opened: AsyncCalls | None = None

    @property
    def hooks(self) -> SDKHooks:
        """Where to register hooks."""
        return self.sdk_configuration.hooks

    @cached_property
    def container(self) -> AsyncContainer:
        """The operations of a container."""
        from friendli._async.container import AsyncContainer  # noqa: PLC0415  # loads HTTP

        return AsyncContainer(self._open())

    @cached_property
    def dedicated(self) -> AsyncDedicated:
        """The operations of dedicated endpoints."""
        from friendli._async.dedicated import AsyncDedicated  # noqa: PLC0415  # loads HTTP

        return AsyncDedicated(self._open())

    def _open(self) -> AsyncCalls:
        from friendli._async.calls import AsyncCalls  # noqa: PLC0415  # loads HTTP

        with self._opening:  # threads may share a client from its first use on
            if self._opened is None:
                self._opened = AsyncCalls(self.sdk_configuration)
            return self._opened

    async def aclose(self) -> None:
        """Let go of the connections; further calls raise `RuntimeError`."""
        self.sdk_configuration.closed = True
        if self._opened is not None:
            await self._opened.aclose()

    async def __aenter__(self) -> AsyncFriendli:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
