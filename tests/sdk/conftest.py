"""A stub server, and one way to call both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from friendli import AsyncFriendli, SyncFriendli
from friendli.utils import BackoffStrategy, RetryConfig
from official import official_python
from sdk.stub import Stub, serving

__all__ = ["official_python"]

Run = Callable[..., Any]
QUICK = RetryConfig("backoff", BackoffStrategy(1, 5, 1.5, 10_000, jitter_ms=0), True)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FRIENDLI_TOKEN", "FRIENDLI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    with serving(stub.answer, stub.gone) as stub.url:
        yield stub


def run_sync(use: Callable[[Any], Any], **config: Any) -> Any:
    with SyncFriendli(**config) as friendli:
        return use(friendli)


def run_async(use: Callable[[Any], Any], **config: Any) -> Any:
    async def go() -> Any:
        async with AsyncFriendli(**config) as friendli:
            return await use(friendli)

    return asyncio.run(go())


@pytest.fixture(params=[run_sync, run_async], ids=["sync", "async"])
def run(request: pytest.FixtureRequest, stub: Stub) -> Run:
    """`run(lambda f: f.container…, **constructor_arguments)` on either client, at the stub."""

    def run(use: Callable[[Any], Any], **config: Any) -> Any:
        return request.param(use, **{"server_url": stub.url, "retry_config": QUICK} | config)

    return run
