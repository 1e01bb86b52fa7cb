"""Raw rows of a container to PNG. Knows no HTTP; slow enough to belong in a thread."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from friendli_server.dedicated.replicas.container import ContainerPicture
from friendli_server.errors import ApiError


def png_of_raw(picture: ContainerPicture) -> bytes:
    """Base64 of a PNG with the pixels of a raw RGB8 picture."""
    rows = base64.b64decode(picture.base64)
    width, height = picture.width or 0, picture.height or 0
    if not rows or len(rows) != width * height * 3:
        raise ApiError("bad_replica_answer")
    out = BytesIO()
    Image.frombytes("RGB", (width, height), rows).save(out, "PNG", compress_level=1)
    return base64.b64encode(out.getvalue())
