"""From finished pictures to the bytes of an answer. Blocking: call it off the event loop.

Builds the JSON around the base64 text instead of passing megabytes through a serialiser.
"""

from __future__ import annotations

import json
import time
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Any

from friendli_server.container.job import Picture
from friendli_server.container.superset import Form


def render(pictures: Sequence[Picture], form: Form, links: Sequence[str] = ()) -> bytes:
    """The answer in the shape that is due; with `links`, OpenAI's names those instead of data."""
    if form == "friendli":
        return friendli(pictures[0])
    if form == "openai":
        return openai(pictures, links)
    alone = friendli(pictures[0])
    return alone[:-1] + b"," + openai(pictures[:1])[1:]


def friendli(picture: Picture) -> bytes:
    """`{"image": base64}` and, beyond the contract, seed, width, height and format."""
    rest = {
        "seed": picture.seed,
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
    }
    return with_base64("image", picture.data, rest)


def openai(pictures: Sequence[Picture], links: Sequence[str] = ()) -> bytes:
    """`{"created", "data": [{"b64_json" | "url"}], "output_format", "size"}`.

    Never both of `url` and `b64_json`: clients that prefer the first may not be able to reach it.
    """
    rest: dict[str, Any] = {"created": int(time.time()), **about(pictures[0])}
    if links:
        items = [
            json.dumps({"url": link, "seed": p.seed})
            for link, p in zip(links, pictures, strict=False)
        ]
        data = ",".join(items).encode()
    else:
        data = b",".join(with_base64("b64_json", p.data, {"seed": p.seed}) for p in pictures)
    return b'{"data":[%s],%s' % (data, json.dumps(rest).encode()[1:])


def about(picture: Picture) -> dict[str, str]:
    """What OpenAI's answers and events say of a picture."""
    return {"output_format": picture.format, "size": f"{picture.width}x{picture.height}"}


def with_base64(key: str, data: bytes, rest: dict[str, Any]) -> bytes:
    """A JSON object of `rest` after `data` as base64 under `key`."""
    return b'{"%s":"%s",%s' % (key.encode(), to_base64(data), json.dumps(rest).encode()[1:])


def to_base64(data: bytes) -> bytes:
    """Base64 text without line breaks."""
    return b2a_base64(data, newline=False)
