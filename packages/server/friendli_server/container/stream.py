"""A job as server-sent events of our own: queue place, steps, previews, the picture or the error.

Knows nothing about how a job is made or validated; OpenAI's events are in `openai_stream.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from friendli_engine import request as engine
from friendli_wire import PreviewEvent, ProgressEvent, QueuedEvent

from friendli_server import images, sse
from friendli_server.container import answers
from friendli_server.container.job import Job
from friendli_server.errors import ApiError

PREVIEW = images.Encoding("jpeg", quality=80)


async def frames(job: Job, request_id: str) -> AsyncIterator[bytes]:
    """The events of `job`, which must be followed."""
    async for event in job.events():
        yield await _frame(event)
    try:
        pictures = await job.pictures()
    except ApiError as error:
        yield sse.frame("error", error.body(request_id).model_dump_json().encode())
    else:
        yield sse.frame("finished", await asyncio.to_thread(answers.friendli, pictures[0]))


async def _frame(event: engine.Event) -> bytes:
    match event:
        case engine.Queued(position=position, eta=eta):
            return _wire(QueuedEvent(position=position, eta=eta))
        case engine.Progress(step=step, steps=steps, eta=eta):
            return _wire(ProgressEvent(step=step, steps=steps, eta=eta))
        case engine.Preview(step=step, pixels=pixels):
            return _wire(await asyncio.to_thread(_preview, step, pixels))
        case engine.Finished() | engine.Failed():
            raise AssertionError("a job keeps its end to itself")


def _preview(step: int, pixels: engine.Pixels) -> PreviewEvent:
    image = answers.to_base64(images.encode(pixels, PREVIEW))
    return PreviewEvent(step=step, image=image, width=pixels.width, height=pixels.height)


def _wire(event: QueuedEvent | ProgressEvent | PreviewEvent) -> bytes:
    return sse.frame(event.event, event.model_dump_json().encode())
