"""One life of the worker: its process or thread, its socket, its end. Knows no requests."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

import zmq
import zmq.asyncio

from .errors import WorkerLostError
from .protocol import Command, Report, Stop, decode_report, encode

TICK = 0.1
"""Seconds between looks at the worker while it is silent."""


class Vessel(Protocol):
    """What a worker lives in."""

    def alive(self) -> bool:
        """Whether it still runs."""

    def kill(self) -> None:
        """End it now, if it can be ended."""


class ProcessVessel:
    """A worker in a process of its own, which ends when this process does.

    Args:
        endpoint: where it is told what to do.
        prepare: the model that a spare may have to load: what that needs is imported at once.
    """

    def __init__(self, endpoint: str, prepare: str | None = None) -> None:
        command = [sys.executable, "-m", "friendli_engine.process", endpoint]
        command += [prepare] if prepare else []
        # The worker watches its standard input: the pipe closes however this process ends.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End the process and wait for it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


class ThreadVessel:
    """A worker in a thread of this process. It cannot be killed, only told to leave."""

    def __init__(self, endpoint: str, prepare: str | None = None) -> None:
        del prepare  # it shares what this process has imported
        # Imported by name, so that only who asks for a thread pays for torch.
        serve = import_module("friendli_engine.worker").serve
        self._abandoned = threading.Event()
        self.thread = threading.Thread(
            target=serve, args=(endpoint, self._abandoned.is_set), name="engine", daemon=True
        )
        self.thread.start()

    def alive(self) -> bool:
        """Whether the thread runs."""
        return self.thread.is_alive()

    def kill(self) -> None:
        """Let the thread end by itself when its forward returns, if it ever does."""
        self._abandoned.set()


class Life:
    """A worker from its start to its end, and the only road to it.

    Each life has an endpoint of its own in a private directory, so the dead send no mail. What it
    is to do it is told when its turn has come; a spare's is later (`prepare`: see `ProcessVessel`).
    """

    def __init__(
        self, vessel: Callable[[str, str | None], Vessel], *, prepare: str | None = None
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="friendli-engine-"))
        endpoint = f"ipc://{self.home / 'socket'}"
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.PAIR)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, 0)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.bind(endpoint)
        self.vessel = vessel(endpoint, prepare)

    def tell(self, command: Command) -> None:
        """Send without waiting: the queue is unbounded. After the end nothing is sent."""
        if not self._socket.closed:
            self._socket.send(encode(command))

    async def hear(self, patience: float) -> Report:
        """The worker's next report.

        Raises:
            WorkerLostError: the worker ended, or said nothing for `patience` seconds.
        """
        clock = asyncio.get_running_loop().time
        silent_since = clock()
        while not await self._socket.poll(TICK * 1000):
            if not self.vessel.alive() and not await self._socket.poll(TICK * 1000):
                raise WorkerLostError("The engine process ended unexpectedly.")
            if clock() - silent_since > patience:
                raise WorkerLostError("The engine process stopped responding.")
        return decode_report.decode(await self._socket.recv())

    async def end(self, *, grace: float = 0.0) -> None:
        """Ask the worker to stop, wait `grace` seconds for it, kill it."""
        self.tell(Stop())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while self.vessel.alive():  # noqa: ASYNC110  # a process rings no asyncio bell
                    await asyncio.sleep(TICK / 5)
        self.vessel.kill()
        self._context.destroy(linger=0)
        shutil.rmtree(self.home, ignore_errors=True)
