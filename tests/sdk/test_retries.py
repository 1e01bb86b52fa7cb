"""What is tried again, when, and for how long."""

from __future__ import annotations

import dataclasses
import time
from email.utils import formatdate
from typing import Any

import httpx
import httpx2
import pytest
from friendli import SyncFriendli, models
from friendli.configuration import TIMEOUT
from friendli.retries import DEFAULT, Retrier, backoff, retry_after
from friendli.utils import BackoffStrategy, RetryConfig
from sdk.conftest import QUICK, Run
from sdk.stub import Reply, Stub


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def config(**changes: Any) -> RetryConfig:
    return dataclasses.replace(DEFAULT, **changes)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_overload_and_failure_are_tried_again(status: int) -> None:
    assert Retrier(DEFAULT).after_answer(status, {}) is not None


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 409, 422, 501])
def test_other_answers_are_final(status: int) -> None:
    assert Retrier(DEFAULT).after_answer(status, {}) is None


def test_status_codes_can_be_replaced_and_may_be_classes() -> None:
    retrier = Retrier(config(status_codes_override=["418", "5XX"]))
    asked = [retrier.after_answer(status, {}) is not None for status in (418, 501, 429)]
    assert asked == [True, True, False]


@pytest.mark.parametrize(("tries", "seconds"), [(1, 0.5), (2, 0.75), (3, 1.125), (50, 60.0)])
def test_waits_grow_up_to_the_longest(tries: int, seconds: float) -> None:
    strategy = BackoffStrategy(500, 60_000, 1.5, 3_600_000, jitter_ms=0)
    assert backoff(strategy, tries) == seconds


def test_jitter_is_at_most_a_second() -> None:
    waits = [backoff(BackoffStrategy(500, 60_000, 1.5, 1), 1) for _ in range(200)]
    assert 0.5 <= min(waits) < max(waits) <= 1.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({}, None),
    ],
)
def test_retry_after_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    seconds = retry_after({"retry-after": formatdate(time.time() + 50, usegmt=True)})
    assert seconds is not None
    assert 40 < seconds <= 50


def test_retry_after_is_honoured_up_to_two_minutes() -> None:
    assert Retrier(DEFAULT).after_answer(429, {"retry-after": "120"}) == 120
    assert Retrier(DEFAULT).after_answer(429, {"retry-after": "121"}) is None


def test_default_budget_is_two_minutes() -> None:
    clock = Clock()
    retrier = Retrier(DEFAULT, clock=clock)
    clock.now = 119.9
    assert retrier.after_answer(503, {}) == pytest.approx(0.1)
    clock.now = 120.1
    assert retrier.after_answer(503, {}) is None


def test_nothing_listening_is_given_up_after_four_tries() -> None:
    retrier = Retrier(DEFAULT)
    waits = [retrier.after_failure(httpx2.ConnectError) for _ in range(4)]
    assert [wait is None for wait in waits] == [False, False, False, True]


def test_an_explicit_configuration_keeps_trying_to_connect() -> None:
    retrier = Retrier(config(max_connect_tries=None))
    assert all(retrier.after_failure(httpx.ConnectError) is not None for _ in range(20))


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_only_network_errors_and_timeouts_are_tried_again(library: Any) -> None:
    again = [library.ReadTimeout, library.ReadError, library.WriteError, library.ConnectError]
    final = [library.RemoteProtocolError, library.UnsupportedProtocol, library.DecodingError]
    assert all(Retrier(DEFAULT).after_failure(kind) is not None for kind in again)
    assert all(Retrier(DEFAULT).after_failure(kind) is None for kind in final)


@pytest.mark.parametrize(
    "off", [None, config(strategy="none"), config(retry_connection_errors=False)]
)
def test_retries_can_be_turned_off(off: RetryConfig | None) -> None:
    assert Retrier(off).after_failure(httpx2.ReadTimeout) is None


@pytest.mark.requirement("S1.retries")
def test_tries_share_one_idempotency_key_and_body(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({}, status=503), Reply({}, status=429), Reply()]
    run(lambda f: f.container.image.generate(prompt="p"))
    assert len(stub.requests) == 3
    assert len({request.headers["idempotency-key"] for request in stub.requests}) == 1
    assert len({request.body for request in stub.requests}) == 1


def test_calls_have_different_idempotency_keys(stub: Stub) -> None:
    with SyncFriendli(server_url=stub.url) as friendli:
        for _ in range(2):
            friendli.container.image.generate(prompt="p")
    assert len({request.headers["idempotency-key"] for request in stub.requests}) == 2


@pytest.mark.requirement("S1.retries")
def test_retries_of_the_call_win_over_the_clients(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({}, status=503)]
    with pytest.raises(models.SDKError):
        run(lambda f: f.container.image.generate(prompt="p", retries=None))
    assert len(stub.requests) == 1


def test_the_last_answer_is_raised_when_the_budget_is_spent(run: Run, stub: Stub) -> None:
    stub.replies = [Reply({"message": "busy"}, status=503)]
    spent = dataclasses.replace(QUICK, backoff=BackoffStrategy(1, 5, 1.5, 0))
    with pytest.raises(models.SDKError, match="busy"):
        run(lambda f: f.container.image.generate(prompt="p"), retry_config=spent)
    assert len(stub.requests) == 1


def test_a_dropped_connection_is_not_sent_twice(run: Run, stub: Stub) -> None:
    stub.replies = [Reply(hang_up=True)]
    with pytest.raises(httpx2.RemoteProtocolError):
        run(lambda f: f.container.image.generate(prompt="p"))
    assert len(stub.requests) == 1


def test_pictures_may_take_ten_minutes() -> None:
    connect, read, _, pool = TIMEOUT
    assert (connect, read, pool) == (10.0, 600.0, None)


def test_our_own_client_uses_that_timeout(stub: Stub) -> None:
    with SyncFriendli(server_url=stub.url) as friendli:
        friendli.container.image.generate(prompt="p")
        client = friendli._opened._transport._client  # type: ignore[union-attr]
        assert client.timeout.read == 600


def test_timeout_ms_applies_to_client_and_call(run: Run, stub: Stub) -> None:
    stub.replies = [Reply(b"", headers={"content-length": "9"}, stay=True)]
    with pytest.raises(models.TransportError) as caught:
        run(lambda f: f.container.image.generate(prompt="p", timeout_ms=30), retry_config=None)
    assert isinstance(caught.value, httpx2.TimeoutException)
    with pytest.raises(httpx.TimeoutException):
        run(lambda f: f.container.image.generate(prompt="p"), retry_config=None, timeout_ms=30)
