"""Pictures as people have them, turned into what the wire carries: `ImageInput`.

Reads files and encodes; fetches nothing (a URL travels as it is) and judges no content beyond
"is this a picture, and not too large".
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import friendli_wire as wire

from friendli.checks import ArgumentError
from friendli.picture import kind_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from friendli.models.typed_dicts import ImageInputTypedDict

LARGEST = 50 * 2**20
"""Bytes of one encoded picture, as the API documents it."""
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*")
_PNG_MODES = {"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"}
_ADDRESS = re.compile(r"(https?|s3|data):", re.IGNORECASE)

if TYPE_CHECKING:
    ImageLike = (
        str
        | os.PathLike[str]
        | bytes
        | IO[bytes]
        | Image
        | wire.ImageInput
        | ImageInputTypedDict
        | Mapping[str, str]
    )
    """A URL, data URI, base64, path, bytes, binary file, Pillow image, dict or `ImageInput`."""


def one_or_many(value: Any) -> Any:
    """`ImageInput`, or a list of them, for an `image=` argument."""
    if isinstance(value, list | tuple):
        return many(value, field="image")
    return one(value, at=("image",))


def many(values: Any, *, field: str) -> Any:
    """A list of `ImageInput`; null travels as it is."""
    if values is None:
        return None
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ArgumentError((field,), "give a list of pictures", values)
    return [one(value, at=(field, index)) for index, value in enumerate(values)]


def one(value: Any, *, at: tuple[str | int, ...]) -> Any:
    """One picture. `at` is the argument's place, for the error.

    Raises:
        ArgumentError: it is no picture, cannot be read or is larger than 50 MiB.
    """
    if isinstance(value, wire.ImageInput | Mapping):
        return value
    if isinstance(value, str) and (_ADDRESS.match(value) or _BASE64.fullmatch(value)):
        if _decoded_size(value) > LARGEST:
            raise ArgumentError(at, "the picture is larger than 50 MiB", value[:64])
        return wire.ImageInput(image=value)
    return wire.ImageInput(image=_data_uri(_read(value, at), at))


def _decoded_size(text: str) -> int:
    """The bytes in base64, with or without the beginning of a data URI."""
    encoded = len(text) - text.find(",") - 1
    return encoded * 3 // 4 - text.count("=", -2)


def _read(value: Any, at: tuple[str | int, ...]) -> bytes:
    if isinstance(value, str | os.PathLike):
        return _read_file(Path(value), at)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if hasattr(value, "read"):
        return _read_stream(value, at)
    if _is_pil(value):
        return _png(value, at)
    raise ArgumentError(at, f"a {type(value).__name__} is not a picture", value)


def _read_file(path: Path, at: tuple[str | int, ...]) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise ArgumentError(at, "the file is larger than 50 MiB", str(path))
        return path.read_bytes()
    except OSError as unreadable:
        why = unreadable.strerror or "cannot be read"
        raise ArgumentError(at, f"{path}: {why}", str(path)) from unreadable


def _read_stream(stream: Any, at: tuple[str | int, ...]) -> bytes:
    content = stream.read(LARGEST + 1)
    if isinstance(content, str):
        raise ArgumentError(at, "the file is open as text; open it with mode 'rb'", stream)
    return bytes(content)


def _is_pil(value: Any) -> bool:
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(value, pil.Image)


def _png(image: Image, at: tuple[str | int, ...]) -> bytes:
    encoded = io.BytesIO()
    try:
        drawn = image if image.mode in _PNG_MODES else image.convert("RGB")
        drawn.save(encoded, "png", compress_level=1)
    except (OSError, ValueError) as unwritable:
        message = f"a Pillow image of mode {image.mode} cannot travel: {unwritable}"
        raise ArgumentError(at, message, image) from unwritable
    return encoded.getvalue()


def _data_uri(content: bytes, at: tuple[str | int, ...]) -> str:
    kind = kind_of(content)
    if kind is None:
        raise ArgumentError(at, "not a picture (PNG, JPEG, WebP, GIF, AVIF or BMP)", content[:16])
    if len(content) > LARGEST:
        raise ArgumentError(at, "the picture is larger than 50 MiB", content[:16])
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
