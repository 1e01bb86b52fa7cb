"""A worker that hangs is replaced, one without a parent leaves, adapters outlive both."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from engine.lora import lora, plain_with
from engine.test_client import Death, events, mortal, picture, started
from engine.weaving import plainly, request
from friendli_engine import worker
from friendli_engine.client import EngineClient, InlineClient
from friendli_engine.engine import Engine
from friendli_engine.errors import AdapterRefusedError, NotReadyError, UnknownAdapterError
from friendli_engine.link import ProcessVessel
from friendli_engine.loading import load
from friendli_engine.protocol import Loading
from friendli_engine.request import Event, Failed

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inline(directory: Path) -> AsyncIterator[InlineClient]:
    async with InlineClient(directory) as client:
        yield client


@pytest.fixture(scope="module")
def ink(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lora(tmp_path_factory.mktemp("loras") / "ink.safetensors", 1)


class Recording(InlineClient):
    """Remembers the states and what was told while loading."""

    def __init__(self, model: Path, **options: float) -> None:
        self.states: list[str] = []
        self.told: list[Loading] = []
        super().__init__(model, **options)  # type: ignore[arg-type]

    def __setattr__(self, name: str, value: object) -> None:
        if name == "state":
            self.states.append(str(value))
        if name == "loading" and isinstance(value, Loading):
            self.told.append(value)
        super().__setattr__(name, value)


async def test_states_and_loading_are_told_exactly(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.Worker, "_beat", mortal)
    client = Recording(directory)
    async with client:
        assert client.loading is None
        assert [what.fraction for what in client.told][-1] == 1
        assert {what.phase for what in client.told} == {"loading"}
        running = asyncio.create_task(picture(client, request("r", steps=40)))
        await started(client)
        Death.near = True
        while client.stats().restarts < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert client.state == "restarting"
        with pytest.raises(NotReadyError, match="restarting"):
            await client.load_adapter("ink", "nowhere")
        await running
        await client.drain()
    assert client.states == ["starting", "ready", "restarting", "ready", "draining", "closed"]


async def test_a_forward_that_never_returns_is_noticed_and_its_request_gives_the_same_bytes(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request("r", steps=6)
    released, hangs, step = threading.Event(), [True], Engine.step

    def hanging(engine: Engine) -> list[Event]:
        told = step(engine)
        if hangs and any(run.step == 3 for run in engine._crowd.all.values()):
            hangs.pop()
            released.wait()
        return told

    monkeypatch.setattr(Engine, "step", hanging)
    async with InlineClient(directory, patience=8.0) as client:
        assert client._life
        hung = client._life.vessel
        assert await picture(client, asked) == plainly(load(directory), asked)
        assert client.stats().restarts == 1
        assert client.state == "ready"
    released.set()
    while hung.alive():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_adapters_are_loaded_and_unloaded_through_the_client(
    inline: InlineClient, ink: Path
) -> None:
    running = asyncio.create_task(picture(inline, request("base", steps=20)))
    info = await inline.load_adapter("ink", ink, 0.5)
    assert info.adapters == inline.info.adapters == ("ink",)
    got = await picture(inline, request("inked", adapter="ink"))
    await inline.load_adapter("whole", ink)
    assert got != await picture(inline, request("whole", adapter="whole"))
    assert (await inline.unload_adapter("ink")).adapters == ("whole",)
    with pytest.raises(UnknownAdapterError, match="'whole'"):
        await events(inline, request("late", adapter="ink"))
    with pytest.raises(UnknownAdapterError, match="Known adapters: 'whole'"):
        await inline.unload_adapter("ink")
    with pytest.raises(AdapterRefusedError, match="taken"):
        await inline.load_adapter("whole", ink)
    await inline.unload_adapter("whole")
    assert await running


async def test_a_refused_adapter_leaves_the_engine_as_it_was(
    inline: InlineClient, tmp_path: Path
) -> None:
    (tmp_path / "evil").write_bytes(b"evil")
    with pytest.raises(AdapterRefusedError, match="'evil' is refused"):
        await inline.load_adapter("evil", tmp_path / "evil")
    assert inline.info.adapters == ()
    assert await picture(inline, request("after"))


async def test_loaded_adapters_outlive_the_worker_and_lost_files_do_not_end_the_engine(
    directory: Path, ink: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.Worker, "_beat", mortal)
    brief, inked = lora(tmp_path / "brief", 2), request("inked", adapter="ink", steps=30)
    async with InlineClient(directory, adapters={"brief": brief}) as client:
        await client.load_adapter("ink", ink)
        running = asyncio.create_task(picture(client, inked))
        await started(client)
        brief.unlink()
        Death.near = True
        assert await running == plainly(plain_with(ink), inked)
        assert client.stats().restarts == 1
        assert client.info.adapters == ("ink",)
        last = (await events(client, request("ink again", adapter="ink")))[-1]
        assert not isinstance(last, Failed)


async def test_a_spare_takes_the_place_of_a_lost_worker_and_another_stands_by(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.Worker, "_beat", mortal)
    asked = request("r", steps=30)
    async with InlineClient(directory, spare=True) as client:
        first, spare = client._life, client._spare
        assert spare
        assert spare is not first
        running = asyncio.create_task(picture(client, asked))
        await started(client)
        Death.near = True
        assert await running == plainly(load(directory), asked)
        assert client._life is spare
        last = client._spare
        assert last
        assert last not in (first, spare)
    while spare.vessel.alive() or last.vessel.alive():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


PARENT = """
import asyncio, sys
from friendli_engine.client import EngineClient
async def main():
    client = EngineClient(sys.argv[1], threads=1, spare=True)
    starting = asyncio.create_task(client.start())
    while not client._life:
        await asyncio.sleep(0.01)
    if sys.argv[2] == "ready":
        await starting
    lives = [life for life in (client._life, client._spare) if life]
    print(*(life.vessel.process.pid for life in lives), flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""


def orphaned(directory: Path, when: str) -> list[int]:
    """The process ids of a worker, and of its spare, whose parent was killed."""
    code = [sys.executable, "-W", "ignore", "-c", PARENT, str(directory), when]
    with subprocess.Popen(code, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    return pids


def lives(pid: int) -> bool:
    """Whether the process runs; one that ended and was not buried does not."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.requirement("engine.orphans")
@pytest.mark.parametrize("when", ["loading", "ready"])
async def test_a_worker_whose_parent_is_killed_leaves(directory: Path, when: str) -> None:
    pids = orphaned(directory, when)
    assert len(pids) == {"loading": 1, "ready": 2}[when]
    began = time.monotonic()
    while any(map(lives, pids)):
        assert time.monotonic() - began < 120, "an orphan is left"
        time.sleep(0.1)  # noqa: ASYNC251  # nothing else runs here


@pytest.mark.slow
async def test_a_process_that_stands_still_is_replaced_and_signals_to_the_group_are_borne(
    directory: Path,
) -> None:
    asked = request("r", steps=30)
    async with EngineClient(directory, threads=1, patience=10.0) as client:
        assert client._life
        vessel = client._life.vessel
        assert isinstance(vessel, ProcessVessel)
        running = asyncio.create_task(picture(client, asked))
        await started(client)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(vessel.process.pid, number)
        assert await running == plainly(load(directory), asked)
        assert client.stats().restarts == 0
        os.kill(vessel.process.pid, signal.SIGSTOP)
        assert await picture(client, asked) == plainly(load(directory), asked)
        assert client.stats().restarts == 1
        assert not lives(vessel.process.pid)


def priorities(pid: int) -> dict[int, int]:
    """Of a process's threads, the main one's number is the process's."""
    tasks = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    return {task: os.getpriority(os.PRIO_PROCESS, task) for task in tasks}


@pytest.mark.slow
async def test_a_spare_process_imports_at_the_lowest_priority_and_runs_at_the_usual_one(
    directory: Path,
) -> None:
    asked = request("r", steps=30)
    async with EngineClient(directory, threads=1, spare=True) as client:
        assert client._life
        assert client._spare
        lost, spare = client._life.vessel, client._spare.vessel
        assert isinstance(lost, ProcessVessel)
        assert isinstance(spare, ProcessVessel)
        pid = spare.process.pid
        while 19 not in priorities(pid).values():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        while "libtorch_cpu" not in Path(f"/proc/{pid}/maps").read_text():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.1)
        lost.process.kill()
        assert await picture(client, asked) == plainly(load(directory), asked)
        assert client._life.vessel is spare
        low = [task for task, priority in priorities(pid).items() if priority]
        assert pid not in low
        assert len(low) <= 1  # the profiler's, which waits for ever
