"""What a call can raise.

    FriendliCoreError           an answer came, and it is not what was asked for
    ├── SDKError                status 4xx or 5xx, or an answer of an unknown kind
    ├── ResponseValidationError the JSON has not the expected shape; `cause` says where
    └── HTTPValidationError     422 of an operation that documents its body; `data` holds it
    NoResponseError             no answer came
    └── TransportError          raised as a subclass that is *also* the transport's own error,
                                so `except httpx.ReadTimeout` goes on working

Arguments that are wrong before anything is sent raise `pydantic.ValidationError`. This module knows
the error body's dialects, and no request.
"""

from __future__ import annotations

import json
import sys
from functools import cached_property, lru_cache
from typing import Any

LONGEST_BODY = 10_000


class FriendliCoreError(Exception):
    """An answer that is an error; see the attributes for what it said."""

    def __init__(self, message: str, raw_response: Any, body: str | None = None) -> None:
        self.message = message
        self.raw_response = raw_response
        self.status_code: int = raw_response.status_code
        self.headers = raw_response.headers
        self.body: str = raw_response.text if body is None else body
        super().__init__(message)

    def __str__(self) -> str:
        return self.message

    @cached_property
    def _parsed(self) -> dict[str, Any]:
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def error(self) -> dict[str, Any]:
        """The error object `{message, type, param, code}`; empty if the server sent none."""
        error = self._parsed.get("error")
        return error if isinstance(error, dict) else {}

    @property
    def detail(self) -> list[dict[str, Any]]:
        """The faults `{loc, msg, type}`; empty if the server listed none."""
        detail = self._parsed.get("detail")
        if isinstance(detail, str):
            return [{"loc": [], "msg": detail, "type": ""}]
        return [fault for fault in detail or [] if isinstance(fault, dict)]

    @property
    def request_id(self) -> str | None:
        """The request's name in the server's log."""
        named = self._parsed.get("request_id") or self.headers.get("x-request-id")
        return str(named) if named else None


class SDKError(FriendliCoreError):
    """The server refused or failed; the message names the fields at fault."""

    def __init__(self, message: str, raw_response: Any, body: str | None = None) -> None:
        super().__init__(message, raw_response, body)
        self.message = "\n".join([f"{message}: {self._shown()}", *self._notes()])

    def _shown(self) -> str:
        kind = self.headers.get("content-type", "")
        about = "" if kind == "application/json" else f" Content-Type {_quoted(kind)}"
        cut = self.body[:LONGEST_BODY] or '""'
        rest = len(self.body) - LONGEST_BODY
        more = f"...and {rest} more chars" if rest > 0 else ""
        return f"Status {self.status_code}{about}. Body: {cut}{more}"

    def _notes(self) -> list[str]:
        faults = [
            f"  {'.'.join(str(part) for part in fault.get('loc', ()))}: {fault.get('msg', '')}"
            for fault in self.detail
        ]
        return [*faults, f"  request id: {self.request_id}"] if self.request_id else faults


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text or not text else text


class ResponseValidationError(FriendliCoreError):
    """The answer is JSON of another shape than the operation's."""

    def __init__(
        self, message: str, raw_response: Any, cause: Exception, body: str | None = None
    ) -> None:
        super().__init__(f"{message}: {cause}", raw_response, body)

    @property
    def cause(self) -> BaseException | None:
        """The validation error, field by field."""
        return self.__cause__


class HTTPValidationError(FriendliCoreError):
    """A 422 whose body is documented."""

    def __init__(self, data: Any, raw_response: Any, body: str | None = None) -> None:
        super().__init__(body or raw_response.text, raw_response, body)
        self.data = data


class NoResponseError(Exception):
    """No answer came."""

    def __init__(self, message: str = "No response received") -> None:
        self.message = message
        super().__init__(message)


class TransportError(NoResponseError):
    """The network failed; `__cause__` is the HTTP library's own error."""

    request: Any


def transport_error(cause: Exception, *, url: str, tries: int) -> TransportError:
    """Our error for a failure below HTTP; an instance of the library's class as well."""
    libraries = tuple(name for name in ("httpx2", "httpx") if name in sys.modules)
    kind: Any = type(cause)
    error = _blend(kind, libraries)(_explain(cause, url=url, tries=tries))
    error.__cause__ = cause
    error.request = getattr(cause, "_request", None)
    return error


@lru_cache
def _blend(kind: Any, libraries: tuple[str, ...]) -> type[TransportError]:
    # Users of the official client catch httpx's classes; they have imported httpx to do so.
    kinds = [kind] + [
        twin
        for library in libraries
        if isinstance(twin := getattr(sys.modules[library], kind.__name__, None), type)
        and twin is not kind
    ]

    def __init__(self: TransportError, message: str) -> None:  # noqa: N807
        NoResponseError.__init__(self, message)

    return type(kind.__name__, (TransportError, *kinds), {"__init__": __init__})


def _explain(cause: Exception, *, url: str, tries: int) -> str:
    told = f"{type(cause).__name__} after {tries} {'try' if tries == 1 else 'tries'} at {url}"
    told = f"{told}: {cause}" if str(cause) else told
    if type(cause).__name__ == "ConnectError":
        told += (
            "\nIs a server running there? `friendli serve` starts one; server_url= or the variable "
            "FRIENDLI_BASE_URL names another address."
        )
    return told
