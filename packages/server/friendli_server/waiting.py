"""Waiting for work until something makes it pointless. Knows nothing of what the work is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from friendli_server.errors import ClientGone

_Result = TypeVar("_Result")


async def unless(
    work: Coroutine[Any, Any, _Result],
    *,
    leaving: Callable[[], Coroutine[Any, Any, object]],
    error: type[Exception] = ClientGone,
) -> _Result:
    """The result of `work`, which is cancelled when `leaving` returns first.

    Raises:
        Exception: `error`, when `leaving` returned first.
    """
    gone, task = asyncio.create_task(leaving()), asyncio.create_task(work)
    try:
        await asyncio.wait({gone, task}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise error
        return task.result()
    finally:
        gone.cancel()
        task.cancel()


async def disconnected(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
