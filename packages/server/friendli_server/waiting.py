"""Waiting for work: off the event loop, or until it is pointless. Knows nothing of the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from friendli_server.errors import ClientGone

_Result = TypeVar("_Result")
LARGE = 256 * 1024
"""Bytes that are worth a thread: copying and encoding fewer is over sooner than one has woken."""


async def aside(work: Callable[..., _Result], *given: Any, size: int) -> _Result:
    """`work(*given)`, in a thread if it is about many bytes."""
    return await asyncio.to_thread(work, *given) if size > LARGE else work(*given)


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
