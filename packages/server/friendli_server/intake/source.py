"""What a picture in a request is: a URL to fetch, or base64 with or without a data URI around it.

Pure functions; knows no network and no picture format.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from friendli_server.errors import ApiError

MAX_BYTES = 50 * 2**20
MAX_URL = 2048
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}", re.IGNORECASE)
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
"""ASCII without space, control characters and the backslash, on which parsers disagree."""


@dataclass(frozen=True)
class Target:
    """A parsed URL; what is dialled is made of this and never of the text again."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"

    def follow(self, location: str) -> Target:
        """Where a redirect leads.

        Raises:
            ApiError: nowhere that may be fetched.
        """
        return target(urljoin(f"{self.scheme}://{self.authority}{self.path}", location))


def is_url(source: str) -> bool:
    """Whether `source` names a place rather than being the picture."""
    return bool(_SCHEME.match(source)) and source[:5].lower() != "data:"


def target(url: str) -> Target:
    """The parsed URL.

    Raises:
        ApiError: it is not a plain http or https URL.
    """
    if len(url) > MAX_URL or not _PRINTABLE.fullmatch(url):
        raise ApiError("invalid_image_url", "The image URL is too long or has odd characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ApiError("invalid_image_url") from None
    if parts.scheme not in ("http", "https"):
        raise ApiError("invalid_image_url", "Image URLs begin with http:// or https://.")
    host = parts.hostname or ""
    if "@" in parts.netloc or "%" in parts.netloc or not _HOST.fullmatch(host) or port == 0:
        raise ApiError("invalid_image_url", "The host of the image URL is not valid.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or {"http": 80, "https": 443}[parts.scheme], path)


def decode_base64(source: str) -> bytes:
    """The bytes in base64 text, with or without `data:…;base64,` before it.

    Raises:
        ApiError: they are not, or there are more than 50 MiB of them.
    """
    if source[:5].lower() == "data:":
        head, comma, source = source.partition(",")
        if not comma or not head[:200].lower().endswith(";base64"):
            raise ApiError("invalid_base64_image", "The data URI must be ;base64, and a comma.")
    if len(source) > MAX_BYTES * 4 // 3 + 1024:
        raise ApiError("image_too_large", "The image is larger than 50 MiB.")
    try:
        text = "".join(source.split()).encode("ascii").rstrip(b"=")
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        raise ApiError("invalid_base64_image") from None
