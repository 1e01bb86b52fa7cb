"""Who gets a place, who is told to come back and when."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from friendli_server.container.admission import Admission
from friendli_server.container.service import Service
from friendli_server.errors import ApiError
from friendli_server.settings import ContainerSettings
from server.fakes import FakeEngine

PATH = "/v1/images/generations"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(admission: Admission, client: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        admission.reserve(client)
    return caught.value


def test_places_are_limited_and_come_back() -> None:
    admission = Admission(2, per_client=2)
    place = admission.reserve("a")
    admission.reserve("a")
    assert refusal(admission, "b").status == 429
    place.release()
    place.release()
    assert admission.taken == 1
    admission.reserve("b")


def test_one_client_cannot_take_everything() -> None:
    admission = Admission(8)
    for _ in range(4):
        admission.reserve("greedy")
    assert "too many requests" in refusal(admission, "greedy").message
    assert admission.reserve("modest").position == 4


def test_several_pictures_take_several_places_or_none() -> None:
    admission = Admission(8, per_client=8)
    place = admission.reserve("a")
    place.widen(6)
    assert admission.taken == 6
    with pytest.raises(ApiError):
        admission.reserve("a").widen(3)
    place.release()
    assert admission.taken == 1


def test_retry_after_is_predicted_from_the_measured_pace() -> None:
    clock = Clock()
    admission = Admission(10, per_client=10, clock=clock)
    for _ in range(60):
        place = admission.reserve("a")
        clock.now += 4.0
        place.release(made=True)
    for _ in range(10):
        last = admission.reserve("a")
    assert last.position == 9
    assert last.eta == pytest.approx(40, rel=0.01)
    assert refusal(admission, "a").retry_after == 20


def test_refusals_and_failures_do_not_change_the_pace() -> None:
    clock = Clock()
    admission = Admission(10, clock=clock)
    clock.now = 100.0
    admission.reserve("a").release()
    assert admission.reserve("a").eta == 1.0


@pytest.fixture
def settings() -> ContainerSettings:
    return ContainerSettings(max_queue=3, max_per_client=3)


async def test_overload_is_refused_before_the_body_and_the_taken_ones_are_served(
    remote: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.gate = asyncio.Semaphore(0)
    body = {"prompt": "a", "num_inference_steps": 1}
    taken = [asyncio.create_task(remote.post(PATH, json=body)) for _ in range(3)]
    await engine.until(lambda: engine.running == 3)

    refused = await remote.post(PATH, content=b"not even JSON")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    for _ in taken:
        engine.gate.release()
    answers = await asyncio.gather(*taken)
    assert [answer.status_code for answer in answers] == [200] * 3
    assert sorted(answer.headers["x-queue-position"] for answer in answers) == ["0", "1", "2"]
    assert all(float(answer.headers["x-queue-eta"]) > 0 for answer in answers)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"prompt": "a"}, {}),
        ({"prompt": "a", "n": 3}, {}),
        ({"prompt": "a", "num_inference_steps": 99}, {}),
        ({"prompt": "a", "stream": True}, {"accept": "text/event-stream"}),
        ({"prompt": "a", "stream": True}, {}),
        ({"inputs": "a"}, {}),
    ],
)
async def test_every_way_to_end_gives_the_place_back(
    client: httpx2.AsyncClient, service: Service, body: dict[str, Any], headers: dict[str, str]
) -> None:
    await client.post("/" if "inputs" in body else PATH, json=body, headers=headers)
    assert service.admission.idle.is_set()


async def test_a_client_that_leaves_gives_its_place_back(
    remote: httpx2.AsyncClient, engine: FakeEngine, service: Service
) -> None:
    engine.gate = asyncio.Semaphore(0)
    asking = asyncio.create_task(remote.post(PATH, json={"prompt": "a"}))
    await engine.until(lambda: engine.running)
    asking.cancel()
    await engine.until(lambda: engine.cancelled)
    assert (await remote.post(PATH, json={"prompt": "a", "n": 4})).status_code == 429
    engine.gate = None
    assert (await remote.post(PATH, json={"prompt": "a", "n": 3})).status_code == 200
