"""Running a gateway as a process: listen, check the database, serve, leave in good order.

Knows nothing about requests.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from types import FrameType
from typing import Final

import uvicorn

from friendli_server import logs
from friendli_server.dedicated import dev, schema
from friendli_server.dedicated.app import create_app
from friendli_server.dedicated.database import Database, DatabaseDownError
from friendli_server.dedicated.gateway import Gateway, MissingExtraError, open_gateway
from friendli_server.dedicated.results.store import StorePlaceError
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.protocol import GuardedProtocol

_START_SECONDS: Final = 30.0


def run(settings: GatewaySettings) -> int:
    """Serve until a signal; the exit status."""
    logs.configure(settings.log_format)
    return asyncio.run(serve(settings))


async def serve(settings: GatewaySettings) -> int:
    """The same in a running event loop; logs are left as they are."""
    try:
        listener = _listen(settings.host, settings.port)
    except OSError as error:
        return _fail(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.")
    with listener:
        return await _serve_on(listener, settings)


async def _serve_on(listener: socket.socket, settings: GatewaySettings) -> int:
    host, port = listener.getsockname()[:2]
    url = settings.public_url or f"http://{host}:{port}"
    settings = settings.model_copy(update={"port": port, "public_url": url})
    try:
        current = await _prepare_schema(settings)
    except DatabaseDownError:
        return _fail("The database cannot be reached.")
    if not current:
        return _fail("The database is not up to date: run `friendli dedicated migrate` first.")
    hint = await _dev_hint(settings, url) if settings.dev else ""
    try:
        async with open_gateway(settings) as gateway:
            if settings.metrics_port is not None:
                gateway.metrics.publish(settings.host, settings.metrics_port)
            await Server(gateway, greeting=f"Listening on {url}{hint}").serve(sockets=[listener])
    except StorePlaceError as error:
        return _fail(f"Pictures cannot be kept in {error}.")
    except MissingExtraError as error:
        return _fail(f"--launcher {settings.launcher} needs Ray: {error}.")
    return 0


class Server(uvicorn.Server):
    """uvicorn, but it says when it listens, and the first signal only drains."""

    def __init__(self, gateway: Gateway, *, greeting: str) -> None:
        config = uvicorn.Config(
            create_app(gateway),
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            h11_max_incomplete_event_size=32 * 1024,
            server_header=False,
        )
        super().__init__(config)
        self._gateway = gateway
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so: programs wait for this line."""
        await super().startup(sockets)
        print(self._greeting, flush=True)  # noqa: T201 - this is the command's output

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish what runs at the first signal, stop at the second; exit with status 0."""
        del sig, frame
        self.force_exit = self._gateway.draining.is_set()
        self._gateway.draining.set()
        self.should_exit = True


async def _prepare_schema(settings: GatewaySettings) -> bool:
    """Whether the schema is up to date; a database that starts beside us is waited for."""
    give_up = time.monotonic() + _START_SECONDS
    async with Database(settings.database) as database:
        while True:
            try:
                if settings.migrate or settings.dev:
                    await schema.migrate(database)
                return await schema.is_current(database)
            except DatabaseDownError:
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(1)


async def _dev_hint(settings: GatewaySettings, url: str) -> str:
    model = settings.replica[0].partition("=")[0] if settings.replica else "postcard"
    async with Database(settings.database) as database:
        return "\n" + dev.snippet(await dev.prepare(database, model=model), url)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def _fail(message: str) -> int:
    print(message, file=sys.stderr)  # noqa: T201
    return 1
