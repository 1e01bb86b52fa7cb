"""From the engine's pixels to a finished picture that tells how it was made."""

from __future__ import annotations

import asyncio
from functools import partial

from friendli_engine.request import ImageRequest, ModelInfo, Pixels

from friendli_server import images
from friendli_server.container.job import Encode, Picture


def encoder(encoding: images.Encoding, info: ModelInfo, *, metadata: bool) -> Encode:
    """What turns pixels into files of one kind, with the parameters inside if `metadata`."""

    async def encode(pixels: Pixels, request: ImageRequest) -> Picture:
        text = parameters(request, info, pixels) if metadata else None
        work = partial(images.encode, pixels, encoding, parameters=text)
        data = work() if encoding.format == "raw" else await asyncio.to_thread(work)
        return Picture(data, encoding.format, pixels.width, pixels.height, request.seed)

    return encode


def parameters(request: ImageRequest, info: ModelInfo, pixels: Pixels) -> str:
    """The text that tools of the field read back: the prompt, then `Key: value` pairs."""
    scale = info.guidance if request.guidance is None else request.guidance
    pairs = {
        "Steps": request.steps,
        "CFG scale": f"{scale:g}",
        "Seed": request.seed,
        "Size": f"{pixels.width}x{pixels.height}",
        "Model": info.id,
        "Adapter": request.adapter,
    }
    told = ", ".join(f"{key}: {value}" for key, value in pairs.items() if value is not None)
    return f"{request.prompt}\n{told}"
