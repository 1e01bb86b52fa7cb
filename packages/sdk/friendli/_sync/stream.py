"""A stream of events that can be closed early. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType
from typing import Any, Generic, TypeVar

EventT = TypeVar("EventT")


class SyncImageStream(Generic[EventT]):
    """The events of one job: queued, progress, preview, and finished as the last.

    Iterate over it. Leaving its `with` block, or `close()`, before the last event cancels the job.
    """

    def __init__(self, events: Generator[Any, None, None]) -> None:
        self._events = events

    def __iter__(self) -> SyncImageStream[EventT]:
        return self

    def __next__(self) -> EventT:
        event: EventT = self._events.__next__()
        return event

    def __enter__(self) -> SyncImageStream[EventT]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; the server stops working on the job."""
        self._events.close()
