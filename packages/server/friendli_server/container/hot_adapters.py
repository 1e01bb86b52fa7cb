"""The adapters of a folder on the engine: new ones loaded, changed ones replaced, others let go.

What runs keeps the adapter it started with, and what cannot be loaded is left out with a word in
the log. Knows no store and no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from friendli_engine.errors import EngineError, NotReadyError, WorkerLostError
from friendli_engine.request import ModelInfo

from friendli_server.weights.place import WeightsError

if TYPE_CHECKING:
    from friendli_server.weights.folder import AdapterFolder
    from friendli_server.weights.store import Found

logger = logging.getLogger("friendli.server.adapters")

_LONGEST_REST: Final = 64
"""Looks between two tries to fetch what cannot be fetched."""


class Loader(Protocol):
    """The part of `EngineClient` that loads adapters."""

    @property
    def info(self) -> ModelInfo:
        """With the routes that are served."""

    async def load_adapter(
        self, route: str, path: str | Path, scale: float = 1.0, *, replace: bool = False
    ) -> ModelInfo:
        """Serve a file; with `replace`, instead of what the route meant."""

    async def unload_adapter(self, route: str) -> ModelInfo:
        """Serve a route no longer."""


@dataclass(frozen=True)
class _Failure:
    version: str
    tries: int
    again: float
    """The look at which it is tried again."""


class HotAdapters:
    """Keeps `engine` serving what lies in `folder`."""

    def __init__(self, engine: Loader, folder: AdapterFolder) -> None:
        self._engine, self._folder = engine, folder
        self._served: dict[str, str] = {}
        self._failures: dict[str, _Failure] = {}
        self._looks = 0

    async def look(self) -> None:
        """Compare folder and engine once, and act.

        Raises:
            WeightsError: the folder cannot be looked at; what is served stays.
        """
        self._looks += 1
        there = await self._folder.look()
        known = self._engine.info.adapters  # an engine that started anew may have left some out
        self._served = {route: v for route, v in self._served.items() if route in known}
        for route in self._served.keys() - there.keys():
            await self._drop(route)
        for route, found in there.items():
            if self._is_due(route, found):
                await self._take(route, found)

    async def watch(self, seconds: float) -> None:
        """Look again and again, with so many seconds between."""
        told = False
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.look()
                told = False
            except WeightsError as error:
                logger.log(
                    logging.DEBUG if told else logging.WARNING,
                    "Adapters stay as they are: %s",
                    error,
                )
                told = True

    def _is_due(self, route: str, found: Found) -> bool:
        if self._served.get(route) == found.version:
            return False
        failure = self._failures.get(route)
        return not failure or failure.version != found.version or failure.again <= self._looks

    async def _take(self, route: str, found: Found) -> None:
        try:
            path = await self._folder.fetch(found)
            await self._engine.load_adapter(route, path, replace=route in self._served)
        except NotReadyError:
            return
        except (WeightsError, EngineError) as error:
            self._fail(route, found, error)
            return
        self._served[route] = found.version
        self._failures.pop(route, None)
        logger.info("The adapter %r is served", route)

    def _fail(self, route: str, found: Found, error: Exception) -> None:
        before = self._failures.get(route)
        tries = before.tries + 1 if before and before.version == found.version else 1
        rest = math.inf
        if isinstance(error, WeightsError):
            rest = min(2**tries, _LONGEST_REST)
        elif isinstance(error, WorkerLostError) and tries == 1:
            rest = 1  # it may have died of something else
        else:
            self._folder.discard(found)  # or every state of a file that grows would be kept
        self._failures[route] = _Failure(found.version, tries, self._looks + rest)
        if tries == 1:
            logger.warning("The adapter %r is left out: %s", route, error)

    async def _drop(self, route: str) -> None:
        try:
            await self._engine.unload_adapter(route)
        except NotReadyError:
            return
        except EngineError as error:
            logger.warning("The adapter %r: %s", route, error)
        self._served.pop(route)
        logger.info("The adapter %r is served no longer", route)
