"""Running a container as a process: listen, load the model, say so, leave in good order.

Knows nothing about requests.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from types import FrameType

import friendli_postcard
import uvicorn
from friendli_engine.client import EngineClient
from friendli_engine.errors import EngineError

from friendli_server.protocol import GuardedProtocol
from friendli_server.settings import ContainerSettings

from .app import application
from .service import Service


def run(settings: ContainerSettings) -> int:
    """Serve until a signal; the exit status."""
    return asyncio.run(_run(settings))


async def _run(settings: ContainerSettings) -> int:
    engine = EngineClient(
        friendli_postcard.path() if settings.model == "postcard" else settings.model,
        device=settings.device,
        dtype=settings.dtype,
        adapters=settings.adapter,
        controlnets=settings.controlnet,
        deterministic=settings.deterministic,
        max_queue=settings.max_queue,
    )
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        return _fail(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.")
    server = Server(Service(engine, settings))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        print(f"Loading {settings.model} …", file=sys.stderr)  # noqa: T201
        await engine.start()
        print(f"Listening on {url(listener)}", flush=True)  # noqa: T201  # programs read this line
        await serving
    except EngineError as error:
        server.should_exit = True
        await serving
        return _fail(error.message)
    finally:
        await engine.aclose()
        await server.service.intake.aclose()
    return 0


def _fail(message: str) -> int:
    print(f"friendli serve: {message}", file=sys.stderr)  # noqa: T201
    return 1


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setblocking(False)  # noqa: FBT003
    return listener


def url(listener: socket.socket) -> str:
    """Where a client on this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, but the first signal drains: running work ends, new work is refused."""

    def __init__(self, service: Service) -> None:
        config = uvicorn.Config(
            application(service),
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            h11_max_incomplete_event_size=32 * 1024,
            server_header=False,
        )
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, stop at the second; unlike uvicorn's, exit with status 0."""
        del sig, frame
        self.force_exit = self.service.draining
        self.service.draining = True
        self.should_exit = True
