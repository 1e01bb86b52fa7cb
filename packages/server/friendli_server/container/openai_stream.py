"""A job as server-sent events by OpenAI's names: partial images, then each completed one.

Sends nothing that those clients do not know, for strict ones parse every event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from friendli_engine.request import Pixels, Preview

from friendli_server import images, sse
from friendli_server.container import answers
from friendli_server.container.job import Job, Picture
from friendli_server.container.order import Order
from friendli_server.errors import ApiError

_NO_USAGE = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
}


async def frames(job: Job, order: Order, request_id: str) -> AsyncIterator[bytes]:
    """The events of `job`, which must be followed."""
    encoding = images.Encoding("jpeg" if order.encoding.format == "raw" else order.encoding.format)
    index = 0
    async for event in job.events():
        if isinstance(event, Preview) and index < order.partial_images * len(order.requests):
            yield await asyncio.to_thread(_partial, order, encoding, event.pixels, index)
            index += 1
    try:
        pictures = await job.pictures()
    except ApiError as error:
        yield sse.frame("error", error.body(request_id).model_dump_json().encode())
    else:
        for picture in pictures:
            yield await asyncio.to_thread(_completed, order, picture)


def _partial(order: Order, encoding: images.Encoding, pixels: Pixels, index: int) -> bytes:
    data = images.encode(pixels, encoding)
    picture = Picture(data, encoding.format, pixels.width, pixels.height, seed=0)
    return _frame(f"{order.verb}.partial_image", picture, {"partial_image_index": index})


def _completed(order: Order, picture: Picture) -> bytes:
    return _frame(f"{order.verb}.completed", picture, {"usage": _NO_USAGE})


def _frame(name: str, picture: Picture, more: dict[str, Any]) -> bytes:
    rest = {
        "type": name,
        "created_at": int(time.time()),
        "quality": "auto",
        "background": "opaque",
        **answers.about(picture),
        **more,
    }
    return sse.frame(name, answers.with_base64("b64_json", picture.data, rest))
