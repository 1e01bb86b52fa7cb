"""Live from the first moment; ready only while a picture could be made."""

from __future__ import annotations

import httpx2
import pytest
from friendli_engine.protocol import Loading
from friendli_server.container.arrival import Arrival
from friendli_server.container.service import Service
from server.fakes import FakeEngine


@pytest.mark.requirement("S4.health")
@pytest.mark.parametrize("state", ["starting", "restarting", "draining", "closed"])
async def test_not_ready_answers_503_and_takes_no_work_but_is_live(
    client: httpx2.AsyncClient, engine: FakeEngine, state: str
) -> None:
    engine.state = state
    for path in ("/health", "/health/ready"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (503, {"status": state})
    assert (await client.get("/health/live")).status_code == 200
    refused = await client.post("/v1/images/generations", json={"prompt": "a"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
    assert refused.headers["retry-after"]


async def test_a_start_tells_what_it_is_at(
    client: httpx2.AsyncClient, engine: FakeEngine, service: Service
) -> None:
    service.arrival = Arrival("downloading", "a.safetensors", 3, 10)
    assert (await client.get("/health")).json() == {
        "status": "starting",
        "phase": "downloading",
        "what": "a.safetensors",
        "bytes_done": 3,
        "bytes_total": 10,
    }
    assert (await client.post("/v1/images/generations", json={"prompt": "a"})).status_code == 503
    service.arrival = Arrival("adapters")
    assert (await client.get("/health")).json() == {"status": "starting", "phase": "adapters"}
    service.arrival, engine.state = None, "starting"
    for phase, told in (("fetching", "downloading"), ("loading", "loading")):
        engine.loading = Loading(phase, "vae", 0.25)  # type: ignore[arg-type]
        answer = await client.get("/health")
        assert (answer.status_code, answer.json()) == (
            503,
            {"status": "starting", "phase": told, "what": "vae", "fraction": 0.25},
        )


async def test_ready_names_the_model(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "model": "fake"})


async def test_a_draining_server_is_live_and_refuses_work(
    client: httpx2.AsyncClient, service: Service
) -> None:
    service.draining = True
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health")).json() == {"status": "draining"}
    refused = await client.post("/v1/images/generations", json={"prompt": "a"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
