"""What goes wrong around a real container and its engine's process, one fault after another.

Figures are printed; what is asserted of them are ratios, since machines differ.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from server.kontext import POISON, lay_out
from server.load import Answer, ask, caller, closed, flooded, quantile
from server.running import PATIENCE, Container, opened, running

pytestmark = [pytest.mark.slow, pytest.mark.requirement("S4.faults")]
QUEUE = 24


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("models") / "kontext")


@pytest.fixture(scope="module")
def container(model: Path) -> Iterator[Container]:
    flags = ["--max-queue", QUEUE + 1, "--max-per-client", QUEUE + 1, "--watchdog-seconds", 10]
    with running(model, *map(str, flags)) as container:
        yield container


def told(**figures: Any) -> None:
    print(json.dumps(figures))  # noqa: T201


def spent(process: psutil.Process) -> float:
    """Seconds of processor time."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def until(condition: Callable[[], bool], *, every: float = 0.02) -> float:
    """Seconds until it holds; it is asked `every` so many seconds."""
    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(every)
    return time.perf_counter() - began


async def test_twenty_four_clients_leave_and_the_one_who_stays_is_served(
    container: Container,
) -> None:
    told_before = container.numbers()["friendli_engine_finished"]
    alone = container.post(seed=7, response_format="raw").content
    # the engine tells its numbers twice a second
    await until(lambda: container.numbers()["friendli_engine_finished"] > told_before)
    before = container.numbers()
    async with caller(container) as client:
        work: dict[str, Any] = {"num_inference_steps": 50, "size": "256x256"}
        leaving = [asyncio.create_task(ask(client, **work)) for _ in range(QUEUE)]
        await until(lambda: container.numbers()["friendli_current_items"] == QUEUE)
        await until(lambda: container.numbers()["friendli_engine_active"] > 0)
        for task in leaving:
            task.cancel()
        stayed = await asyncio.to_thread(container.post, seed=7, response_format="raw")
    assert stayed.content == alone
    seconds = await until(lambda: container.numbers()["friendli_current_items"] == 0)

    def since(name: str) -> float:
        return container.numbers()[name] - before[name]

    await until(lambda: since("friendli_engine_cancelled") == QUEUE)
    assert since("friendli_engine_finished") == 1
    told(fault="leave", seconds_until_all_places_are_free=round(seconds, 3))


async def test_slow_senders_and_readers_hold_up_nobody_and_are_dropped(
    container: Container,
) -> None:
    at = urlsplit(container.url)
    head = b"POST /v1/images/generations HTTP/1.1\r\nhost: localhost\r\n"
    body = head + b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    opened = [await asyncio.open_connection(at.hostname, at.port) for _ in range(120)]
    for i, (_, writer) in enumerate(opened):
        writer.write((b"", head, body)[i % 3] if i < 3 * QUEUE else (b"", head)[i % 2])
    began = time.perf_counter()
    async with caller(container) as client:
        served = await ask(client)
    assert served.status == 200
    async with asyncio.timeout(60):  # they end by the server's deadlines, not by ours
        last = await asyncio.gather(*(reader.read() for reader, _ in opened))
    told(
        fault="slow", served=round(served.seconds, 3), dropped=round(time.perf_counter() - began, 1)
    )
    assert {answer[:12] for answer in last} == {b"", b"HTTP/1.1 408"}
    for _, writer in opened:
        writer.close()


async def pace(container: Container, rows: int) -> tuple[float, float]:
    """Of the next `rows`: those a second, and those for a second of a core."""

    def told() -> float:
        return container.numbers()["friendli_engine_rows"]

    before = told()
    await until(lambda: told() > before)  # the engine tells its numbers twice a second
    first, began, used = told(), time.perf_counter(), spent(container.worker())
    await until(lambda: told() > first + rows, every=0.25)
    made, used = told() - first, spent(container.worker()) - used
    return made / (time.perf_counter() - began), made / used


async def test_ten_times_too_much_is_refused_at_once_and_costs_no_pictures(
    container: Container,
) -> None:
    work: dict[str, Any] = {"num_inference_steps": 50}
    rows = 50 * 4 * QUEUE
    async with caller(container) as client:
        await closed(client, QUEUE, at_once=QUEUE, **work)
        full = asyncio.create_task(closed(client, 6 * QUEUE, at_once=QUEUE, **work))
        usual, usual_effort = await pace(container, rows)
        capacity = await full
    async with flooded(container, rate=10 * capacity, **work) as answers:
        flooded_pace, effort = await pace(container, rows)
    made = [a.seconds for a in answers if a.status == 200]
    refused = [a.seconds for a in answers if a.status == 429]
    p99 = quantile(refused, 0.99)
    told(
        fault="overload", capacity=round(capacity, 2), goodput=round(flooded_pace / usual, 3),
        effort=round(effort / usual_effort, 3), asked=len(answers), made=len(made),
        refused=len(refused), refusal_p50=round(quantile(refused, 0.5), 4),
        refusal_p99=round(p99, 4), made_p50=round(quantile(made, 0.5), 3),
    )  # fmt: skip
    others = Counter((a.status, a.broke) for a in answers if a.status not in (200, 429))
    assert not others, "nothing but pictures and refusals"
    assert len(refused) > len(made)
    assert p99 < quantile(made, 0.5) / 2
    # What the engine spends on a picture does not rise. On a machine whose cores nobody else uses
    # the pictures a second do not fall either: that is `goodput`.
    assert effort / usual_effort > 0.8


