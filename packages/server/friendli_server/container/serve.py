"""Running a container as a process: listen, load the model, say so, leave in good order.

Knows nothing about requests.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import friendli_postcard
import uvicorn
from friendli_engine.client import EngineClient
from friendli_engine.errors import EngineError
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry, start_http_server

from friendli_server import logs, tracing
from friendli_server.container.app import application
from friendli_server.container.arrival import Arrival, arrived
from friendli_server.container.engine import Awaited
from friendli_server.container.hot_adapters import HotAdapters
from friendli_server.container.service import Service
from friendli_server.protocol import GuardedProtocol
from friendli_server.settings import ContainerSettings
from friendli_server.weights.place import WeightsError

if TYPE_CHECKING:
    from friendli_server.weights.folder import AdapterFolder

logger = logging.getLogger("friendli.server")
_LAST_ANSWERS = 5
"""Seconds for answers that are being written when the work is done."""


def run(settings: ContainerSettings) -> int:
    """Serve until a signal; the exit status."""
    logs.configure(settings.log_format)
    traces, send_the_last = tracing.exported("friendli-container")
    try:
        return asyncio.run(_run(settings, traces))
    finally:
        send_the_last()


async def _run(settings: ContainerSettings, traces: TracerProvider) -> int:
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        return _fail(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.")
    service = Service(Awaited(), settings, traces=traces)
    server = Server(service)
    serving = asyncio.create_task(server.serve([listener]))
    making = asyncio.create_task(_make(service, url(listener)))
    publish_metrics(service)
    try:
        await asyncio.wait({serving, making}, return_when=asyncio.FIRST_COMPLETED)
        if making.done():
            making.result()
        await serving
    except (EngineError, WeightsError) as error:
        server.should_exit = True
        await serving
        return _fail(str(error))
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        await server.last_answers()
        await service.intake.aclose()
    return 0


async def _make(service: Service, address: str) -> None:
    """Bring the weights, run the engine, and keep its adapters, until cancelled."""

    def tell(arrival: Arrival) -> None:
        service.arrival = arrival

    folder = _adapter_folder(service.settings)
    settings = await arrived(service.settings, cache=_weights(), tell=tell)
    logger.info("Loading %s", settings.model)
    service.engine = engine = engine_of(settings)
    service.arrival = None
    async with engine:
        adapters = HotAdapters(engine, folder) if folder else None
        if adapters:
            service.arrival = Arrival("adapters")
            await adapters.look()
            service.arrival = None
        print(f"Listening on {address}", flush=True)  # noqa: T201  # programs read this
        await (adapters.watch(settings.adapter_seconds) if adapters else asyncio.Event().wait())


def _adapter_folder(settings: ContainerSettings) -> AdapterFolder | None:
    if not settings.adapter_dir:
        return None
    from friendli_server.weights.folder import AdapterFolder  # noqa: PLC0415  # obstore takes its time

    return AdapterFolder(settings.adapter_dir, _weights())


def engine_of(settings: ContainerSettings, kind: type[EngineClient] = EngineClient) -> EngineClient:
    """The engine that the settings describe, not started; `kind` says what it lives in.

    What lies in a model directory's `adapters` and `controlnets` is served with it.
    """
    model = friendli_postcard.path() if settings.model == "postcard" else Path(settings.model)
    return kind(
        model if model.is_dir() else settings.model,
        device=settings.device,
        dtype=settings.dtype,
        adapters={p.stem: str(p) for p in sorted(model.glob("adapters/*.safetensors"))}
        | settings.adapter,
        controlnets={
            p.parent.name: str(p.parent) for p in sorted(model.glob("controlnets/*/config.json"))
        }
        | settings.controlnet,
        deterministic=settings.deterministic,
        max_queue=settings.max_queue,
        patience=settings.watchdog_seconds,
        profiles=_cache() / "friendli-engine",
        spare=settings.spare,
    )


def _weights() -> Path:
    return _cache() / "friendli-models"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def publish_metrics(service: Service) -> None:
    """Serve `/metrics` from a thread, so that a scraper that hangs holds up nothing."""
    settings = service.settings
    if settings.metrics_port is None:
        return
    registry = CollectorRegistry()
    registry.register(service.metrics)
    try:
        server, _ = start_http_server(settings.metrics_port, settings.host, registry)
        logger.info("Metrics at %s/metrics", url(server.socket))
    except OSError as error:
        logger.warning("No metrics: port %s: %s", settings.metrics_port, error.strerror)


def _fail(message: str) -> int:
    print(f"friendli serve: {message}", file=sys.stderr, flush=True)  # noqa: T201  # a command's last word
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
            log_config=None,
            log_level="warning",
            h11_max_incomplete_event_size=32 * 1024,
            server_header=False,
            timeout_graceful_shutdown=_LAST_ANSWERS,
        )
        super().__init__(config)
        self.service = service
        self._leaving: asyncio.Task[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to leave, and then until the work is done or its time is up."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def last_answers(self) -> None:
        """Let those whose work ended with the engine hear of it: a second signal cut them off."""
        if tasks := set(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=_LAST_ANSWERS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, stop at the second; unlike uvicorn's, exit with status 0."""
        del sig, frame
        if self.service.draining:
            self.should_exit = self.force_exit = True
        self.service.draining = True
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._leaving = self._leaving or self._loop.create_task(self._leave())

    async def _leave(self) -> None:
        settings = self.service.settings
        try:
            await asyncio.wait_for(self.service.admission.idle.wait(), settings.drain_seconds)
        except TimeoutError:
            logger.warning("Still working after %g s: leaving all the same", settings.drain_seconds)
        self.should_exit = True
