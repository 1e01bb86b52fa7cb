"""A container's PNG to raw rows. Knows no HTTP; slow enough to belong in a thread."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image


def raw_of_png(encoded: bytes) -> bytes:
    """Base64 of row-major RGB8, top row first, from base64 of a PNG."""
    with Image.open(BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as image:
        return base64.b64encode(image.convert("RGB").tobytes())
