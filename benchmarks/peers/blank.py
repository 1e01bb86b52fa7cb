"""Our container around an engine that does nothing.

`python -m benchmarks.peers.blank PORT`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from friendli_engine.protocol import Stats
from friendli_engine.request import Event, Finished, ImageRequest, ModelInfo, Pixels, Queued
from friendli_server.container.serve import Server, listen
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings

INFO = ModelInfo(id="blank", family="blank", width=256, height=256, steps=1, guidance=0.0)
BLACK = Pixels(256, 256, bytes(256 * 256 * 3))


class Blank:
    """The engine's protocol without an engine."""

    state, info, loading = "ready", INFO, None

    async def generate(self, request: ImageRequest) -> AsyncIterator[Event]:
        """A black picture, at once."""
        yield Queued(request.id, 0, 0.0)
        yield Finished(request.id, BLACK, 0.0)

    def stats(self) -> Stats:
        """Nothing happened."""
        return Stats()


if __name__ == "__main__":
    settings = ContainerSettings(max_queue=1024, max_per_client=1024)
    server = Server(Service(Blank(), settings))
    asyncio.run(server.serve([listen("127.0.0.1", int(sys.argv[1]))]))
