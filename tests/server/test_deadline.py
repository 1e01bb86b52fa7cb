"""How long a caller will wait: then a 504, and the work stops."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from friendli_server.container.service import Service
from server.fakes import FakeEngine

PATH = "/v1/images/generations"
BODY = {"prompt": "a", "num_inference_steps": 2}


@pytest.mark.requirement("S4.cancel")
async def test_when_the_time_is_over_the_answer_is_a_504_and_the_work_stops(
    client: httpx2.AsyncClient, engine: FakeEngine, service: Service
) -> None:
    engine.gate = asyncio.Semaphore(1)
    answer = await client.post(PATH, json=BODY, headers={"x-request-timeout": "0.2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")
    await engine.until(lambda: engine.cancelled)
    assert engine.steps_run <= 1
    assert service.admission.idle.is_set()


@pytest.mark.parametrize("limit", ["3600", "1e3", " 60 "])
async def test_in_time_nothing_is_different(client: httpx2.AsyncClient, limit: str) -> None:
    answer = await client.post(PATH, json=BODY, headers={"x-request-timeout": limit})
    assert answer.status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "3601", "nan", "inf", "soon", "", "1e999"])
async def test_what_is_no_time_is_refused(client: httpx2.AsyncClient, limit: str) -> None:
    answer = await client.post(PATH, json=BODY, headers={"x-request-timeout": limit})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "x-request-timeout")
