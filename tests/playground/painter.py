"""An engine that paints landscapes: the protocol's every event, colours that tell the parameters.

It stands in for a model where a browser test needs pictures one can tell apart, not a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random

from friendli_engine.capability import check
from friendli_engine.errors import EngineError
from friendli_engine.protocol import Loading, Stats
from friendli_engine.request import (
    Event,
    Finished,
    ImageRequest,
    ModelInfo,
    Pixels,
    Preview,
    Progress,
    Queued,
)
from PIL import Image, ImageDraw, ImageFilter, ImageOps

SIDE = 256
INFO = ModelInfo(
    id="painter",
    family="painter",
    width=SIDE,
    height=SIDE,
    steps=20,
    guidance=3.5,
    adapters=("ink", "neon"),
    edits=True,
    inpaints=True,
    controlnets=("edges", "layout"),
)


def paint(request: ImageRequest) -> Image.Image:
    """Hills whose shape follows the seed, with a sun whose size follows the guidance."""
    random = Random(request.seed)
    if request.images:
        return negative(request.images[0], request.mask)
    image = Image.new("RGB", (SIDE, SIDE), f"hsl({random.randrange(360)}, 60%, 80%)")
    draw = ImageDraw.Draw(image)
    x, radius = random.randrange(40, SIDE - 40), 12 + 2 * (request.guidance or 0)
    draw.ellipse((x - radius, 60 - radius, x + radius, 60 + radius), fill="#fff3c4")
    for layer in range(4):
        base, hue = 120 + 35 * layer, random.randrange(360)
        ridge = [(x, base + random.randrange(-26, 26)) for x in range(-16, SIDE + 33, 32)]
        draw.polygon(
            [*ridge, (SIDE + 32, SIDE), (-16, SIDE)], fill=f"hsl({hue}, 35%, {62 - 9 * layer}%)"
        )
    return image


def negative(given: Pixels, mask: Pixels | None) -> Image.Image:
    """An edit: what was light is dark, where the mask is white."""
    image = picture_of(given)
    where = picture_of(mask).convert("L") if mask else Image.new("L", image.size, "white")
    return Image.composite(ImageOps.invert(image), image, where)


def picture_of(given: Pixels) -> Image.Image:
    """What the engine was given, as a picture."""
    return Image.frombytes("RGB", (given.width, given.height), given.data)


def pixels(image: Image.Image) -> Pixels:
    """The picture as the engine sends it."""
    return Pixels(image.width, image.height, image.tobytes())


@dataclass
class Painter:
    """The engine's protocol. With a `gate`, every step waits until it is released once."""

    info: ModelInfo = INFO
    state: str = "ready"
    loading: Loading | None = None
    pause: float = 0.0
    gate: asyncio.Semaphore | None = None
    fails: EngineError | None = None
    told: Stats = field(default_factory=Stats)
    asked: list[ImageRequest] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def generate(self, request: ImageRequest) -> AsyncIterator[Event]:
        """Every event that a real engine sends, a preview after each step."""
        check(request, self.info)
        self.asked.append(request)
        self._tell()
        image, finished = paint(request), False
        try:
            yield Queued(request.id, 2, 0.5)
            for step in range(1, request.steps + 1):
                await self._turn()
                blur = ImageFilter.GaussianBlur(24 * (1 - step / request.steps))
                yield Preview(request.id, step, pixels(image.filter(blur).resize((32, 32))))
                left = self.pause * (request.steps - step)
                yield Progress(request.id, step, request.steps, left)
            finished = True
            yield Finished(request.id, pixels(image), 0.1)
        finally:
            if not finished:
                self.cancelled.append(request.id)
                self._tell()

    async def until(self, condition: Callable[[], object]) -> None:
        """Return once `condition()` holds; raise TimeoutError if that takes half a minute."""
        async with asyncio.timeout(30):
            while not condition():
                await self.changed.wait()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def _turn(self) -> None:
        if self.gate:
            await self.gate.acquire()
        if self.fails:
            raise self.fails
        await asyncio.sleep(self.pause)

    def stats(self) -> Stats:
        """What a test makes of them."""
        return self.told
