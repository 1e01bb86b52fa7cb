"""Where the history lies: `FRIENDLI_HISTORY`, or the user's data folder.

Imports next to nothing, since every verb begins with `tell_servers`.
"""

from __future__ import annotations

import os

FOLDER = "FRIENDLI_HISTORY"


def folder() -> str:
    """The folder, or the word that switches the history off."""
    return os.environ.get(FOLDER) or _default()


def tell_servers() -> None:
    """Say where in the environment, for a server that this process becomes or starts."""
    os.environ[FOLDER] = folder()


def _default() -> str:
    import platformdirs  # noqa: PLC0415  # an extra's

    return str(platformdirs.user_data_path("friendli", appauthor=False) / "history")
