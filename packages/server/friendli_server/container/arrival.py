"""From the places that settings name to paths on this machine, before the engine starts.

Hub ids stay: the engine fetches those itself. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from friendli_server.settings import ContainerSettings
from friendli_server.weights.place import Place, without_scale
from friendli_server.weights.verify import verify


@dataclass(frozen=True)
class Arrival:
    """How far the weights have come."""

    phase: Literal["downloading", "verifying", "adapters"]
    what: str = ""
    """The file at work."""
    done: int = 0
    """Bytes of the place that it belongs to."""
    total: int = 0


Tell = Callable[[Arrival], None]


async def arrived(settings: ContainerSettings, *, cache: Path, tell: Tell) -> ContainerSettings:
    """The same settings with paths in the place of places in stores; `tell` hears of the way.

    Raises:
        WeightsError: weights are not there, or not what they should be.
    """
    if settings.model == "postcard":
        model = settings.model
    else:
        model = await _path(settings.model, cache, tell)
    adapters = {}
    for route, text in settings.adapter.items():
        place, scale = without_scale(text)
        adapters[route] = await _path(place, cache, tell) + scale
    nets = {name: await _path(text, cache, tell) for name, text in settings.controlnet.items()}
    return settings.model_copy(update={"model": model, "adapter": adapters, "controlnet": nets})


async def _path(text: str, cache: Path, tell: Tell) -> str:
    place = Place.parse(text)
    if not place.remote:
        await verify(place, progress=partial(_pass_on, tell, "verifying"))
        return place.where
    tell(Arrival("downloading"))
    from friendli_server.weights.fetch import fetch  # noqa: PLC0415  # most need no store

    return str(await fetch(place, cache=cache, progress=partial(_pass_on, tell, "downloading")))


def _pass_on(
    tell: Tell, phase: Literal["downloading", "verifying"], what: str, done: int, total: int
) -> None:
    tell(Arrival(phase, what, done, total))
