"""Asks a server for pictures, all at once, and tells a `Watch` what happens meanwhile.

Knows neither terminal nor files. Cancelling the task closes every stream, and with it the work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from friendli import AsyncFriendli, models
from friendli.cli.place import Place, unknown
from friendli.cli.wish import Made, Wish
from friendli.results import FinishedEvent, PreviewEvent


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
    base = (await asyncio.to_thread(place.models) or [{}])[0]
    async with AsyncFriendli(server_url=place.url, token=place.token or "") as friendli:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(
                        _one(friendli, wish.preferring(base), index=i, watch=watch, raw=raw)
                    )
                    for i, wish in enumerate(wishes)
                ]
        except* models.SDKError as failed:
            raise _explained(failed.exceptions[0], place, wishes[0]) from None
    model = str(base.get("id", ""))
    return [_made(*task.result(), place=place, model=model, raw=raw) for task in tasks]


async def _one(
    friendli: AsyncFriendli, wish: Wish, *, index: int, watch: Watch, raw: bool
) -> tuple[Wish, FinishedEvent, float]:
    started = time.perf_counter()
    stream = friendli.container.image.stream(
        response_format="raw" if raw else "jpeg", **wish.fields()
    )
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
                    return wish, event, time.perf_counter() - started
    raise models.NoResponseError("The stream ended before the picture came.")


def _explained(failure: BaseException, place: Place, wish: Wish) -> BaseException:
    if isinstance(failure, models.SDKError) and failure.error.get("code") == "model_not_found":
        return unknown(place, wish.model or "")
    return failure


def _made(
    wish: Wish, event: FinishedEvent, seconds: float, *, place: Place, model: str, raw: bool
) -> Made:
    return Made(
        wish=replace(wish, seed=event.seed),
        content=event.content,
        raw=raw,
        width=event.width or 0,
        height=event.height or 0,
        seconds=seconds,
        server="embedded" if place.inside else place.url,
        model=model,
    )
