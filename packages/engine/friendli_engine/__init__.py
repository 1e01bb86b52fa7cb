"""Step-level continuous batching for every stock diffusers pipeline.

`from friendli_engine import Engine, load` for pictures in this process, `EngineClient` for a
supervised process of their own. Names are loaded when first used, so that importing this package
brings no torch into a process that only talks to a worker.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import EngineClient as EngineClient
    from .client import InlineClient as InlineClient
    from .engine import Engine as Engine
    from .loading import load as load
    from .request import ImageRequest as ImageRequest
    from .request import Pixels as Pixels

_HOMES = {
    "Engine": "engine",
    "EngineClient": "client",
    "ImageRequest": "request",
    "InlineClient": "client",
    "Pixels": "request",
    "load": "loading",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605

# Threads that wait for work by spinning take the cores from whatever else runs: ten times slower on
# two shared cores. OpenMP reads this once, when torch is loaded, so it must be said before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
