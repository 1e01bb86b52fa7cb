"""Names that are imported when first used (PEP 562). Knows no name itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any


def load(package: str, name: str, *, homes: Mapping[str, str | None]) -> Any:
    """Import `name` from its home, or as a submodule where the home is None, and keep it."""
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    home = homes[name]
    found = getattr(import_module(home), name) if home else import_module(f"{package}.{name}")
    setattr(sys.modules[package], name, found)
    return found
