"""Which client this is. The public version is that of the client whose surface it offers."""

from __future__ import annotations

OWN_VERSION = "0.1.0"
VERSION = f"0.16.3+image.{OWN_VERSION}"
USER_AGENT = f"friendli-image/{OWN_VERSION}"
