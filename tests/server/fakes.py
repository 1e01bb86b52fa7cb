"""Small honest stand-ins: an engine that makes exact pixels, one step at a time when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from friendli_engine.capability import check
from friendli_engine.errors import EngineError
from friendli_engine.protocol import Knee, Loading, Stats
from friendli_engine.request import (
    Event,
    Finished,
    ImageRequest,
    ModelInfo,
    Pixels,
    Preview,
    Progress,
    Queued,
)

INFO = ModelInfo(
    id="fake", family="fake", width=16, height=8, steps=20, guidance=3.5, adapters=("ink", "neon")
)


def pixels_of(request: ImageRequest) -> Pixels:
    """A flat picture whose colour tells seed, steps and guidance."""
    colour = bytes((request.seed % 256, request.steps, int(request.guidance or 0)))
    width, height = request.width or INFO.width, request.height or INFO.height
    return Pixels(width, height, colour * (width * height))


@dataclass
class FakeEngine:
    """The engine's protocol without a model.

    With `gate` set, every step waits until `gate` is released once.
    """

    info: ModelInfo = INFO
    state: str = "ready"
    loading: Loading | None = None
    gate: asyncio.Semaphore | None = None
    fails: EngineError | None = None
    asked: list[ImageRequest] = field(default_factory=list)
    steps_run: int = 0
    cancelled: list[str] = field(default_factory=list)
    running: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def until(self, condition: Any) -> None:
        """Wait until `condition()` holds."""
        async with asyncio.timeout(10):
            while not condition():
                await self.changed.wait()

    async def generate(self, request: ImageRequest) -> AsyncIterator[Event]:
        check(request, self.info)
        self.asked.append(request)
        self.running += 1
        self._tell()
        finished = False
        try:
            yield Queued(request.id, 0, 0.5)
            for step in range(1, request.steps + 1):
                if self.gate:
                    await self.gate.acquire()
                if self.fails:
                    raise self.fails
                self.steps_run += 1
                self._tell()
                if request.preview_every and step % request.preview_every == 0:
                    yield Preview(request.id, step, Pixels(2, 2, bytes(12)))
                yield Progress(request.id, step, request.steps, 0.1)
            finished = True
            yield Finished(request.id, pixels_of(request), 0.1)
        finally:
            self.running -= 1
            if not finished:
                self.cancelled.append(request.id)
            self._tell()

    def stats(self) -> Stats:
        knees = (Knee("Transformer", "64x16", rows=4, seconds=0.5),)
        return Stats(active=self.running, cancelled=len(self.cancelled), knees=knees)
