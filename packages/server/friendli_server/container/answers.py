"""From finished pictures to the bytes of an answer. Blocking: call it off the event loop.

Builds the JSON around the base64 text instead of passing megabytes through a serialiser.
"""

from __future__ import annotations

import json
from binascii import b2a_base64

from .job import Picture


def friendli(picture: Picture) -> bytes:
    """`{"image": base64}` and, beyond the contract, seed, width, height and format."""
    rest = {
        "seed": picture.seed,
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
    }
    return b'{"image":"%s",%s' % (to_base64(picture.data), json.dumps(rest).encode()[1:])


def to_base64(data: bytes) -> bytes:
    """Base64 text without line breaks."""
    return b2a_base64(data, newline=False)
