"""Links to pictures that expire and cannot be altered. Knows neither store nor database.

A link carries the path, the moment it ends and a signature over both (HMAC-SHA-256 through
itsdangerous), so any node with the same secret can serve it without asking anyone.
"""

from __future__ import annotations

import hashlib
import time
from typing import Final
from urllib.parse import urlencode

from itsdangerous import Signer

CLOCK_SKEW_SECONDS: Final = 60
_now = time.time


class LinkSigner:
    """Makes and judges links with one secret."""

    def __init__(self, secret: str, *, lifetime: int) -> None:
        """`lifetime` is in seconds."""
        self._signer = Signer(
            secret, salt="result-link", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self.lifetime = lifetime

    def query(self, path: str) -> str:
        """The query string that opens `path` until `lifetime` from now."""
        expires = int(_now()) + self.lifetime
        return urlencode({"expires": expires, "signature": self._sign(path, expires)})

    def is_genuine(self, path: str, *, expires: int, signature: str) -> bool:
        """Whether we signed exactly this path and this end."""
        value = f"{path}\n{expires}".encode()
        try:
            return self._signer.verify_signature(value, signature.encode("ascii"))
        except UnicodeEncodeError:
            return False

    def _sign(self, path: str, expires: int) -> str:
        return self._signer.get_signature(f"{path}\n{expires}").decode()


def is_over(expires: int) -> bool:
    """Whether a link has ended, with a minute of grace for nodes whose clocks differ."""
    return _now() > expires + CLOCK_SKEW_SECONDS
