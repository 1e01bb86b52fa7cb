"""The launcher for this machine: each replica is a `friendli serve` process on a free port.

Knows no database. A replica ends with the gateway, on Linux even when that is killed (`child.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from typing import Final

from friendli_server.dedicated.endpoints.wire import ErrorCode
from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec

_STOP_SECONDS: Final = 35.0
_CHILD: Final = "friendli_server.dedicated.replicas.child"


class LocalProcesses:
    """A `ReplicaLauncher` that runs containers as child processes."""

    def __init__(self, models: Mapping[str, str], *, hub_models: bool = False) -> None:
        """`models` are directories or hub ids by the name endpoints use for them.

        With `hub_models`, an endpoint may name any other model of the hub too.
        """
        self._models = models
        self._hub_models = hub_models
        self._processes: dict[str, Process] = {}

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Start a process; it is ready later."""
        port = _free_port()
        command = [sys.executable, "-m", _CHILD, "serve", self._model(spec)]
        self._processes[replica_id] = await asyncio.create_subprocess_exec(
            *command,
            *("--host", "127.0.0.1", "--port", str(port)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,
        )
        return f"http://127.0.0.1:{port}"

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

    async def close(self) -> None:
        """End every process, all at once."""
        await asyncio.gather(*(self.stop(replica_id) for replica_id in list(self._processes)))

    def _model(self, spec: ReplicaSpec) -> str:
        if spec.model in self._models:
            return self._models[spec.model]
        if not self._hub_models:
            raise LaunchError(ErrorCode.WORKLOAD_INIT_CANNOT_ACCESS_REPO_ERROR)
        return spec.model


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
