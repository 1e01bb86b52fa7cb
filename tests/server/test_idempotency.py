"""A request that comes again: it joins, is replayed, or is told that it is another one."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from friendli_engine.errors import NotFiniteError
from friendli_server.container import jobs
from friendli_server.container.job import Job
from friendli_server.container.jobs import Jobs, Key
from friendli_server.container.service import Service
from server.fakes import FakeEngine

PATH = "/v1/images/generations"
OFFICIAL = {"user-agent": "speakeasy-sdk/python 0.16.3 2.950.2 0.1.0 friendli-core"}


async def post(
    client: httpx2.AsyncClient, key: str | None = "k", *, headers: Any = None, **body: Any
) -> httpx2.Response:
    headers = dict(headers or {}) | ({"idempotency-key": key} if key is not None else {})
    return await client.post(PATH, json={"prompt": "a"} | body, headers=headers)


async def test_a_finished_request_is_replayed_byte_for_byte(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    first, again = [await post(client, response_format="jpeg") for _ in range(2)]
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(engine.asked) == 1


async def test_fifty_at_once_are_one_generation(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.gate = asyncio.Semaphore(0)
    asking = [asyncio.create_task(post(client, num_inference_steps=1)) for _ in range(50)]
    await engine.until(lambda: engine.running)
    engine.gate.release()
    answers = await asyncio.gather(*asking)
    assert {answer.json()["image"] for answer in answers} == {answers[0].json()["image"]}
    assert len(engine.asked) == 1


@pytest.mark.parametrize("other", [{"prompt": "b"}, {"seed": 1}, {"n": 2}])
async def test_the_same_key_for_another_body_is_refused(
    client: httpx2.AsyncClient, other: dict[str, Any]
) -> None:
    await post(client)
    answer = await post(client, **other)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")


async def test_keys_of_different_callers_never_meet(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    for token in ("Bearer a", "Bearer b"):
        assert (await post(client, headers={"authorization": token})).status_code == 200
    assert len(engine.asked) == 2


async def test_a_failure_is_not_kept(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    engine.fails = NotFiniteError("NaN")
    assert (await post(client)).status_code == 500
    engine.fails = None
    assert (await post(client)).status_code == 200


async def test_a_refused_request_leaves_its_key_free(client: httpx2.AsyncClient) -> None:
    assert (await post(client, num_inference_steps=99)).status_code == 422
    assert (await post(client)).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_what_is_no_key_is_refused(client: httpx2.AsyncClient, key: str) -> None:
    assert (await post(client, key)).json()["error"]["param"] == "Idempotency-Key"


async def test_streams_are_replayed_too(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    headers = {"accept": "text/event-stream"}
    first, again = [await post(client, headers=headers, stream=True) for _ in range(2)]
    assert first.text == again.text
    assert len(engine.asked) == 1


async def leave(client: httpx2.AsyncClient, engine: FakeEngine, **how: Any) -> None:
    """Ask, and hang up after the first step."""
    asking = asyncio.create_task(post(client, num_inference_steps=2, **how))
    await engine.until(lambda: engine.running)
    assert engine.gate
    engine.gate.release()
    await engine.until(lambda: engine.steps_run == 1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize("how", [{"key": "k"}, {"key": None, "headers": OFFICIAL}])
async def test_a_caller_that_was_cut_off_finds_its_job_again(
    remote: httpx2.AsyncClient, engine: FakeEngine, service: Service, how: dict[str, Any]
) -> None:
    engine.gate = asyncio.Semaphore(0)
    await leave(remote, engine, **how)
    await asyncio.wait_for(service.admission.idle.wait(), 10)
    engine.gate.release()
    answer = await post(remote, num_inference_steps=2, **how)
    assert answer.headers["idempotent-replayed"] == "true"
    assert (len(engine.asked), engine.cancelled) == (1, [])


async def test_a_caller_that_does_not_come_again_is_not_waited_for_long(
    remote: httpx2.AsyncClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LINGER", 0.01)
    engine.gate = asyncio.Semaphore(0)
    await leave(remote, engine)
    await engine.until(lambda: engine.cancelled)
    assert engine.steps_run == 1


async def test_the_official_client_asking_twice_gets_two_pictures(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    for _ in range(2):
        await post(client, None, headers=OFFICIAL)
    assert len({request.seed for request in engine.asked}) == 2


class Finished(Job):
    """A job that ended with `size` bytes of pictures."""

    size = 10
    lost = False

    def __init__(self) -> None:
        pass


def test_memory_and_time_are_bounded() -> None:
    now = [0.0]
    kept = Jobs(limit=25, seconds=100, clock=lambda: now[0])
    keys = [Key("c", str(n), b"") for n in range(4)]
    for key in keys:
        kept.keep(key, job := Finished())
        assert job.on_end
        job.on_end(job)
    assert [kept.find(key) is not None for key in keys] == [False, False, True, True]
    now[0] = 101.0
    assert [kept.find(key) for key in keys] == [None] * 4
