"""Pictures from containers in the form that was asked for. Knows no HTTP and no table."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from io import BytesIO

from friendli_wire import B64ImageItem, DedicatedImageGenerateSuccess, URLImageItem
from friendli_wire.dedicated import DedicatedResponseFormat
from PIL import Image

from friendli_server.dedicated.replicas.container import ContainerPicture


def linked(
    pictures: Sequence[ContainerPicture], urls: Sequence[str]
) -> DedicatedImageGenerateSuccess:
    """An answer that says where the pictures are."""
    items = [
        URLImageItem(
            seed=picture.seed,
            response_format="url",
            url=url,
            width=picture.width,
            height=picture.height,
        )
        for picture, url in zip(pictures, urls, strict=True)
    ]
    return DedicatedImageGenerateSuccess(data=items)


async def inline(
    pictures: Sequence[ContainerPicture], wanted: DedicatedResponseFormat
) -> DedicatedImageGenerateSuccess:
    """An answer that holds the pictures, which are PNG files if raw pixels are `wanted`."""
    items = [
        B64ImageItem(
            seed=picture.seed,
            response_format=wanted,
            b64_json=await _encoded(picture, wanted),
            width=picture.width,
            height=picture.height,
        )
        for picture in pictures
    ]
    return DedicatedImageGenerateSuccess(data=items)


async def _encoded(picture: ContainerPicture, wanted: DedicatedResponseFormat) -> bytes:
    if wanted != "raw":
        return picture.base64
    return await asyncio.to_thread(raw_of_png, picture.base64)


def raw_of_png(encoded: bytes) -> bytes:
    """Base64 of row-major RGB8, top row first, from base64 of a PNG."""
    with Image.open(BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as image:
        return base64.b64encode(image.convert("RGB").tobytes())