async def test_a_poisoned_row_fails_alone_and_its_neighbours_bytes_are_their_own(
    container: Container,
) -> None:
    async with caller(container) as client:
        alone = [(await ask(client, seed=seed)).content for seed in range(7)]
        poisoned, *together = await asyncio.gather(
            ask(client, prompt=f"a car at {POISON}"), *(ask(client, seed=seed) for seed in range(7))
        )
    assert (poisoned.status, json.loads(poisoned.content)["error"]["code"]) == (500, "nan_detected")
    assert [answer.content for answer in together] == alone
    assert len(set(alone)) == 7


async def test_a_picture_that_does_not_fit_into_memory_fails_alone(container: Container) -> None:
    container.raw(size="64x64")  # what is allocated once is allocated
    worker = container.worker()
    room = worker.memory_info().vms + 96 * 2**20
    worker.rlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    try:
        async with caller(container) as client:
            large, *others = await asyncio.gather(
                ask(client, size="1024x1024", num_inference_steps=1),
                *(ask(client, seed=seed) for seed in range(4)),
            )
    finally:
        worker.rlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert (large.status, json.loads(large.content)["error"]["code"]) == (500, "out_of_memory")
    assert [a.status for a in others] == [200] * 4
    assert container.worker().pid == worker.pid, "the engine did not die of it"
    assert container.post(size="256x256", num_inference_steps=1).status_code == 200


async def under_load(
    container: Container, disturb: Callable[[], None]
) -> tuple[list[Answer], float]:
    """Twelve long requests, disturbed while they run: the answers, and seconds not ready."""
    restarts = container.numbers()["friendli_engine_restarts"]
    async with caller(container) as client:
        asking = [
            asyncio.create_task(ask(client, seed=seed, num_inference_steps=50))
            for seed in range(12)
        ]
        await until(lambda: container.numbers()["friendli_engine_active"] > 0)
        disturb()
        await until(lambda: container.status("ready") == 503)
        began = time.perf_counter()
        assert container.status("live") == 200
        refused = await ask(client)
        assert (refused.status, json.loads(refused.content)["error"]["code"]) == (503, "not_ready")
        await until(lambda: container.status("ready") == 200)
        seconds = time.perf_counter() - began
        answers = await asyncio.gather(*asking)
    assert container.numbers()["friendli_engine_restarts"] == restarts + 1
    return answers, seconds


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_an_engine_that_is_lost_comes_back_and_the_unanswered_are_answered(
    container: Container, fault: signal.Signals
) -> None:
    async with caller(container) as client:
        expected = [(await ask(client, seed=s, num_inference_steps=50)).content for s in range(12)]
    answers, seconds = await under_load(container, lambda: container.worker().send_signal(fault))
    told(fault=fault.name, seconds_not_ready=round(seconds, 2))
    assert [a.content for a in answers] == expected


def test_a_damaged_adapter_ends_the_start_with_its_name(model: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((model / "adapters" / "ink.safetensors").read_bytes()[:-40])
    with (
        pytest.raises(AssertionError, match="adapter 'bad' is not a readable"),
        running(model, "--adapter", f"bad={damaged}"),
    ):
        pass


@pytest.mark.parametrize("round_", range(3))
async def test_a_signal_under_load_cuts_no_answer(model: Path, round_: int) -> None:
    with running(model) as leaving:
        async with caller(leaving) as client:
            asking = [
                asyncio.create_task(ask(client, seed=seed, num_inference_steps=50))
                for seed in range(12)
            ]
            await until(lambda: leaving.numbers()["friendli_current_items"] == 12)
            leaving.process.send_signal(signal.SIGTERM)
            answers = await asyncio.gather(*asking)
        assert [a.status for a in answers] == [200] * 12
        assert await asyncio.to_thread(leaving.process.wait, PATIENCE) == 0


async def test_a_second_signal_does_not_wait_for_work(model: Path) -> None:
    with running(model) as leaving:
        async with caller(leaving) as client:
            work: dict[str, Any] = {"size": "512x512", "num_inference_steps": 50}
            asking = [asyncio.create_task(ask(client, **work)) for _ in range(12)]
            await until(lambda: leaving.numbers()["friendli_current_items"] == 12)
            leaving.process.send_signal(signal.SIGTERM)
            await until(lambda: leaving.status("ready") == 503)
            leaving.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(leaving.process.wait, PATIENCE) == 0
            ended = {a.status for a in await asyncio.gather(*asking)}
            assert ended in ({503}, {200, 503}), "in the envelope, not cut off"


def recovered(container: Container, restarts: float) -> bool:
    again = container.numbers()["friendli_engine_restarts"] == restarts + 1
    return again and container.status("ready") == 200


async def test_the_recovery_of_postcard_by_its_spare_engine_is_measured() -> None:
    with running("--spare") as container:
        assert opened(container.post()).size == (256, 256)
        worker, spare = container.engines()
        # it listens when it has imported everything
        await until(lambda: bool(spare.net_connections("unix")))
        restarts = container.numbers()["friendli_engine_restarts"]
        async with caller(container) as client:
            asking = [asyncio.create_task(ask(client, seed=seed)) for seed in range(12)]
            await until(lambda: container.numbers()["friendli_engine_active"] > 0)
            spare_mib, before = spare.memory_full_info().uss >> 20, spent(spare)
            worker.kill()
            seconds = await until(lambda: recovered(container, restarts))
            work = spent(spare) - before
            answers = await asyncio.gather(*asking)
        told(
            fault="SIGKILL", model="postcard", recovery=round(seconds, 2),
            processor=round(work, 2), spare_mib=spare_mib,
        )  # fmt: skip
        assert work < 3, "seconds of a core, whoever else uses it"
        assert [a.status for a in answers] == [200] * 12
        assert container.worker().pid == spare.pid
