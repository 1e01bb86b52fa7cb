"""The words for where weights lie: `s3://bucket/prefix`, `./folder#sha256=HEX`, a hub id.

Knows what a place is called and how it is pinned, not what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

STORES = ("s3://", "gs://", "az://", "file://")
WEIGHTS = (".safetensors", ".gguf")
"""What a network's weights lie in. Formats that may run code when read are not among them."""
_PIN = "#sha256="
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SCALE = re.compile(r"@(?P<scale>-?\d+(\.\d+)?)$")


Progress = Callable[[str, int, int], None]
"""Told what is at work, and how many bytes of all are done."""


class WeightsError(Exception):
    """Weights are not there, not what they should be, or out of reach; the text is one line."""


@dataclass(frozen=True)
class Place:
    """Where weights lie, and the digest that they must have."""

    where: str
    """A URL of a store, a path, or a hub id."""
    pin: str | None = None
    """Of the file, or of the `SHA256SUMS` of a directory: 64 hexadecimal digits."""

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises WeightsError: what follows `#sha256=` is no digest, or the place names nothing."""
        where, pinned, pin = text.partition(_PIN)
        if pinned and not _DIGEST.fullmatch(pin.lower()):
            raise WeightsError(f"{where}: {_PIN} must be followed by 64 hexadecimal digits.")
        place = cls(where, pin.lower() or None)
        if place.remote and not place.name:
            raise WeightsError(f"{where}: a bucket must be named.")
        return place

    @property
    def remote(self) -> bool:
        """Whether it is to be fetched from a store."""
        return self.where.startswith(STORES)

    @property
    def is_file(self) -> bool:
        """Whether it is one file, going by its name."""
        return self.where.endswith(WEIGHTS)

    @property
    def folder(self) -> str:
        """The folder of a file; of a folder, itself."""
        return self.where.rpartition("/")[0] if self.is_file else self.where.rstrip("/")

    @property
    def name(self) -> str:
        """The last word of it: what a model is called by."""
        url = urlsplit(self.where)
        return PurePosixPath(unquote(url.path)).name or url.netloc


def without_scale(text: str) -> tuple[str, str]:
    """An adapter's place and its scale, "@0.8" or nothing, as `--adapter ROUTE=PLACE@SCALE`."""
    found = None if Path(text).exists() else _SCALE.search(text)
    return (text[: found.start()], found[0]) if found else (text, "")
