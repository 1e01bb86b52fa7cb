"""Places where user code sees, changes or replaces what travels.

Hooks are kept by the client: `friendli.hooks.register_before_request_hook(my_hook)`, where
`my_hook` is a function or an object with the method named below. They run in the order of
registration, on the thread or event loop of the call; what raises ends the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class HookContext:
    """Which call this is. `security_source` is the token as the constructor got it."""

    config: Any
    base_url: str
    operation_id: str
    oauth2_scopes: list[str] | None = None
    security_source: Any = field(default=None, repr=False)
    tags: list[str] | None = None
    extensions: dict[str, Any] | None = None


SDKInit = Callable[[str, Any], tuple[str, Any]]
"""`(base_url, client) -> (base_url, client)`: before the first call, with the connections to use.

A changed address becomes the client's `server_url`.
"""
BeforeRequest = Callable[[HookContext, Any], Any]
"""`(context, request) -> request`, or an exception to raise."""
AfterSuccess = Callable[[HookContext, Any], Any]
"""`(context, response) -> response`, or an exception to raise."""
AfterError = Callable[[HookContext, Any, Exception | None], Any]
"""`(context, response or None, error or None) -> (response, error)`, or an exception to raise."""


class SDKHooks:
    """The registered hooks of one client."""

    def __init__(self) -> None:
        self._sdk_init: list[SDKInit] = []
        self._before_request: list[BeforeRequest] = []
        self._after_success: list[AfterSuccess] = []
        self._after_error: list[AfterError] = []

    def register_sdk_init_hook(self, hook: Any) -> None:
        """Run once, when the client opens its connections for its first call."""
        self._sdk_init.append(getattr(hook, "sdk_init", hook))

    def register_before_request_hook(self, hook: Any) -> None:
        """Run before each try, with the request about to be sent."""
        self._before_request.append(getattr(hook, "before_request", hook))

    def register_after_success_hook(self, hook: Any) -> None:
        """Run after an answer below 400."""
        self._after_success.append(getattr(hook, "after_success", hook))

    def register_after_error_hook(self, hook: Any) -> None:
        """Run after an answer of 400 and above, or when none came."""
        self._after_error.append(getattr(hook, "after_error", hook))

    def sdk_init(self, base_url: str, client: Any) -> tuple[str, Any]:
        """Pass the address and the connections through every hook."""
        for hook in self._sdk_init:
            base_url, client = hook(base_url, client)
        return base_url, client

    def before_request(self, context: HookContext, request: Any) -> Any:
        """Pass the request through every hook."""
        for hook in self._before_request:
            request = _unless_exception(hook(context, request))
        return request

    def after_success(self, context: HookContext, response: Any) -> Any:
        """Pass the response through every hook."""
        for hook in self._after_success:
            response = _unless_exception(hook(context, response))
        return response

    def after_error(
        self, context: HookContext, response: Any, error: Exception | None
    ) -> tuple[Any, Exception | None]:
        """Pass response and error through every hook; a hook may turn one into the other."""
        for hook in self._after_error:
            response, error = _unless_exception(hook(context, response, error))
        return response, error


def _unless_exception(outcome: Any) -> Any:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


__all__ = ["AfterError", "AfterSuccess", "BeforeRequest", "HookContext", "SDKHooks", "SDKInit"]
