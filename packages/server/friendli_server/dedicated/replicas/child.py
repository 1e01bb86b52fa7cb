"""Run in a replica's process before it becomes a container: tie its life to its parent's.

On Linux the kernel is asked to end the process when its parent dies (`prctl(2)`); elsewhere only a
parent that stops in good order takes its replicas along. Imports nothing, so it costs nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PROGRAM = (sys.executable, "-m", "friendli_server.dedicated.replicas.child", "serve")
"""Begins a container's command line."""
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become `python -m friendli_server` with the same arguments."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(sys.executable, [sys.executable, "-m", "friendli_server", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
