"""Pixels to the bytes of a picture file. Blocking: call it off the event loop.

Knows nothing about HTTP; reading pictures is the intake's business.
"""

from __future__ import annotations

from io import BytesIO
from typing import Literal

from friendli_engine.request import Pixels
from PIL import Image

Format = Literal["raw", "jpeg"]
MEDIA_TYPES: dict[Format, str] = {"raw": "application/octet-stream", "jpeg": "image/jpeg"}


def encode(pixels: Pixels, format: Format, *, quality: int = 92) -> bytes:  # noqa: A002
    """The picture as a file; `raw` is row-major 8-bit RGB, top row first, without a header.

    Args:
        pixels: the picture.
        format: what to make of it.
        quality: of lossy formats, 1 .. 100.
    """
    if format == "raw":
        return pixels.data
    out = BytesIO()
    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.data)
    image.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()
