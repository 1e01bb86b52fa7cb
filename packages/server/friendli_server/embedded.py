"""A whole container inside another process: the command line uses it where no server answers.

The engine is a thread, the server another, on loopback under a key of its own. Signals stay the
host's. Knows no client.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from friendli_engine.client import InlineClient
from pydantic import SecretStr

from friendli_server.container.serve import Server, engine_of, listen, url
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings

_QUIET = {
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}
"""The libraries' own bars and advice would run into the host's output."""


@contextmanager
def serve() -> Iterator[tuple[str, str]]:
    """Load Postcard and serve it while the block runs; yields the address and its key.

    Raises:
        LoadError: the model cannot be loaded.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    inside = _Embedded()
    inside.thread.start()
    try:
        inside.loaded.wait()
        if inside.failure:
            raise inside.failure
        yield inside.url, inside.key
    finally:
        inside.leave()


class _Embedded:
    """The thread that the server lives in."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(24)
        self.url = ""
        self.loaded = Event()
        self.failure: Exception | None = None
        self.thread = Thread(target=self._run, name="embedded server", daemon=True)
        self._server: Server | None = None

    def leave(self) -> None:
        """End the server, whatever it is doing."""
        if self._server:
            self._server.should_exit = self._server.force_exit = True
        self.thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as failure:  # it is raised where it can be told
            self.failure = failure
        finally:
            self.loaded.set()

    async def _serve(self) -> None:
        settings = ContainerSettings(
            model="postcard", metrics_port=None, api_key=[SecretStr(self.key)], spare=False
        )
        engine = engine_of(settings, InlineClient)
        service = Service(engine, settings)
        listener = listen("127.0.0.1", 0)
        self.url = url(listener)
        try:
            await engine.start()
            self._server = Server(service)
            serving = asyncio.create_task(self._server.serve([listener]))
            self.loaded.set()
            await serving
        finally:
            await engine.aclose()
            await service.intake.aclose()
