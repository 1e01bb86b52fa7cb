"""From the engine's pixels to a finished picture that tells how it was made. Blocking."""

from __future__ import annotations

from functools import partial

from friendli_engine.request import ImageRequest, ModelInfo, Pixels

from friendli_server import images
from friendli_server.container.job import Encode, Picture


def encoder(encoding: images.Encoding, info: ModelInfo, *, metadata: bool) -> Encode:
    """What turns pixels into files of one kind, with the parameters inside if `metadata`."""
    return partial(_encode, encoding, info if metadata else None)


def _encode(
    encoding: images.Encoding, info: ModelInfo | None, pixels: Pixels, request: ImageRequest
) -> Picture:
    text = parameters(request, info, pixels) if info else None
    data = images.encode(pixels, encoding, parameters=text)
    return Picture(data, encoding.format, pixels.width, pixels.height, request.seed)


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
