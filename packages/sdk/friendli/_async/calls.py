"""From an operation and arguments to its result or its events, over one transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from friendli_wire import ProgressEvent
from httpx2 import EventSource

from friendli import calls
from friendli._async.transport import AsyncTransport, failures
from friendli.calls import CallOptions
from friendli.configuration import SDKConfiguration
from friendli.errors import NoResponseError, SDKError, transport_error
from friendli.operations import Operation, R
from friendli.results import ON_THE_WAY
from friendli.types import OptionalNullable

_EVENTS = "text/event-stream"
OnProgress = Callable[[ProgressEvent], object]


class AsyncCalls:
    """Everything the resources of one client share."""

    def __init__(self, configuration: SDKConfiguration) -> None:
        self._configuration = configuration
        self._transport = AsyncTransport(configuration)

    async def aclose(self) -> None:
        """Close the client's own connections."""
        await self._transport.aclose()

    async def send(
        self,
        operation: Operation[R],
        *,
        fields: dict[str, Any] | None = None,
        validate: bool = True,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        team: OptionalNullable[str] = None,
        options: CallOptions,
    ) -> R:
        """Call an operation and read its answer."""
        content = None if fields is None else operation.encode(fields, validate=validate)
        call = calls.prepare(
            self._configuration,
            operation,
            content=content,
            path=path,
            query=query,
            team=team,
            options=options,
            own_timeout=self._transport.owned,
        )
        return calls.result_of(operation, await self._transport.send(call))

    async def events(
        self,
        operation: Operation[R],
        fields: dict[str, Any],
        *,
        validate: bool = True,
        team: OptionalNullable[str] = None,
        options: CallOptions,
    ) -> AsyncGenerator[Any, None]:
        """Call an operation and yield its events; closing the generator cancels the job."""
        content = operation.encode(fields, validate=validate)
        call = calls.prepare(
            self._configuration,
            operation,
            content=content.removesuffix(b"}") + b',"stream":true}',
            team=team,
            accept=_EVENTS,
            options=options,
            own_timeout=self._transport.owned,
        )
        response = await self._transport.send(call, stream=True)
        try:
            if not calls.is_of(response, _EVENTS):  # not every server streams
                await response.aread()
                answer: Any = calls.result_of(operation, response)
                yield operation.finished.model_construct(**dict(answer))
                return
            async for event in EventSource(response, max_event_size=None):
                if event.event == "error":
                    raise SDKError("API error occurred", response, event.data)
                if event.event == "finished":
                    yield operation.finished.model_validate_json(event.data)
                elif event.event in ON_THE_WAY:
                    yield ON_THE_WAY[event.event].model_validate_json(event.data)
        except failures() as failure:
            raise transport_error(failure, url=call.url, tries=1) from failure
        finally:
            await response.aclose()


async def picture(events: AsyncGenerator[Any, None], on_progress: OnProgress) -> Any:
    """Follow a stream to its result, telling each progress."""
    async for event in events:
        if isinstance(event, ProgressEvent):
            on_progress(event)
        elif event.event == "finished":
            return event
    raise NoResponseError("The stream ended before the picture came")
