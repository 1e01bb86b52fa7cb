"""SIGTERM: refuse new work at once, finish the old, leave; a second one does not wait."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
from friendli_server.container.serve import Server, listen, url
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings
from server.fakes import FakeEngine

PATH = "/v1/images/generations"
BODY = {"prompt": "a", "num_inference_steps": 1}


@dataclass
class Running:
    server: Server
    serving: asyncio.Task[None]
    client: httpx2.AsyncClient

    def signal(self) -> None:
        self.server.handle_exit(signal.SIGTERM, None)

    async def left(self) -> None:
        await asyncio.wait_for(asyncio.shield(self.serving), 10)


@pytest.fixture
def settings() -> ContainerSettings:
    return ContainerSettings(drain_seconds=60)


@pytest.fixture
async def running(service: Service, engine: FakeEngine) -> AsyncIterator[Running]:
    engine.gate = asyncio.Semaphore(0)
    server, listener = Server(service), listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve([listener]))
    async with httpx2.AsyncClient(base_url=url(listener)) as client:
        assert (await client.get("/health")).status_code == 200
        yield Running(server, serving, client)
    server.should_exit = server.force_exit = True
    await serving


async def test_an_idle_server_leaves_at_once(running: Running) -> None:
    running.signal()
    await running.left()


async def test_running_work_is_finished_and_new_work_refused(
    running: Running, engine: FakeEngine
) -> None:
    asking = [asyncio.create_task(running.client.post(PATH, json=BODY)) for _ in range(10)]
    await engine.until(lambda: engine.running == 10)
    running.signal()
    ready, live = [await running.client.get(f"/health/{kind}") for kind in ("ready", "live")]
    assert (ready.status_code, live.status_code) == (503, 200)
    refused = await running.client.post(PATH, json=BODY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
    assert not running.serving.done()
    for _ in asking:
        assert engine.gate
        engine.gate.release()
    assert [answer.status_code for answer in await asyncio.gather(*asking)] == [200] * 10
    await running.left()


async def test_a_stream_is_finished_too(running: Running, engine: FakeEngine) -> None:
    headers = {"accept": "text/event-stream"}
    body = BODY | {"stream": True}
    asking = asyncio.create_task(running.client.post(PATH, json=body, headers=headers))
    await engine.until(lambda: engine.running)
    running.signal()
    assert engine.gate
    engine.gate.release()
    assert "event: finished" in (await asking).text
    await running.left()


async def test_a_second_signal_does_not_wait(running: Running, engine: FakeEngine) -> None:
    asking = asyncio.create_task(running.client.post(PATH, json=BODY))
    await engine.until(lambda: engine.running)
    running.signal()
    running.signal()
    await running.left()
    asking.cancel()


async def test_work_that_takes_too_long_is_left(
    running: Running, engine: FakeEngine, service: Service
) -> None:
    service.settings = ContainerSettings(drain_seconds=0.01)
    running.server.config.timeout_graceful_shutdown = 0
    asking = asyncio.create_task(running.client.post(PATH, json=BODY))
    await engine.until(lambda: engine.running)
    running.signal()
    await running.left()
    await engine.until(lambda: engine.cancelled)
    await asyncio.gather(asking, return_exceptions=True)
