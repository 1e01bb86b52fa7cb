"""What can be done with a picture that came as base64: decode, save, show. Knows no HTTP.

Pillow is used where it is needed (`to_pil`, converting on `save`) and imported only then.
"""

from __future__ import annotations

import base64
import io
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_MAGIC = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n": "png", b"GIF8": "gif", b"BM": "bmp"}
_SUFFIXES = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp", ".gif": "gif"}


def kind_of(content: bytes) -> str | None:
    """The format of an encoded picture by its first bytes; None if it is none we know."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content[4:12] in (b"ftypavif", b"ftypavis"):
        return "avif"
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)


class Picture:
    """A result with a picture in it."""

    def _base64(self) -> bytes:
        raise NotImplementedError

    @cached_property
    def content(self) -> bytes:
        """The picture's bytes: a JPEG or PNG file, or row-major RGB8 for `raw`."""
        return base64.b64decode(self._base64())

    def to_pil(self) -> Image:
        """The picture as a Pillow image.

        Raises:
            ImportError: Pillow is not installed.
            ValueError: the answer is raw and did not tell its size.
        """
        try:
            from PIL import Image  # noqa: PLC0415  # an optional companion
        except ImportError as missing:
            raise ImportError("Pillow is needed here: pip install pillow") from missing
        if kind_of(self.content):
            return Image.open(io.BytesIO(self.content))
        if not (size := self._size()):
            raise ValueError("raw pixels without width and height cannot be shown")
        return Image.frombytes("RGB", size, self.content)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to `path` and return it.

        A suffix that names another format than the picture's converts it (with Pillow).
        """
        path = Path(path)
        wanted = _SUFFIXES.get(path.suffix.lower())
        if wanted in (None, kind_of(self.content)):
            path.write_bytes(self.content)
        else:
            self.to_pil().save(path, wanted)
        return path

    def _size(self) -> tuple[int, int] | None:
        width, height = getattr(self, "width", None), getattr(self, "height", None)
        return (width, height) if width and height else None

    def _repr_png_(self) -> bytes | None:
        return self._shown_as("png")

    def _repr_jpeg_(self) -> bytes | None:
        return self._shown_as("jpeg")

    def _shown_as(self, kind: str) -> bytes | None:
        found = kind_of(self.content)
        if found == kind:
            return self.content
        if found is not None or kind != "png" or not self._size():
            return None
        shown = io.BytesIO()
        self.to_pil().save(shown, "png")
        return shown.getvalue()


def shortened(encoded: bytes) -> str:
    """A base64 text for `repr`: its beginning and its size."""
    if len(encoded) <= 32:
        return repr(encoded)
    return f"<{len(encoded)} bytes of base64: {encoded[:16].decode('ascii', 'replace')}…>"
