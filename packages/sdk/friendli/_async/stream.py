"""A stream of events that can be closed early. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Generic, TypeVar

EventT = TypeVar("EventT")


class AsyncImageStream(Generic[EventT]):
    """The events of one job: queued, progress, preview, and finished as the last.

    Iterate over it. Leaving its `with` block, or `aclose()`, before the last event cancels the job.
    """

    def __init__(self, events: AsyncGenerator[Any, None]) -> None:
        self._events = events

    def __aiter__(self) -> AsyncImageStream[EventT]:
        return self

    async def __anext__(self) -> EventT:
        event: EventT = await self._events.__anext__()
        return event

    async def __aenter__(self) -> AsyncImageStream[EventT]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connection; the server stops working on the job."""
        await self._events.aclose()
