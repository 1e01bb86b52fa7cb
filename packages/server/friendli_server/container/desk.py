"""Where orders are filled: the job is run, and its pictures or its events go out.

Knows nothing about how an order came to be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive

from friendli_server import images, sse
from friendli_server.container import answers, openai_stream, stream
from friendli_server.container.encoding import encoder
from friendli_server.container.job import Job, Picture
from friendli_server.container.order import Order
from friendli_server.container.results import Results
from friendli_server.container.service import Service
from friendli_server.envelope import request_id
from friendli_server.errors import ClientGone

_SILENCE = 10.0
"""Seconds without an event after which a comment is sent, so that proxies keep the line open."""


class Desk:
    """Fills orders of one service."""

    def __init__(self, service: Service, results: Results) -> None:
        self._service, self._results = service, results

    async def serve(self, request: Request, order: Order) -> Response:
        """The answer to `order`: JSON in its form, or a stream of events.

        Raises:
            ApiError: the pictures could not be made.
            ClientGone: the client left first.
        """
        job = self._job(order)
        if order.events:
            frames = _frames(job, order, request_id(request))
            return StreamingResponse(
                frames, media_type="text/event-stream", headers={"cache-control": "no-store"}
            )
        pictures = await unless_gone(job, request.receive)
        links = [self._link(request, picture) for picture in pictures] if order.links else []
        content = await asyncio.to_thread(answers.render, pictures, order.form, links)
        headers = _headers(order, pictures[0])
        return Response(content, media_type="application/json", headers=headers)

    async def file(self, request: Request, order: Order) -> Response:
        """The answer to `order` as the first picture's file."""
        picture, *_ = await unless_gone(self._job(order), request.receive)
        media_type = images.MEDIA_TYPES[picture.format]
        return Response(picture.data, media_type=media_type, headers=_headers(order, picture))

    def _job(self, order: Order) -> Job:
        metadata = self._service.settings.metadata
        encode = encoder(order.encoding, self._service.engine.info, metadata=metadata)
        return Job(self._service.engine, order.requests, encode)

    def _link(self, request: Request, picture: Picture) -> str:
        return str(request.url_for("result", name=self._results.put(picture)))


def _headers(order: Order, picture: Picture) -> dict[str, str]:
    headers = {
        "x-image-width": str(picture.width),
        "x-image-height": str(picture.height),
        "x-image-seed": str(picture.seed),
    }
    if order.ignored:
        headers["x-ignored-parameters"] = ", ".join(order.ignored)
    return headers


async def _frames(job: Job, order: Order, request_id: str) -> AsyncIterator[bytes]:
    """The job's events in the dialect asked for; closing the iterator stops following it."""
    with job.followed():
        if order.events == "openai":
            events = openai_stream.frames(job, order, request_id)
        else:
            events = stream.frames(job, request_id)
        async for frame in sse.unbroken(events, silence=_SILENCE):
            yield frame


async def unless_gone(job: Job, receive: Receive) -> list[Picture]:
    """The job's pictures.

    Raises:
        ApiError: one of them failed.
        ClientGone: the client left first.
    """
    with job.followed():
        gone = asyncio.create_task(_disconnect(receive))
        pictures = asyncio.create_task(job.pictures())
        try:
            await asyncio.wait({gone, pictures}, return_when=asyncio.FIRST_COMPLETED)
            if not pictures.done():
                raise ClientGone
            return pictures.result()
        finally:
            gone.cancel()
            pictures.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
