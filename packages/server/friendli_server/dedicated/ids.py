"""Names of things and secrets that grant access. Knows no table and no route.

A secret is shown once; what stays is its SHA-256. It is 160 random bits, so a slow password hash
would guard nothing that a fast one does not.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"

USER_TOKEN: Final = "flp_"  # noqa: S105 - a prefix, the public half of the token's form
ADMIN_TOKEN: Final = "fla_"  # noqa: S105


def random_id(prefix: str = "") -> str:
    """`prefix` and twelve lower-case letters or digits (62 bits)."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def new_secret(prefix: str) -> str:
    """`prefix` and 160 random bits in hexadecimal."""
    return prefix + secrets.token_hex(20)


def digest(secret: str) -> str:
    """What the database keeps of a secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
