"""Callers that want the same thing at the same moment share one run of the work that gets it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

_Result = TypeVar("_Result")


class Joined(Generic[_Result]):
    """Runs `work(key)`, once for all who ask for `key` while it runs.

    A caller that is cancelled leaves the work alone: others wait for it, and a query that is
    cancelled costs its connection.
    """

    def __init__(self, work: Callable[[str], Coroutine[Any, Any, _Result]]) -> None:
        self._work = work
        self._running: dict[str, asyncio.Task[_Result]] = {}

    async def __call__(self, key: str) -> _Result:
        """What the work gives, or raises."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._work(key))
            task.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(task)

    def _ended(self, key: str, task: asyncio.Task[_Result]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # every caller may have left; then nobody else asks for it
