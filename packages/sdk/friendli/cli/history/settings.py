"""Where the history lies and how much of it is kept, from the environment.

`FRIENDLI_HISTORY` is a folder, or `off`; `FRIENDLI_HISTORY_KEEP` the number of pictures, 0 for all.
"""

from __future__ import annotations

import os
from pathlib import Path

from friendli.cli.history import place
from friendli.cli.history.inbox import take_in
from friendli.cli.history.store import History
from friendli.cli.trouble import USAGE, Trouble

KEEP = "FRIENDLI_HISTORY_KEEP"
KEPT = 1000
"""Pictures, unless the environment says otherwise."""


def opened() -> History | None:
    """The history, to be used in a `with`; None where it is switched off.

    What a playground left for it is taken in.
    """
    folder = place.folder()
    if folder.lower() in ("off", "0", "no", "false"):
        return None
    history = History(Path(folder).expanduser(), keep=_keep())
    take_in(history)
    return history


def _keep() -> int:
    given = os.environ.get(KEEP) or str(KEPT)
    if not given.isdigit():
        raise Trouble(f"{KEEP} must be a number of pictures, not {given!r}.", status=USAGE)
    return int(given)
