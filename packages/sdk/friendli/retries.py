"""Whether to try again, and when. Pure decisions: it neither sends nor sleeps."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

RETRIED_CODES = ("429", "500", "502", "503", "504")
RETRIED_FAILURES = {"NetworkError", "TimeoutException"}
UNREACHABLE = {"ConnectError", "ConnectTimeout"}
LONGEST_RETRY_AFTER = 120.0
"""Seconds. A server that asks for more gets no retry: the error says so at once."""


@dataclass(slots=True)
class BackoffStrategy:
    """How long to wait: `initial_interval * exponent**n` plus jitter, at most `max_interval`.

    All intervals are in milliseconds. The jitter is up to one second unless `jitter_ms` says
    otherwise. Nothing is tried again once `max_elapsed_time` has passed since the first try.
    """

    initial_interval: int
    max_interval: int
    exponent: float
    max_elapsed_time: int
    jitter_ms: int | None = None


@dataclass(slots=True)
class RetryConfig:
    """What to try again: `strategy` is "backoff" or "none".

    `status_codes_override` replaces 429, 500, 502, 503 and 504 and may hold classes ("5XX").
    `max_connect_tries` bounds the tries while nothing answers at the address; None does not.
    """

    strategy: str
    backoff: BackoffStrategy
    retry_connection_errors: bool
    status_codes_override: list[str] | None = None
    max_connect_tries: int | None = None

    def retries_status(self, status: int) -> bool:
        """Is an answer with this status tried again?"""
        codes = self.status_codes_override or RETRIED_CODES
        return str(status) in codes or f"{status // 100}XX" in {code.upper() for code in codes}


DEFAULT = RetryConfig(
    strategy="backoff",
    backoff=BackoffStrategy(500, 60_000, 1.5, 120_000),
    retry_connection_errors=True,
    max_connect_tries=4,
)
"""Two minutes in all; an address where nothing answers is given up after four tries."""


class Retrier:
    """Counts the tries of one call and says how long to wait before the next one.

    Each question answers in seconds, or None when the last outcome is final.
    """

    def __init__(
        self, config: RetryConfig | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.config = config if config and config.strategy == "backoff" else None
        self.tries = 1
        self._clock = clock
        self._started = clock()

    def after_answer(self, status: int, headers: Mapping[str, str]) -> float | None:
        """The server answered with this status."""
        if self.config is None or not self.config.retries_status(status):
            return None
        asked = retry_after(headers)
        if asked is not None and asked > LONGEST_RETRY_AFTER:
            return None
        return self._next(self.config, asked)

    def after_failure(self, kind: type[Exception]) -> float | None:
        """No answer came, but an exception of httpx, httpx2 or a look-alike."""
        names = {base.__name__ for base in kind.__mro__}
        if self.config is None or not self.config.retry_connection_errors:
            return None
        if names.isdisjoint(RETRIED_FAILURES):
            return None
        limit = self.config.max_connect_tries
        if limit is not None and self.tries >= limit and names & UNREACHABLE:
            return None
        return self._next(self.config, None)

    def _next(self, config: RetryConfig, asked: float | None) -> float | None:
        remaining = config.backoff.max_elapsed_time / 1000 - (self._clock() - self._started)
        if remaining <= 0:
            return None
        wait = asked if asked is not None else min(backoff(config.backoff, self.tries), remaining)
        self.tries += 1
        return wait


def backoff(strategy: BackoffStrategy, tries: int) -> float:
    """Seconds to wait after so many tries."""
    jitter = 1000 if strategy.jitter_ms is None else strategy.jitter_ms
    grown = strategy.initial_interval * strategy.exponent ** (tries - 1)
    return min(grown + random.uniform(0, jitter), strategy.max_interval) / 1000  # noqa: S311


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait (`retry-after-ms` wins), if it asks for any."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return _positive(float(milliseconds) / 1000)
        if seconds := headers.get("retry-after", ""):
            return _positive(_seconds(seconds))
    except (ValueError, TypeError):
        return None
    return None


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return parsedate_to_datetime(text).timestamp() - time.time()


def _positive(seconds: float) -> float | None:
    return seconds if seconds > 0 else None
