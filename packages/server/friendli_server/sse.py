"""Framing of server-sent events (WHATWG HTML, section 9.2). Knows no event by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

COMMENT = b": still here\n\n"
"""Keeps proxies from closing a silent stream; clients ignore it."""


def frame(event: str, data: bytes) -> bytes:
    """One event; `data` is JSON, which holds no raw line break."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


async def unbroken(frames: AsyncIterator[bytes], *, silence: float) -> AsyncIterator[bytes]:
    """`frames`, with a comment after every `silence` seconds in which none came."""
    while True:
        coming = asyncio.ensure_future(anext(frames, None))
        try:
            while not (await asyncio.wait({coming}, timeout=silence))[0]:
                yield COMMENT
        finally:
            if not coming.done():
                coming.cancel()
        if (frame := coming.result()) is None:
            return
        yield frame
