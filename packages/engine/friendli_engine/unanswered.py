"""What was asked of the engine and has no answer yet: requests and errands. Knows no workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from .errors import EngineError, InvalidRequestError, QueueFullError, WorkerLostError
from .request import Event, Failed, Finished, ImageRequest, ModelInfo, Queued


@dataclass(eq=False)
class Pending:
    """A request whose last event has not been taken yet."""

    request: ImageRequest
    retries: int
    begun: bool = False
    """Whether the worker has done more than to queue it."""
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    @property
    def over(self) -> bool:
        """Whether its last event is there to be taken, or no worker may run it again."""
        return self.retries < 0

    def fail(self, error: EngineError) -> None:
        """End it without a picture."""
        self.retries = -1
        self.events.put_nowait(Failed(self.request.id, error.kind, error.message))


class Unanswered:
    """The requests and errands of one client.

    Args:
        limit: requests beyond which none is accepted.
        retries: how often a request that was running when its worker died is run again.
    """

    def __init__(self, *, limit: int, retries: int) -> None:
        self._limit, self._retries = limit, retries
        self._requests: dict[str, Pending] = {}
        self._errands: dict[int, asyncio.Future[ModelInfo]] = {}
        self._numbers = count(1)
        self._changed = asyncio.Event()

    def __iter__(self) -> Iterator[Pending]:
        return iter(self._requests.values())

    def accept(self, request: ImageRequest) -> Pending:
        """Note a request.

        Raises:
            InvalidRequestError: one with this id is there already.
            QueueFullError: there are as many as there may be.
        """
        if request.id in self._requests:
            raise InvalidRequestError("A request with this id is running.", param="id")
        if len(self._requests) >= self._limit:
            raise QueueFullError("Too many requests are waiting.")
        pending = self._requests[request.id] = Pending(request, self._retries)
        return pending

    def forget(self, request_id: str) -> bool:
        """Drop a request; whether a worker may still be at it."""
        pending = self._requests.pop(request_id, None)
        self._changed.set()
        return bool(pending and not pending.over)

    async def none_left(self) -> None:
        """Wait until every request was answered or dropped."""
        while self._requests:
            self._changed.clear()
            await self._changed.wait()

    def deliver(self, event: Event) -> bool:
        """Hand an event to its request; whether it shows that the worker gets on."""
        pending = self._requests.get(event.id)
        if not pending:
            return False
        pending.begun |= not isinstance(event, Queued)
        if isinstance(event, Finished | Failed):
            pending.retries = -1
        pending.events.put_nowait(event)
        return pending.begun

    def errand(self) -> tuple[int, asyncio.Future[ModelInfo]]:
        """A number for an errand and what will hold its outcome."""
        ticket = next(self._numbers)
        future = self._errands[ticket] = asyncio.get_running_loop().create_future()
        return ticket, future

    def settle(self, ticket: int, outcome: ModelInfo | EngineError) -> None:
        """The errand with this number was done, or declined."""
        future = self._errands.pop(ticket, None)
        if future is None or future.done():
            return
        if isinstance(outcome, EngineError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def lose(self, lost: WorkerLostError) -> None:
        """The worker died. What was running loses a retry, errands fail: one may have killed it."""
        for pending in self:
            running = pending.begun and not pending.over
            pending.retries -= running
            if running and pending.over:
                pending.fail(lost)
            pending.begun = False
        for ticket in list(self._errands):
            self.settle(ticket, lost)

    def end(self, error: EngineError) -> None:
        """Nothing will be answered any more."""
        for pending in self:
            if not pending.over:
                pending.fail(error)
        for ticket in list(self._errands):
            self.settle(ticket, error)
