"""Where orders are filled: the job is run, and its pictures or its events go out.

Knows nothing about how an order came to be.
"""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from friendli_server import images, sse
from friendli_server.access import note
from friendli_server.container import answers, deadline, openai_stream, stream
from friendli_server.container.admission import Place
from friendli_server.container.encoding import encoder
from friendli_server.container.job import Job, Picture
from friendli_server.container.jobs import Jobs, Key
from friendli_server.container.order import Order
from friendli_server.container.results import Results
from friendli_server.container.service import Service
from friendli_server.envelope import request_id
from friendli_server.errors import ApiError, ClientGone
from friendli_server.waiting import aside, disconnected, unless

_SILENCE = 10.0
"""Seconds without an event after which a comment is sent, so that proxies keep the line open."""


class Desk:
    """Fills orders of one service."""

    def __init__(self, service: Service, results: Results) -> None:
        self._service, self._results, self._jobs = service, results, Jobs()

    async def serve(self, request: Request, order: Order, key: Key | None = None) -> Response:
        """The answer to `order`: JSON in its form, or a stream of events.

        Args:
            request: what is answered.
            order: what it asks for.
            key: which other requests are the same one.

        Raises:
            ApiError: the pictures could not be made.
            ClientGone: the client left first.
        """
        place: Place = request.state.place
        limit = deadline.seconds(request.headers)
        place.widen(len(order.requests))
        _note(request, order)
        job = self._jobs.find(key) if key else None
        headers = {"idempotent-replayed": "true"} if job else {}
        if job is None:
            job = self._job(order)
            if key and (key.name or not order.events):
                self._jobs.keep(key, job)
        if order.events:
            return EventStream(self, job, order, request_id(request), headers)
        pictures = await self._pictures(job, request, limit)
        links = [self._link(request, picture) for picture in pictures] if order.links else []
        size = sum(len(picture.data) for picture in pictures)
        content = await aside(answers.render, pictures, order.form, links, size=size)
        headers |= _headers(order, pictures[0])
        return Response(content, media_type="application/json", headers=headers)

    async def file(self, request: Request, order: Order) -> Response:
        """The answer to `order` as the first picture's file."""
        _note(request, order)
        limit = deadline.seconds(request.headers)
        picture, *_ = await self._pictures(self._job(order), request, limit)
        media_type = images.MEDIA_TYPES[picture.format]
        return Response(picture.data, media_type=media_type, headers=_headers(order, picture))

    def _job(self, order: Order) -> Job:
        metadata = self._service.settings.metadata
        encode = encoder(order.encoding, self._service.engine.info, metadata=metadata)
        tracer = self._service.traces.get_tracer("friendli.container")
        return Job(self._service.engine, order.prepare, encode, tracer=tracer)

    async def _pictures(self, job: Job, request: Request, limit: float | None) -> list[Picture]:
        """The job's pictures; its place is free before the slowest reader has them."""
        try:
            async with asyncio.timeout(limit):
                with job.followed():
                    pictures = await unless(
                        job.pictures(), leaving=partial(disconnected, request.receive)
                    )
        except TimeoutError:
            raise ApiError("deadline_exceeded") from None
        self.made(job, request.state.place, len(pictures))
        return pictures

    def made(self, job: Job, place: Place, count: int) -> None:
        """Count what was made, and give back its place."""
        metrics = self._service.metrics
        metrics.made(count, seconds=place.age, predicted=place.eta)
        if job.waited is not None:
            metrics.waited(job.waited)
        place.release(made=True)

    def _link(self, request: Request, picture: Picture) -> str:
        return str(request.url_for("result", name=self._results.put(picture)))


class EventStream(StreamingResponse):
    """A job's events in the dialect asked for; what is wrong with a request is said before."""

    def __init__(
        self, desk: Desk, job: Job, order: Order, request_id: str, headers: dict[str, str]
    ) -> None:
        self.desk, self.job = desk, job
        if order.events == "openai":
            events = openai_stream.frames(job, order, request_id)
        else:
            events = stream.frames(job, request_id)
        super().__init__(
            sse.unbroken(events, silence=_SILENCE),
            media_type="text/event-stream",
            headers=headers | {"cache-control": "no-store"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the job or the client is gone."""
        with self.job.followed():
            await unless(self.job.prepared(), leaving=partial(disconnected, receive))
            await super().__call__(scope, receive, send)
            if not self.job.ended:
                raise ClientGone
        if failure := self.job.failure:
            scope["state"]["outcome"] = failure.code
        elif not self.job.lost:
            self.desk.made(self.job, scope["state"]["place"], len(await self.job.pictures()))


def _note(request: Request, order: Order) -> None:
    """For the log: what is made, never of which words."""
    asked = order.requests[0]
    note(
        request.scope,
        adapter=asked.adapter,
        steps=asked.steps,
        pictures=len(order.requests),
        events=order.events,
    )


def _headers(order: Order, picture: Picture) -> dict[str, str]:
    headers = {
        "x-image-width": str(picture.width),
        "x-image-height": str(picture.height),
        "x-image-seed": str(picture.seed),
    }
    if order.ignored:
        headers["x-ignored-parameters"] = ", ".join(order.ignored)
    return headers
