"""A job as server-sent events: queue place, steps, previews, then the picture or the error.

Knows nothing about how a job is made or validated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from friendli_engine import request as engine
from friendli_wire import PreviewEvent, ProgressEvent, QueuedEvent

from friendli_server import images, sse
from friendli_server.errors import ApiError

from . import answers, params
from .job import Job

PREVIEW_QUALITY = 80


_PREVIEWS = 8
"""About so many previews unless the caller says how often."""


def preview_every(body: dict[str, object], steps: int) -> int:
    """Steps between previews: the body's `preview_every`, 0 for none.

    Raises:
        ApiError: 422, it is no count.
    """
    every = body.get("preview_every")
    if every is None:
        return -(-steps // _PREVIEWS)
    if type(every) is not int or every < 0:
        raise params.refuse("preview_every", "Must be an integer, 0 or more.")
    return every


def wanted(body: dict[str, object], accept: str) -> bool:
    """Whether the caller asks for events: `"stream": true` and the matching Accept header."""
    return body.get("stream") is True and "text/event-stream" in accept


async def frames(job: Job, request_id: str) -> AsyncIterator[bytes]:
    """The events of `job`; closing the iterator stops following it."""
    with job.followed():
        async for event in job.events():
            yield await _frame(event)
        try:
            [picture] = await job.pictures()
        except ApiError as error:
            yield sse.frame("error", error.body(request_id).model_dump_json().encode())
        else:
            yield sse.frame("finished", await asyncio.to_thread(answers.friendli, picture))


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
    image = answers.to_base64(images.encode(pixels, "jpeg", quality=PREVIEW_QUALITY))
    return PreviewEvent(step=step, image=image, width=pixels.width, height=pixels.height)


def _wire(event: QueuedEvent | ProgressEvent | PreviewEvent) -> bytes:
    return sse.frame(event.event, event.model_dump_json().encode())
