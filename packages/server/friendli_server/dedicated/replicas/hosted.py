"""A replica's place on a node of a Ray cluster: an actor that runs `friendli serve` as its child.

The actor takes no part in requests: gateways reach the container by HTTP. It ends when the
container does, and the container when the actor does, on Linux even when that is killed. Imported
on the cluster's nodes, where the same packages must be installed; knows no gateway.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from subprocess import DEVNULL, Popen

import ray.util

from friendli_server.dedicated.replicas.child import PROGRAM
from friendli_server.dedicated.replicas.ports import free_port


class HostedReplica:
    """One container on this node, listening on the node's own address."""

    def __init__(self, arguments: Sequence[str], program: Sequence[str] = PROGRAM) -> None:
        host: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        port = free_port(host)
        words = [*program, *arguments, "--host", host, "--port", str(port)]
        self._url = f"http://{host}:{port}"
        self._process = Popen(words, stdin=DEVNULL)  # noqa: S603 - the operator's own words
        threading.Thread(target=self._end_together, daemon=True).start()

    def url(self) -> str:
        """Where it listens, perhaps not yet."""
        return self._url

    def drain(self) -> None:
        """Ask it to finish what it works on and go; this actor goes with it."""
        self._process.send_signal(signal.SIGTERM)

    def _end_together(self) -> None:
        self._process.wait()
        os._exit(0)
