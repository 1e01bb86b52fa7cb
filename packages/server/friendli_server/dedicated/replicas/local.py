"""The launcher for this machine: each replica is a `friendli serve` process on a free port.

Knows no database. A replica ends with the gateway, on Linux even when that is killed (`child.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from typing import Final

from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec

_AS_A_REPLICA: Final = ("--metrics-port", "0", "--max-per-client", "256")
"""Many on one machine, each with one client: the team whose endpoint it is."""
_STOP_SECONDS: Final = 35.0
_CHILD: Final = "friendli_server.dedicated.replicas.child"


class LocalProcesses:
    """A `ReplicaLauncher` that runs containers as child processes."""

    def __init__(
        self,
        offers: Mapping[str, str],
        *,
        hub_models: bool = False,
        program: Sequence[str] = (sys.executable, "-m", _CHILD, "serve"),
    ) -> None:
        """`offers` are directories, files or hub ids by the names that endpoints use for them.

        With `hub_models`, an endpoint may name any other model of the hub too; adapters are always
        the operator's.
        """
        self._offers = offers
        self._hub_models = hub_models
        self._program = program
        self._processes: dict[str, Process] = {}

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Start a process; it is ready later."""
        port = _free_port()
        self._processes[replica_id] = await asyncio.create_subprocess_exec(
            *self._program,
            *self.arguments(spec, port=port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,
            env={k: v for k, v in os.environ.items() if not k.startswith("FRIENDLI_DEDICATED_")},
        )
        return f"http://127.0.0.1:{port}"

    def arguments(self, spec: ReplicaSpec, *, port: int) -> list[str]:
        """What the container is told on its command line.

        Raises:
            LaunchError: the operator does not offer the model or an adapter.
        """
        adapters = [
            word
            for route, name in spec.adapters.items()
            for word in ("--adapter", f"{route}={self._offered(name)}")
        ]
        model = spec.model if self._is_hub_model(spec) else self._offered(spec.model)
        return [model, "--host", "127.0.0.1", "--port", str(port), *_AS_A_REPLICA, *adapters]

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

    def _is_hub_model(self, spec: ReplicaSpec) -> bool:
        return self._hub_models and spec.model not in self._offers and "/" in spec.model

    def _offered(self, name: str) -> str:
        if name not in self._offers:
            raise LaunchError("WORKLOAD_INIT_CANNOT_ACCESS_REPO_ERROR")
        return self._offers[name]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
