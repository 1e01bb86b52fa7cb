"""A network between a gateway and its replicas that can be cut without a sound."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from urllib.parse import urlsplit

from friendli_server.container.serve import url
from friendli_server.dedicated.replicas.interfaces import ReplicaLauncher, ReplicaSpec


class Wire:
    """A TCP proxy on loopback. Once `cut`, nothing passes and nobody is told."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._cut = asyncio.Event()

    async def open(self) -> str:
        """Listen; the URL that stands for the upstream's."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return url(self._server.sockets[0])

    def cut(self) -> None:
        """From now on."""
        self._cut.set()

    async def _join(self, down: StreamReader, back: StreamWriter) -> None:
        try:
            up, out = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        except OSError:
            back.close()
            return
        pipes = [self._carry(down, out), self._carry(up, back)]
        await asyncio.wait(map(asyncio.ensure_future, pipes), return_when=asyncio.FIRST_COMPLETED)
        if not self._cut.is_set():
            out.close()
            back.close()

    async def _carry(self, source: StreamReader, sink: StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(2**16):
                if not self._cut.is_set():  # read on, so that the sender notices nothing
                    sink.write(data)
                    await sink.drain()


class OverWires:
    """A `ReplicaLauncher` whose replicas are reached over a `Wire` each."""

    def __init__(self, launcher: ReplicaLauncher) -> None:
        self._launcher = launcher
        self.wires: dict[str, Wire] = {}

    @property
    def shared(self) -> bool:
        return self._launcher.shared

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        wire = self.wires[replica_id] = Wire(await self._launcher.launch(replica_id, spec))
        return await wire.open()

    async def stop(self, replica_id: str) -> None:
        await self._launcher.stop(replica_id)

    def running(self) -> set[str] | None:
        return self._launcher.running()

    async def close(self) -> None:
        await self._launcher.close()  # the wires stay, as their addresses are in the database
