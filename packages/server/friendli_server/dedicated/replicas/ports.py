"""A port that nobody listens on. Knows no replica."""

from __future__ import annotations

import socket


def free_port(host: str) -> int:
    """One that was free at `host`, an IPv4 address of this machine, a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
