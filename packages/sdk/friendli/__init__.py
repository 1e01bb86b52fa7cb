"""The open, drop-in Friendli client for images.

    from friendli import SyncFriendli

    with SyncFriendli() as friendli:
        friendli.container.image.generate(prompt="a red car").save("car.jpg")

Importing this module loads almost nothing; HTTP and validation come with the first use. It knows
nothing of servers and models: it builds requests, sends them and reads the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from friendli import _lazy
from friendli._version import VERSION

if TYPE_CHECKING:
    from friendli import core, hooks, httpclient, models, types, utils
    from friendli._async.client import AsyncFriendli
    from friendli._sync.client import SyncFriendli

__all__ = [
    "VERSION",
    "AsyncFriendli",
    "SyncFriendli",
    "core",
    "hooks",
    "httpclient",
    "models",
    "types",
    "utils",
]

_HOMES = {
    "AsyncFriendli": "friendli._async.client",
    "SyncFriendli": "friendli._sync.client",
    **dict.fromkeys(("core", "hooks", "httpclient", "models", "types", "utils")),
}


def __getattr__(name: str) -> Any:
    return _lazy.load(__name__, name, homes=_HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
