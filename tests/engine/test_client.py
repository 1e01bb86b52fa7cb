"""The asyncio client: events, cancellation, refusals, draining, and a worker that is killed."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import zmq
from engine.weaving import plainly, request
from friendli_engine import worker
from friendli_engine.client import EngineClient, InlineClient
from friendli_engine.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    NotReadyError,
    QueueFullError,
    UnknownAdapterError,
)
from friendli_engine.link import ProcessVessel, ThreadVessel
from friendli_engine.loading import load
from friendli_engine.protocol import Ready, encode
from friendli_engine.request import (
    Event,
    Failed,
    Finished,
    ImageRequest,
    ModelInfo,
    Progress,
    Queued,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inline(directory: Path) -> AsyncIterator[InlineClient]:
    async with InlineClient(directory) as client:
        yield client


async def events(client: EngineClient, asked: ImageRequest) -> list[Event]:
    return [event async for event in client.generate(asked)]


async def picture(client: EngineClient, asked: ImageRequest) -> bytes:
    last = (await events(client, asked))[-1]
    assert isinstance(last, Finished), last
    return last.pixels.data


async def test_a_request_is_queued_progresses_and_finishes(
    inline: InlineClient, directory: Path
) -> None:
    asked = request("one", steps=3)
    told = await events(inline, asked)
    assert [type(event) for event in told] == [Queued, Progress, Progress, Progress, Finished]
    assert isinstance(told[-1], Finished)
    assert told[-1].pixels.data == plainly(load(directory), asked)
    assert inline.info.width == told[-1].pixels.width == 32


async def test_concurrent_requests_all_finish(inline: InlineClient) -> None:
    asked = [request(f"many-{i}", seed=i % 3) for i in range(9)]
    pictures = await asyncio.gather(*(picture(inline, one) for one in asked))
    assert len(set(pictures)) == 3, "equal seeds give equal pictures, others differ"


async def test_leaving_the_iterator_cancels_the_request(inline: InlineClient) -> None:
    before = inline.stats().cancelled
    iterator = inline.generate(request("left", steps=50))
    async for event in iterator:
        if isinstance(event, Progress):
            break
    await iterator.aclose()  # type: ignore[attr-defined]
    await picture(inline, request("after"))
    while inline.stats().cancelled == before or inline.stats().active:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_refusals_are_raised_before_any_work(inline: InlineClient) -> None:
    with pytest.raises(UnknownAdapterError):
        await events(inline, request("a", adapter="nonsense"))
    iterator = inline.generate(request("twin"))
    await anext(iterator)
    with pytest.raises(InvalidRequestError) as refusal:
        await events(inline, request("twin"))
    assert refusal.value.param == "id"
    assert [event async for event in iterator]


async def test_more_than_max_queue_requests_are_turned_away(directory: Path) -> None:
    async with InlineClient(directory, max_queue=1) as client:
        first = client.generate(request("first", steps=20))
        await anext(first)
        with pytest.raises(QueueFullError):
            await events(client, request("second"))
        await first.aclose()  # type: ignore[attr-defined]
        assert await picture(client, request("third"))


async def test_draining_finishes_what_was_accepted_and_takes_nothing_more(directory: Path) -> None:
    client = InlineClient(directory)
    with pytest.raises(NotReadyError):
        await events(client, request("too early"))
    async with client:
        running = asyncio.create_task(picture(client, request("running", steps=5)))
        await asyncio.sleep(0)
        draining = asyncio.create_task(client.drain())
        await asyncio.sleep(0)
        assert str(client.state) == "draining"
        with pytest.raises(NotReadyError):
            await events(client, request("too late"))
        await draining
        assert await running
    assert str(client.state) == "closed"


async def test_closing_ends_waiting_requests_and_removes_the_socket(directory: Path) -> None:
    client = InlineClient(directory)
    await client.start()
    assert client._life
    home = client._life.home
    assert home.exists()
    waiting = asyncio.create_task(events(client, request("waiting", steps=50)))
    await asyncio.sleep(0)
    await client.aclose()
    last = (await waiting)[-1]
    assert isinstance(last, Failed)
    assert last.kind == "NotReadyError", "another replica can make it"
    assert not home.exists()


async def test_a_model_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        await InlineClient(tmp_path / "nowhere").start()


class Death:
    """Ends the worker's thread without a word, once, when `near` is set."""

    near = False


def mortal(loop: worker.Worker) -> None:
    """A busy worker's beat that may be its last."""
    if loop._engine.busy:
        loop._stopped, Death.near = Death.near, False


async def started(client: EngineClient) -> None:
    """Wait until a request is being worked on."""
    while not any(pending.begun for pending in client._unanswered):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.requirement("engine.worker")
async def test_requests_survive_the_worker_once_with_the_same_bytes(
    directory: Path, inline: InlineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [request(f"kill-{i}", seed=i, steps=20) for i in range(3)]
    expected = [await picture(inline, one) for one in asked]
    monkeypatch.setattr(worker.Worker, "_beat", mortal)
    async with InlineClient(directory) as client:
        running = [asyncio.create_task(picture(client, one)) for one in asked]
        await started(client)
        Death.near = True
        assert await asyncio.gather(*running) == expected
        assert client.stats().restarts == 1
        assert client.state == "ready"


async def test_a_request_that_loses_its_worker_twice_fails(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.Worker, "_beat", mortal)
    async with InlineClient(directory) as client:
        running = asyncio.create_task(events(client, request("doomed", steps=300)))
        for lives in (1, 2):
            await started(client)
            Death.near = True
            while client.stats().restarts < lives:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        last = (await running)[-1]
        assert isinstance(last, Failed)
        assert last.kind == "WorkerLostError"
        assert await picture(client, request("next")), "the engine goes on"


class Stillborn(ThreadVessel):
    """A worker that says it is ready and ends."""

    def __init__(self, endpoint: str, prepare: str | None = None) -> None:
        self.thread = threading.Thread(target=self.serve, args=(endpoint,))
        self._abandoned = threading.Event()
        self.thread.start()

    def serve(self, endpoint: str) -> None:
        info = ModelInfo(id="m", family="f", width=8, height=8, steps=1, guidance=1.0)
        with zmq.Context() as context, context.socket(zmq.PAIR) as socket:
            socket.connect(endpoint)
            socket.recv()
            socket.send(encode(Ready(info)))


async def test_a_worker_that_only_dies_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = InlineClient("unused")
    monkeypatch.setattr(client, "_vessel", Stillborn)
    async with client:
        last = (await events(client, request("hopeless")))[-1]
        assert isinstance(last, Failed)
        assert last.kind == "WorkerLostError"
        with pytest.raises(NotReadyError):
            await events(client, request("too late"))
    gc.collect()
    assert "asyncio" not in {record.name for record in caplog.records}, "no failure unheard of"


@pytest.mark.slow
async def test_kill_9_twenty_times_under_load_loses_and_duplicates_nothing(
    directory: Path, inline: InlineClient
) -> None:
    asked = [request(f"kill-{i}", seed=i, steps=20) for i in range(60)]
    expected = [await picture(inline, one) for one in asked]
    async with EngineClient(directory, threads=1, retries=20) as client:
        running = [asyncio.create_task(picture(client, one)) for one in asked]
        for kills in range(1, 21):
            await started(client)
            assert client._life
            vessel = client._life.vessel
            assert isinstance(vessel, ProcessVessel)
            os.kill(vessel.process.pid, signal.SIGKILL)
            while client.stats().restarts < kills or client.state != "ready":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await asyncio.gather(*running) == expected
        assert client.stats().restarts == 20
