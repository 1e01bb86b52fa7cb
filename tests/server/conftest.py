"""A container around the fake engine: in process, or listening on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from friendli_server.container.app import application
from friendli_server.container.serve import Server, listen, url
from friendli_server.container.service import Service
from friendli_server.intake.decode import Decoder
from friendli_server.settings import ContainerSettings
from server.fakes import FakeEngine


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def settings() -> ContainerSettings:
    """Overridden by tests that need others."""
    return ContainerSettings()


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """Processes take a while to start: one pool for all tests."""
    decoder = Decoder(workers=1)
    yield decoder
    decoder.close()


@pytest.fixture
def service(engine: FakeEngine, settings: ContainerSettings, decoder: Decoder) -> Service:
    service = Service(engine, settings)
    service.intake.decoder = decoder
    return service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    """Requests go straight into the application."""
    transport = httpx2.ASGITransport(application(service))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.fixture
async def address(service: Service) -> AsyncIterator[str]:
    """The URL of a real server in this event loop."""
    server = Server(service)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve([listener]))
    yield url(listener)
    server.should_exit = server.force_exit = True
    await serving


@pytest.fixture
async def remote(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Requests go through the network."""
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client
