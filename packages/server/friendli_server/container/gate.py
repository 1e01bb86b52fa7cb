"""What a request must pass before its body is read: host, origin, key, readiness, a place.

Pure ASGI. Knows no field of any body.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from friendli_server.access import note
from friendli_server.container.metrics import CANCELLED
from friendli_server.container.service import Service
from friendli_server.errors import ApiError, ClientGone

WORK = frozenset({"/", "/v1/images/generations", "/v1/images/edits"})
"""Paths whose POST makes pictures."""
PUBLIC = ("/health", "/playground/", "/v1/images/results/")
"""Paths, with all below, that need no key; so does `GET /`. A result's name is its key."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Gate:
    """Lets requests in, one place each for those that make pictures."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service
        settings = service.settings
        self._keys = [_digest(key.get_secret_value()) for key in settings.api_key]
        self._origins = settings.allow_origin
        self._local = settings.host in _LOOPBACK and not self._keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside, or raise the ApiError that refuses the request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        self._check_host(headers)
        self._check_key(scope, headers)
        if scope["method"] != "POST" or scope["path"] not in WORK:
            return await self.app(scope, receive, send)
        self.service.metrics.begin()
        outcome = CANCELLED
        try:
            await self._work(scope, headers, receive, send)
            outcome = scope["state"].get("outcome", "ok")
        except ApiError as error:
            outcome = error.code
            raise
        except ClientGone:
            raise
        except Exception:
            outcome = "internal_error"
            raise
        finally:
            self.service.metrics.end(outcome)
            note(scope, route=scope["path"], outcome=outcome)

    async def _work(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Have pictures made, holding a place for the time that it takes."""
        self._check_origin(headers)
        self.service.require_ready()
        client = _client(scope, headers)
        place = self.service.admission.reserve(client)
        scope["state"] |= {"place": place, "client": client}
        note(scope, client=client, ahead=place.position)

        async def placed(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                told["x-queue-position"], told["x-queue-eta"] = str(place.position), str(place.eta)
            await send(message)

        try:
            await self.app(scope, receive, placed)
        finally:
            place.release()

    def _check_host(self, headers: Headers) -> None:
        """A web page may point its own name at this machine; a local server answers to its own."""
        if self._local and _name(headers.get("host", "")) not in _LOOPBACK:
            raise ApiError("misdirected_request")

    def _check_key(self, scope: Scope, headers: Headers) -> None:
        path, given = scope["path"], headers.getlist("authorization")
        public = path.startswith(PUBLIC) or (path == "/" and scope["method"] in ("GET", "HEAD"))
        if not self._keys or public or scope["method"] == "OPTIONS":
            return
        scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        known = [hmac.compare_digest(_digest(key.strip()), known) for known in self._keys]
        if scheme.lower() != "bearer" or not any(known):
            raise ApiError("unauthorized")

    def _check_origin(self, headers: Headers) -> None:
        """Forms of other sites may be sent without asking; browsers name the site."""
        origin = headers.get("origin")
        if origin is None or origin in self._origins or "*" in self._origins:
            return
        if origin.partition("://")[2] != headers.get("host"):
            raise ApiError("forbidden", "Pages of that origin may not call this server.")


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _name(host: str) -> str:
    """The name in `name:port` or `[address]:port`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _client(scope: Scope, headers: Headers) -> str:
    """Whose request this is: the bearer of a token, or else an address."""
    if token := headers.get("authorization"):
        return _digest(token).hex()[:16]
    return str((scope.get("client") or ("unknown",))[0])
