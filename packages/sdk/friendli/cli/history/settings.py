"""Where the history lies and how much of it is kept, from the environment.

`FRIENDLI_HISTORY` is a folder, or `off`; `FRIENDLI_HISTORY_KEEP` the number of pictures, 0 for all.
"""

from __future__ import annotations

import os
from pathlib import Path

from friendli.cli.history.store import History
from friendli.cli.trouble import USAGE, Trouble

FOLDER, KEEP = "FRIENDLI_HISTORY", "FRIENDLI_HISTORY_KEEP"
KEPT = 1000
"""Pictures, unless the environment says otherwise."""


def opened() -> History | None:
    """The history, to be used in a `with`; None where it is switched off."""
    folder = os.environ.get(FOLDER, "")
    if folder.lower() in ("off", "0", "no", "false"):
        return None
    return History(Path(folder).expanduser() if folder else _default(), keep=_keep())


def _default() -> Path:
    import platformdirs  # noqa: PLC0415  # an extra's

    return platformdirs.user_data_path("friendli", appauthor=False) / "history"


def _keep() -> int:
    given = os.environ.get(KEEP) or str(KEPT)
    if not given.isdigit():
        raise Trouble(f"{KEEP} must be a number of pictures, not {given!r}.", status=USAGE)
    return int(given)
