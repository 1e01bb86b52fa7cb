"""The part of `friendli_engine.client.EngineClient` that the server uses; tests bring their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from friendli_engine.errors import NotReadyError
from friendli_engine.protocol import Loading, Stats
from friendli_engine.request import Event, ImageRequest, ModelInfo


class Engine(Protocol):
    """Makes pictures of requests."""

    @property
    def state(self) -> str:
        """starting, ready, restarting, draining or closed."""

    @property
    def info(self) -> ModelInfo:
        """What the loaded model can do."""

    @property
    def loading(self) -> Loading | None:
        """What is at work while it starts, or starts again."""

    def generate(self, request: ImageRequest) -> AsyncIterator[Event]:
        """Run one request; closing the iterator cancels it."""

    def stats(self) -> Stats:
        """Counters and gauges of the worker."""


class Awaited:
    """Stands for an engine whose weights are not here yet."""

    state, loading = "starting", None

    @property
    def info(self) -> ModelInfo:
        """Raises NotReadyError."""
        raise NotReadyError("The engine has not started.")

    def generate(self, request: ImageRequest) -> AsyncIterator[Event]:
        """Raises NotReadyError."""
        del request
        raise NotReadyError("The engine has not started.")

    def stats(self) -> Stats:
        """Nothing happened."""
        return Stats()
