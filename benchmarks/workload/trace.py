"""The requests that every contender is given: mixed steps, guidance, adapters, controls and edits.

A trace is drawn from a seed, so that all contenders get the same. Arrivals are a Poisson process in
units of the mean time that plain diffusers takes for a picture (given their number, its moments are
uniform); who replays it says how long that unit is and how much of that capacity is asked for. It
knows no engine, no server and no clock.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Any, TypeVar

import friendli_postcard
from friendli_engine.request import ImageRequest, Pixels
from PIL import Image, ImageDraw

STEPS = (1, 4, 10, 20, 50)
GUIDANCE = (2.5, 3.5, 5.0)
ROUTES = tuple(
    sorted(file.stem for file in friendli_postcard.path().glob("adapters/*.safetensors"))
)
KINDS = ("plain",) * 6 + (*ROUTES, "control", "edit")
COLOURS = ("red", "blue", "green", "yellow", "white", "purple", "orange", "black")
THINGS = ("car", "boat", "house", "dog", "cat", "bicycle", "balloon", "tree", "rocket", "fish")
PLACES = ("in the snow", "on a beach", "in a forest", "in the desert", "by a lake", "at night")
SIDE = 256

T = TypeVar("T")


@dataclass(frozen=True)
class Ask:
    """One request of a trace and when it comes, in units of a mean picture."""

    at: float
    request: ImageRequest


def trace(count: int, *, seed: int = 8) -> list[Ask]:
    """`count` requests; steps, guidance and kinds come equally often, in random order."""
    dice = Random(seed)
    rows = zip(
        _shuffled(STEPS, count, dice),
        _shuffled(GUIDANCE, count, dice),
        _shuffled(KINDS, count, dice),
        strict=True,
    )
    moments = sorted(dice.uniform(0, count) for _ in range(count))
    return [
        Ask(at, _request(number, *row, dice))
        for number, (at, row) in enumerate(zip(moments, rows, strict=True))
    ]


def _shuffled(values: Sequence[T], count: int, dice: Random) -> list[T]:
    drawn = list(islice(cycle(values), count))
    dice.shuffle(drawn)
    return drawn


def _request(number: int, steps: int, guidance: float, kind: str, dice: Random) -> ImageRequest:
    words = dice.choice(COLOURS), dice.choice(THINGS), dice.choice(PLACES)
    given = (drawing(number),)
    return ImageRequest(
        id=f"{number}",
        prompt="A {} {} {}".format(*words),
        seed=dice.randrange(2**31),
        steps=steps,
        guidance=guidance,
        adapter=kind if kind in ROUTES else None,
        images=given if kind == "edit" else (),
        control_images=given if kind == "control" else (),
    )


def drawing(number: int) -> Pixels:
    """A picture to edit or to follow: three coloured shapes on a plain ground."""
    dice, side = Random(number), SIDE
    image = Image.new("RGB", (side, side), (210, 220, 230))
    draw = ImageDraw.Draw(image)
    for shape in (draw.ellipse, draw.rectangle, draw.ellipse):
        x, y, size = (dice.randrange(side // 2) for _ in range(3))
        shape((x, y, x + size + 16, y + size + 16), fill=tuple(dice.choices(range(256), k=3)))
    return Pixels(side, side, image.tobytes())


def body(request: ImageRequest) -> dict[str, Any]:
    """The request as the container's JSON, answered with the bytes of the pixels."""
    wire: dict[str, Any] = {
        "prompt": request.prompt,
        "seed": request.seed,
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance,
        "response_format": "raw",
    }
    if request.adapter:
        wire["model"] = request.adapter
    if request.control_images:
        wire["control_images"] = [{"image": png(pixels)} for pixels in request.control_images]
    if request.images:
        wire["image"] = {"image": png(request.images[0])}
    return wire


def from_body(wire: dict[str, Any]) -> ImageRequest:
    """The request of a `body`, for servers that have no intake of their own."""
    given = wire.get("image")
    return ImageRequest(
        id="",
        prompt=wire["prompt"],
        seed=wire["seed"],
        steps=wire["num_inference_steps"],
        guidance=wire["guidance_scale"],
        adapter=wire.get("model"),
        images=(pixels_of(given["image"]),) if given else (),
        control_images=tuple(pixels_of(i["image"]) for i in wire.get("control_images", ())),
    )


def png(pixels: Pixels) -> str:
    """Base64 of a PNG file."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (pixels.width, pixels.height), pixels.data).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def pixels_of(text: str) -> Pixels:
    """The pixels of a `png`."""
    image = Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")
    return Pixels(image.width, image.height, image.tobytes())
