"""Sends calls: connections, retries, redirects and hooks. Knows no operation and no body."""

from __future__ import annotations

import ssl
import sys
from functools import cache
from time import sleep
from typing import Any

import httpx2

from friendli.calls import Call, refusal
from friendli.configuration import TIMEOUT, SDKConfiguration
from friendli.errors import transport_error
from friendli.operations import DEDICATED
from friendli.retries import Retrier

_MOST_REDIRECTS = 20


class SyncTransport:
    """The connections of one client; its own ones close with it."""

    def __init__(self, configuration: SDKConfiguration) -> None:
        self._configuration = configuration
        self._own: httpx2.Client | None = None
        if configuration.client is None:
            self._own = httpx2.Client(
                verify=_certificates(),
                timeout=httpx2.Timeout(TIMEOUT),
                limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
            )
        base_url = configuration.base_url(None, default=DEDICATED)
        chosen, self._client = configuration.hooks.sdk_init(
            base_url, self._own or configuration.client
        )
        if chosen != base_url:
            configuration.server_url = chosen

    @property
    def owned(self) -> bool:
        """Whether the connections are ours, not the user's."""
        return self._client is self._own

    def close(self) -> None:
        """Close the connections, unless the client is the user's."""
        if self._own is not None:
            self._own.close()

    def send(self, call: Call, *, stream: bool = False) -> Any:
        """Send until an answer below 400 comes; the caller closes a streamed one.

        Raises:
            SDKError: the last answer was 400 or above.
            TransportError: the last try got no answer.
            RuntimeError: the client is closed.
        """
        if self._configuration.closed:
            raise RuntimeError("this client is closed; make a new one")
        retrier = Retrier(call.retries)
        while True:
            response, failure = self._attempt(call, stream=stream)
            if failure is not None:
                wait = retrier.after_failure(type(failure))
            else:
                wait = retrier.after_answer(response.status_code, response.headers)
            if wait is None:
                return self._settle(call, response, failure, tries=retrier.tries)
            self._log("retrying in %.1f s", wait)
            sleep(wait)

    def _attempt(self, call: Call, *, stream: bool) -> tuple[Any, Exception | None]:
        request = self._client.build_request(call.method, call.url, **call.request_options())
        request = self._configuration.hooks.before_request(call.context, request)
        self._log("%s %s, %d bytes", call.method, call.url, len(call.content or b""))
        try:
            response = self._follow(request, stream=stream)
            if stream and response.status_code >= 400:
                response.read()
                response.close()
        except failures() as failure:
            self._log("%s: %s", type(failure).__name__, failure)
            return None, failure
        self._log("%s %s", response.status_code, response.headers.get("x-request-id", ""))
        return response, None

    def _follow(self, request: Any, *, stream: bool) -> Any:
        """Send, and follow redirects that stay where the token belongs."""
        response = self._client.send(request, stream=stream)
        for _ in range(_MOST_REDIRECTS if self.owned else 0):
            following = response.next_request
            if following is None or _origin(following) != _origin(request):
                break
            response.close()
            response = self._client.send(following, stream=stream)
        return response

    def _settle(self, call: Call, response: Any, failure: Exception | None, *, tries: int) -> Any:
        """The last try decides; hooks may still turn its outcome."""
        hooks = self._configuration.hooks
        if failure is not None or response.status_code >= 300:
            response, turned = hooks.after_error(call.context, response, failure)
            if turned is not None:
                raise (
                    turned
                    if turned is not failure
                    else transport_error(turned, url=call.url, tries=tries)
                )
        if response.status_code >= 300:
            raise refusal(call, response)
        return hooks.after_success(call.context, response)

    def _log(self, message: str, *parts: object) -> None:
        if self._configuration.debug_logger is not None:
            self._configuration.debug_logger.debug(message, *parts)


@cache
def _certificates() -> ssl.SSLContext:
    """Reading the certificates costs more than everything else here; clients share them."""
    return httpx2.create_ssl_context()


def failures() -> tuple[type[Exception], ...]:
    """The classes of network failures: ours, and those of a client of the user's."""
    legacy = sys.modules.get("httpx")
    return (httpx2.TransportError, legacy.TransportError) if legacy else (httpx2.TransportError,)


def _origin(request: Any) -> tuple[str, str, int | None]:
    return request.url.scheme, request.url.host, request.url.port
