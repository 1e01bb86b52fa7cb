"""The engine's process: its signals, its parent, and how a spare one waits for its turn.

Light until the libraries are needed. Knows no requests: that is `worker`'s.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module


def main() -> None:
    """Serve the endpoint named first; a spare is told second whose model it may have to load."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s engine: %(message)s")
    # Ctrl-C and `systemctl stop` reach the whole group; when to leave is the parent's to say.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    endpoint, *models = sys.argv[1:]
    for model in models:
        _prepare(model)
    from .worker import quieten, serve  # noqa: PLC0415  # a spare has imported it by now

    quieten()
    serve(endpoint)


def _leave_with_parent() -> None:
    """The parent holds the other end of standard input: it closes however the parent ends."""
    while os.read(0, 1):
        pass
    os._exit(1)


def _prepare(model: str) -> None:
    """Import what takes the time, in a thread with the lowest priority: requests are running."""
    import_module("numpy")  # begins threads of its own, which would inherit that priority
    thread = threading.Thread(target=_import, args=(model,))
    thread.start()
    thread.join()


def _import(model: str) -> None:
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
    from . import worker  # noqa: PLC0415
    from .errors import EngineError  # noqa: PLC0415
    from .loading import prepare  # noqa: PLC0415

    worker.quieten()
    with suppress(EngineError):  # what is wrong is said when it is loaded
        prepare(model)


if __name__ == "__main__":
    main()
