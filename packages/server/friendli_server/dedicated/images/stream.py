"""A job as server-sent events: its steps as they are told, and the answer as the last of them.

Nothing is sent before something happened, so that what is wrong with a request is an ordinary
error. Knows neither bodies nor replicas.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final, Protocol

from friendli_wire import DedicatedImageGenerateSuccess
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from friendli_server import sse
from friendli_server.dedicated.images.service import Waiter
from friendli_server.dedicated.problems import told_to_client
from friendli_server.dedicated.replicas.container import Made, Tell
from friendli_server.errors import ApiError, ClientGone
from friendli_server.waiting import disconnected, unless

_SILENCE: Final = 10.0
"""Seconds without an event after which a comment is sent, so that proxies keep the line open."""


class Serve(Protocol):
    """Runs the job, awaiting the slow part through `wait` and telling its steps."""

    def __call__(self, *, wait: Waiter, tell: Tell) -> Awaitable[DedicatedImageGenerateSuccess]:
        """The answer."""


class Events(Protocol):
    """Whose events they are: from what happened to frames."""

    def told(self, name: str, data: bytes) -> Iterable[bytes]:
        """The frames for a step on the way."""

    def finished(self, answer: DedicatedImageGenerateSuccess) -> bytes:
        """The last frame."""


class FriendliEvents:
    """Our own events: what the container says, and the public answer as `finished`."""

    def __init__(self, render: Callable[[DedicatedImageGenerateSuccess], bytes]) -> None:
        """`render` gives the JSON of a plain answer."""
        self._render = render

    def told(self, name: str, data: bytes) -> Iterable[bytes]:
        """The container's event as it came."""
        return [sse.frame(name, data)]

    def finished(self, answer: DedicatedImageGenerateSuccess) -> bytes:
        """The same JSON as the plain answer."""
        return sse.frame("finished", self._render(answer))


class EventStream(StreamingResponse):
    """The events of one job, which ends when the client leaves."""

    def __init__(self, serve: Serve, events: Events, *, request_id: str) -> None:
        self._serve, self._events, self._request_id = serve, events, request_id
        self._happened: asyncio.Queue[bytes | ApiError | None] = asyncio.Queue()
        self._left = asyncio.Event()
        frames = sse.unbroken(self._frames(), silence=_SILENCE)
        super().__init__(
            frames, media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the job, and send what happens until it or the client is gone.

        Raises:
            ApiError: the job ended before anything happened.
            ClientGone: the client did.
        """
        job = asyncio.create_task(self._run())
        try:
            self._first = await unless(self._happened.get(), leaving=partial(disconnected, receive))
            if isinstance(self._first, ApiError):
                raise self._first
            await super().__call__(scope, receive, send)
        finally:
            self._left.set()
            await asyncio.wait({job})

    async def _run(self) -> None:
        try:
            answer = await self._serve(wait=self._while_wanted, tell=self._tell)
            self._happened.put_nowait(self._events.finished(answer))
        except ClientGone:
            pass
        except Exception as raised:
            self._happened.put_nowait(told_to_client(raised))
        finally:
            self._happened.put_nowait(None)

    async def _while_wanted(self, work: Coroutine[Any, Any, Made]) -> Made:
        return await unless(work, leaving=self._left.wait)

    def _tell(self, name: str, data: bytes) -> None:
        for frame in self._events.told(name, data):
            self._happened.put_nowait(frame)

    async def _frames(self) -> AsyncIterator[bytes]:
        happened = self._first
        while happened is not None:
            if isinstance(happened, ApiError):
                body = happened.body(self._request_id).model_dump_json()
                happened = sse.frame("error", body.encode())
            yield happened
            happened = await self._happened.get()
