"""One call, as data: the options that every method takes, and the request they lead to.

Pure: no I/O, and the same for blocking and asynchronous clients.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypedDict
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from friendli.configuration import TIMEOUT, SDKConfiguration
from friendli.errors import (
    FriendliCoreError,
    HTTPValidationError,
    ResponseValidationError,
    SDKError,
)
from friendli.hooks import HookContext
from friendli.models.errors import HTTPValidationErrorData
from friendli.operations import Operation, R
from friendli.retries import RetryConfig
from friendli.types import UNSET, OptionalNullable


class CallOptions(TypedDict, total=False):
    """The keywords that every method takes beside its own."""

    retries: OptionalNullable[RetryConfig]
    """Replaces the client's retries for this call; None retries nothing."""
    server_url: str | None
    """Replaces the client's address."""
    timeout_ms: int | None
    """Milliseconds to connect, and between bytes."""
    http_headers: Mapping[str, str] | None
    """Added to the request, or replacing its headers of the same name in any case."""


def call_options(
    retries: OptionalNullable[RetryConfig],
    server_url: str | None,
    timeout_ms: int | None,
    http_headers: Mapping[str, str] | None,
) -> CallOptions:
    """The keywords of one call as one value."""
    return {
        "retries": retries,
        "server_url": server_url,
        "timeout_ms": timeout_ms,
        "http_headers": http_headers,
    }


@dataclass(slots=True, kw_only=True)
class Call:
    """What one call sends, on every try."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    timeout: Any
    retries: RetryConfig | None
    context: HookContext = field(repr=False)
    documents_422: bool = False

    def request_options(self) -> dict[str, Any]:
        """Keywords for a client's `build_request`."""
        options: dict[str, Any] = {"headers": self.headers}
        if self.content is not None:
            options["content"] = self.content
        if self.timeout is not None:
            options["timeout"] = self.timeout
        return options


def prepare(  # the one place where all the settings of a call meet
    configuration: SDKConfiguration,
    operation: Operation[R],
    *,
    content: bytes | None = None,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    team: OptionalNullable[str] = UNSET,
    accept: str = "application/json",
    options: CallOptions,
    own_timeout: bool,
) -> Call:
    """Build a call. `own_timeout` is false for a client of the user's, which has its own."""
    base = configuration.base_url(options.get("server_url"), default=operation.server)
    own = {"accept": accept, "user-agent": configuration.user_agent} | configuration.team(team)
    if content is not None:
        own["content-type"] = "application/json"
    if operation.method == "POST":
        own["idempotency-key"] = str(uuid.uuid4())
    return Call(
        method=operation.method,
        url=base + _filled(operation.path, path) + _queried(query),
        headers=own
        | configuration.authorization()
        | lowered(configuration.http_headers)
        | lowered(options.get("http_headers")),
        content=content,
        timeout=_timeout(configuration, options, own=own_timeout),
        retries=configuration.retries(options.get("retries", UNSET)),
        context=HookContext(
            config=configuration,
            base_url=base,
            operation_id=operation.id,
            security_source=configuration.token,
        ),
        documents_422=operation.documents_422,
    )


def lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers by lower-case name: their case means nothing."""
    return {name.lower(): value for name, value in (headers or {}).items()}


def _filled(path: str, values: Mapping[str, str] | None) -> str:
    return path.format(**{name: quote(text, safe="") for name, text in (values or {}).items()})


def _queried(query: Mapping[str, Any] | None) -> str:
    given = {
        name: value for name, value in (query or {}).items() if value is not None and value != UNSET
    }
    return f"?{urlencode(given)}" if given else ""


def _timeout(configuration: SDKConfiguration, options: CallOptions, *, own: bool) -> Any:
    milliseconds = options.get("timeout_ms") or configuration.timeout_ms
    if milliseconds is not None:
        return milliseconds / 1000
    return TIMEOUT if own else None


def refusal(call: Call, response: Any) -> FriendliCoreError:
    """The error for an answer that is none."""
    if call.documents_422 and response.status_code == 422:
        with suppress(ValidationError):
            data = HTTPValidationErrorData.model_validate_json(response.content)
            return HTTPValidationError(data, response)
    return SDKError("API error occurred", response)


def result_of(operation: Operation[R], response: Any) -> R:
    """The answer's result.

    Raises:
        SDKError: the answer is not JSON.
        ResponseValidationError: the JSON has another shape.
    """
    if not is_of(response, "application/json"):
        raise SDKError("Unexpected response received", response)
    try:
        return operation.result.validate_json(response.content)
    except ValidationError as cause:
        message = "Response validation failed"
        raise ResponseValidationError(message, response, cause) from cause


def is_of(response: Any, kind: str) -> bool:
    """Does the answer say that it is of this media type?"""
    said: str = response.headers.get("content-type", "")
    return said.partition(";")[0].strip().lower() == kind
