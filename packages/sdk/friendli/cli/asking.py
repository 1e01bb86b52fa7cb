"""Asks a server for pictures, all at once, and tells a `Watch` what happens meanwhile.

Knows neither terminal nor files. Cancelling the task closes every stream, and with it the work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from friendli import AsyncFriendli, models
from friendli.cli.place import Place, unknown
from friendli.cli.trouble import REFUSED, USAGE, Trouble
from friendli.cli.wish import Made, Wish
from friendli.results import B64ImageItem, DedicatedFinishedEvent, FinishedEvent, PreviewEvent

Picture = FinishedEvent | B64ImageItem


class Watch(Protocol):
    """Sees pictures come. `index` is the wish's place in the list."""

    def queued(self, index: int, position: int, eta: float | None) -> None:
        """`position` others are ahead; `eta` seconds are predicted."""

    def progress(self, index: int, step: int, steps: int, eta: float | None) -> None:
        """`step` of `steps` are done; `eta` seconds remain."""

    def preview(self, index: int, jpeg: bytes) -> None:
        """A rough picture."""

    def done(self, index: int) -> None:
        """The picture is there."""


async def make(
    place: Place, wishes: Sequence[Wish], *, watch: Watch, raw: bool = False
) -> list[Made]:
    """The pictures, in the order of the wishes.

    Args:
        place: where to ask.
        wishes: what to ask for.
        watch: is told what happens.
        raw: whether to get pixels instead of JPEG files.

    Raises:
        Trouble: the server has no such model.
        models.SDKError: it refused or failed.
        models.TransportError: it cannot be reached.
    """
    base = await asyncio.to_thread(_base, place, wishes[0])
    wishes = [wish.preferring(base) for wish in wishes]
    async with AsyncFriendli(server_url=place.url, token=place.token or "") as friendli:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(
                        _one(_stream(friendli, place, wish, raw=raw), index=i, watch=watch)
                    )
                    for i, wish in enumerate(wishes)
                ]
        except* models.SDKError as failed:
            raise _explained(failed.exceptions[0], place, wishes[0]) from None
    model = str(base.get("id", ""))
    return [
        _made(wish, *task.result(), place=place, model=model, raw=raw)
        for wish, task in zip(wishes, tasks, strict=True)
    ]


def _base(place: Place, wish: Wish) -> Mapping[str, Any]:
    """The base model, as far as the server tells; an endpoint is its own."""
    if not place.dedicated:
        return (place.models() or [{}])[0]
    if not wish.model:
        raise Trouble(
            "a gateway needs to know the endpoint.",
            then="Name it with --model ENDPOINT; `friendli endpoint list` shows them.",
            status=USAGE,
        )
    return {"id": wish.model}


def _stream(friendli: AsyncFriendli, place: Place, wish: Wish, *, raw: bool) -> Any:
    """The events of one picture, from a container or an endpoint."""
    fields = wish.fields() | {"response_format": "raw" if raw else "jpeg"}
    if place.dedicated:
        return friendli.dedicated.image.stream(**fields, x_friendli_team=place.team)
    return friendli.container.image.stream(**fields)


async def _one(stream: Any, *, index: int, watch: Watch) -> tuple[Picture, float]:
    started = time.perf_counter()
    async with aclosing(stream) as events:
        async for event in events:
            match event:
                case models.QueuedEvent():
                    watch.queued(index, event.position, event.eta)
                case models.ProgressEvent():
                    watch.progress(index, event.step, event.steps, event.eta)
                case PreviewEvent():
                    watch.preview(index, event.content)
                case FinishedEvent():
                    watch.done(index)
                    return event, time.perf_counter() - started
                case DedicatedFinishedEvent(data=[B64ImageItem() as item]):
                    watch.done(index)
                    return item, time.perf_counter() - started
    raise models.NoResponseError("The stream ended before the picture came.")


def _explained(failure: BaseException, place: Place, wish: Wish) -> BaseException:
    if not isinstance(failure, models.SDKError):
        return failure
    if place.dedicated and failure.status_code == 404:
        then = "`friendli endpoint list` shows the team's; --team names another team."
        return Trouble(f"there is no endpoint {wish.model!r}.", then=then, status=REFUSED)
    if failure.error.get("code") == "model_not_found":
        return unknown(place, wish.model or "")
    return failure


def _made(
    wish: Wish, picture: Picture, seconds: float, *, place: Place, model: str, raw: bool
) -> Made:
    return Made(
        wish=replace(wish, seed=picture.seed),
        content=picture.content,
        raw=raw,
        width=picture.width or 0,
        height=picture.height or 0,
        seconds=seconds,
        server="embedded" if place.inside else place.url,
        model=model,
    )
