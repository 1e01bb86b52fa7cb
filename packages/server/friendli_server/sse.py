"""Framing of server-sent events (WHATWG HTML, section 9.2). Knows no event by name."""

from __future__ import annotations

COMMENT = b": still here\n\n"
"""Keeps proxies from closing a silent stream; clients ignore it."""


def frame(event: str, data: bytes) -> bytes:
    """One event; `data` is JSON, which holds no raw line break."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)
