"""Gateways as processes of the operating system, and a container they share, on loopback."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from friendli_server.container.serve import listen, url

from .fakes import FakeContainer

PROGRAM = (sys.executable, "-m", "friendli_server.dedicated")


class GatewayProcess:
    """`friendli dedicated serve` on a free port; what it logs is kept in a file."""

    def __init__(self, process: Process, address: str, log: Path) -> None:
        self.process, self.url, self._log = process, address, log

    @property
    def log(self) -> str:
        """All that it has logged so far."""
        return self._log.read_text()

    async def greeting(self, last: str) -> str:
        """What it prints after its address, up to the first line that starts with `last`."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith(last)):
            line = await self.process.stdout.readline()
            assert line, "the gateway ended before it said that"
            lines.append(line.decode())
        return "".join(lines)

    async def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """End it; the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(sig)
        return await self.process.wait()


async def start_gateway(log: Path, *flags: str) -> GatewayProcess:
    """Start a gateway in the log's folder and wait until it listens."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "serve", "--port", "0", *flags, stdout=PIPE, stderr=out, cwd=log.parent
        )
    assert process.stdout is not None
    async for line in process.stdout:
        if found := re.search(r"http://\S+", line.decode()):
            return GatewayProcess(process, found.group(), log)
    said = await asyncio.to_thread(log.read_text)
    raise AssertionError(f"the gateway did not start: {said[-4000:]}")


async def command(*words: str) -> str:
    """Run `friendli dedicated …`; what it prints."""
    process = await asyncio.create_subprocess_exec(*PROGRAM, *words, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


@asynccontextmanager
async def serving(container: FakeContainer) -> AsyncIterator[str]:
    """A fake container that really listens; yields its URL."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(container.app, lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve([listener]))
    yield url(listener)
    server.should_exit = server.force_exit = True
    await running
