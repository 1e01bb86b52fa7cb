"""The launcher for this machine: each replica is a `friendli serve` process on a free port.

Knows no database. A replica ends with the gateway, on Linux even when that is killed (`child.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from typing import Final

from friendli_server.dedicated.replicas.child import PROGRAM
from friendli_server.dedicated.replicas.interfaces import ReplicaSpec
from friendli_server.dedicated.replicas.offers import Offers
from friendli_server.dedicated.replicas.ports import free_port

_HOST: Final = "127.0.0.1"
_STOP_SECONDS: Final = 35.0


class LocalProcesses:
    """A `ReplicaLauncher` that runs containers as child processes."""

    shared = False

    def __init__(self, offers: Offers, *, program: Sequence[str] = PROGRAM) -> None:
        self._offers = offers
        self._program = program
        self._processes: dict[str, Process] = {}

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Start a process; it is ready later."""
        port = free_port(_HOST)
        self._processes[replica_id] = await asyncio.create_subprocess_exec(
            *self._program,
            *self._offers.arguments(spec),
            *("--host", _HOST, "--port", str(port)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,
            env={k: v for k, v in os.environ.items() if not k.startswith("FRIENDLI_DEDICATED_")},
        )
        return f"http://{_HOST}:{port}"

    async def stop(self, replica_id: str) -> None:
        """Ask the process to finish, and kill it when it takes too long."""
        process = self._processes.get(replica_id)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        finally:
            self._processes.pop(replica_id, None)

    def running(self) -> set[str]:
        """The replicas whose process has not ended."""
        return {id_ for id_, process in self._processes.items() if process.returncode is None}

    def process(self, replica_id: str) -> Process:
        """The process of a replica launched here."""
        return self._processes[replica_id]

    async def close(self) -> None:
        """End every process, all at once."""
        await asyncio.gather(*(self.stop(replica_id) for replica_id in list(self._processes)))
