"""Pixels to the bytes of a picture file. Blocking: call it off the event loop.

Knows nothing about HTTP; reading pictures is the intake's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

from friendli_engine.request import Pixels
from PIL import Image
from PIL.PngImagePlugin import PngInfo

Format = Literal["raw", "jpeg", "png", "webp"]
MEDIA_TYPES: dict[Format, str] = {
    "raw": "application/octet-stream",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
_EXIF, _USER_COMMENT = 0x8769, 0x9286


@dataclass(frozen=True)
class Encoding:
    """What kind of file a picture becomes; `quality`, 1 .. 100, is for the lossy ones."""

    format: Format
    quality: int = 92


def encode(pixels: Pixels, encoding: Encoding, *, parameters: str | None = None) -> bytes:
    """The picture as a file; `raw` is row-major 8-bit RGB, top row first, without a header.

    Args:
        pixels: the picture.
        encoding: what to make of it.
        parameters: how it was made, for whoever looks into the file; raw has no place for it.
    """
    if encoding.format == "raw":
        return pixels.data
    out = BytesIO()
    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.data)
    image.save(out, encoding.format.upper(), **_OPTIONS[encoding.format](encoding, parameters))
    return out.getvalue()


def _jpeg(encoding: Encoding, parameters: str | None) -> dict[str, Any]:
    return {"quality": encoding.quality, "subsampling": 0, **_exif(parameters)}


def _png(encoding: Encoding, parameters: str | None) -> dict[str, Any]:
    del encoding  # lossless; level 1 takes a fifth of the time for a tenth more bytes
    info = PngInfo()
    if parameters:
        info.add_itxt("parameters", parameters)
    return {"compress_level": 1, "pnginfo": info}


def _webp(encoding: Encoding, parameters: str | None) -> dict[str, Any]:
    return {"quality": encoding.quality, "method": 2, **_exif(parameters)}


def _exif(parameters: str | None) -> dict[str, Any]:
    """The user comment is the field for free text in any language (EXIF 2.3, section 4.6.5)."""
    if not parameters:
        return {}
    exif = Image.Exif()
    comment = b"UNICODE\0" + parameters.encode("utf-16-be")
    exif.get_ifd(_EXIF)[_USER_COMMENT] = comment[:60_000]  # an EXIF block ends at 64 KiB
    return {"exif": exif}


_OPTIONS: dict[Format, Callable[[Encoding, str | None], dict[str, Any]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
}
