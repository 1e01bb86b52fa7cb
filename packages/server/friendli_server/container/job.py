"""A job: pictures in the making, followed by any number of answers.

It runs until it is finished or nobody follows it any more; then its requests are cancelled, which
the engine does within one step. Knows nothing about HTTP or about the form of an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import Self

from friendli_engine.errors import EngineError, GenerationError, from_kind
from friendli_engine.request import Event, Failed, Finished, ImageRequest, Pixels, Preview, Queued
from opentelemetry.trace import NoOpTracer, Tracer

from friendli_server import images
from friendli_server.container.engine import Engine
from friendli_server.container.phases import Phases
from friendli_server.errors import ApiError


@dataclass(frozen=True)
class Picture:
    """A finished picture as a file, with what it takes to make it again."""

    data: bytes
    format: images.Format
    width: int
    height: int
    seed: int


Encode = Callable[[Pixels, ImageRequest], Awaitable[Picture]]


class Job:
    """Runs what `prepare` gives and keeps what happened, so that late followers miss nothing.

    Args:
        engine: who makes the pixels.
        prepare: gives the requests; may take time and raise ApiError.
        encode: makes a picture of pixels.
        tracer: records the phases.
    """

    linger = 0.0
    """Seconds to go on after the last follower left."""
    waited: float | None = None
    """Seconds from the requests to the first step of one of them."""
    on_end: Callable[[Job], None] | None = None
    """Told when it has ended, however that was."""

    def __init__(
        self,
        engine: Engine,
        prepare: Callable[[], Awaitable[Sequence[ImageRequest]]],
        encode: Encode,
        *,
        tracer: Tracer | None = None,
    ) -> None:
        self._engine, self._prepare, self._encode = engine, prepare, encode
        self._tracer = tracer or NoOpTracer()
        self._prepared = asyncio.Event()
        self._log: list[Event] = []
        self._news = asyncio.Event()
        self._followers = 0
        self._delivered = False

    @cached_property
    def _task(self) -> asyncio.Task[list[Picture]]:
        task = asyncio.create_task(self._run())
        task.add_done_callback(self._end)
        return task

    @contextmanager
    def followed(self) -> Iterator[Self]:
        """Keep the job running inside the block: the first starts it, the last to leave ends it."""
        self._followers += 1
        task = self._task
        try:
            yield self
            self._delivered = True
        finally:
            self._followers -= 1
            if not self._followers and not task.done():
                self._leave(task)

    def _leave(self, task: asyncio.Task[list[Picture]]) -> None:
        if not self.linger:
            task.cancel()
            return
        loop = asyncio.get_running_loop()
        loop.call_later(self.linger, lambda: self._followers or task.cancel())

    @property
    def abandoned(self) -> bool:
        """Whether it runs or ended well and nobody waits for it or was given its pictures."""
        return not (self._followers or self._delivered or self.lost)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to come."""
        return self._task.done()

    @property
    def lost(self) -> bool:
        """Whether it ended without pictures."""
        return self._task.done() and (self._task.cancelled() or bool(self._task.exception()))

    @property
    def failure(self) -> ApiError | None:
        """What ended it, if a caller is told so."""
        error = self._task.exception() if self.lost and not self._task.cancelled() else None
        return error if isinstance(error, ApiError) else None

    @property
    def size(self) -> int:
        """Bytes of memory that its pictures take."""
        previews = sum(len(event.pixels.data) for event in self._log if isinstance(event, Preview))
        made = self._task.result() if self._task.done() and not self.lost else []
        return previews + sum(len(picture.data) for picture in made)

    async def prepared(self) -> None:
        """Wait until the requests are there; the job must be followed.

        Raises:
            ApiError: they cannot be.
        """
        await self._prepared.wait()
        if self._task.done():
            await self._task

    async def pictures(self) -> list[Picture]:
        """Wait for all pictures; the job must be followed.

        Raises:
            ApiError: one of them failed.
        """
        return await asyncio.shield(self._task)

    async def events(self) -> AsyncIterator[Event]:
        """Everything that happened and happens, until all pictures are there or one failed."""
        seen = 0
        while True:
            news = self._news
            while seen < len(self._log):
                seen += 1
                yield self._log[seen - 1]
            if self._task.done():
                return
            await news.wait()

    def _keep(self, event: Event) -> None:
        if self.waited is None and not isinstance(event, Queued):
            self.waited = monotonic() - self._since
        self._log.append(event)
        self._tell()

    def _end(self, task: asyncio.Task[list[Picture]]) -> None:
        self._prepared.set()
        if not task.cancelled():
            task.exception()  # a failure that nobody waits for any more is no news for the log
        self._tell()
        if self.on_end:
            self.on_end(self)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _run(self) -> list[Picture]:
        with Phases(self._tracer, "intake"):
            requests = await self._prepare()
        self._prepared.set()
        self._since = monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._make(request)) for request in requests]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _make(self, request: ImageRequest) -> Picture:
        with Phases(self._tracer, "queue") as phases:
            try:
                pixels = await self._last(request, phases)
            except EngineError as error:
                raise answer_to(error) from error
            phases.enter("encode")
            return await self._encode(pixels, request)

    async def _last(self, request: ImageRequest, phases: Phases) -> Pixels:
        pixels: Pixels | None = None
        async for event in self._engine.generate(request):
            match event:
                case Failed(kind=kind, message=message, param=param):
                    raise from_kind(kind, message, param=param)
                case Finished(pixels=pixels):
                    pass
                case _:
                    if not isinstance(event, Queued):
                        phases.enter("denoise", steps=request.steps)
                    self._keep(event)
        if pixels is None:
            raise GenerationError("The engine gave no picture.")
        return pixels


_CODES = {
    "UnknownAdapterError": "model_not_found",
    "InvalidRequestError": "invalid_request",
    "NotSupportedError": "invalid_request",
    "TooLargeError": "image_too_large",
    "QueueFullError": "rate_limit_exceeded",
    "NotReadyError": "not_ready",
    "NotFiniteError": "nan_detected",
    "OutOfMemoryError": "out_of_memory",
}
_FIELDS = {
    "adapter": "model",
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "images": "image",
    "control_weights": "controlnet_weights",
    "width": "size",
    "height": "size",
}
"""The engine's names of fields, where the wire has another."""


def answer_to(error: EngineError) -> ApiError:
    """What a caller is told about an error of the engine."""
    code = _CODES.get(error.kind, "generation_failed")
    param = _FIELDS.get(error.param or "", error.param)
    busy = code in ("rate_limit_exceeded", "not_ready")
    return ApiError(code, error.message, param=param, retry_after=2 if busy else None)
