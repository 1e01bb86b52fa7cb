"""Behind the real container: its own routes and rules, on an engine without a model."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from io import BytesIO

import httpx2
import pytest
from fastapi import FastAPI
from friendli_server.container.app import application
from friendli_server.container.arrival import Arrival
from friendli_server.container.service import Service
from friendli_server.dedicated.images import dispatch
from friendli_server.dedicated.replicas import fleet
from friendli_server.dedicated.replicas.container import ContainerClient
from friendli_server.dedicated.replicas.interfaces import Health
from friendli_server.settings import ContainerSettings
from PIL import Image
from server.fakes import FakeEngine

from .conftest import BODY, Tenant, World


@dataclass
class RealContainer:
    """The container's application on the fakes' network."""

    app: FastAPI
    dead: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Served:
    """A gateway's endpoint with a real container behind it."""

    world: World
    engine: FakeEngine
    tenant: Tenant
    endpoint: str


@pytest.fixture
async def served(world: World) -> AsyncIterator[Served]:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    engine = FakeEngine()
    service = Service(engine, ContainerSettings(host="0.0.0.0"))
    [name] = world.network.containers
    world.network.containers[name] = RealContainer(application(service))
    yield Served(world, engine, tenant, endpoint)
    await service.intake.aclose()


@pytest.mark.requirement("weights.phase")
async def test_a_container_that_fetches_its_weights_is_known_to(served: Served) -> None:
    service = Service(FakeEngine(), ContainerSettings(host="0.0.0.0"))
    service.arrival = Arrival("downloading", "a.safetensors", 3, 10)
    transport = httpx2.ASGITransport(application(service))
    async with httpx2.AsyncClient(transport=transport) as http:
        client = ContainerClient(http)
        assert await client.health("http://c") == Health(ready=False, downloads=True)
        service.arrival = None
        assert await client.health("http://c") == Health(ready=True)
    await service.intake.aclose()


@pytest.mark.parametrize("wanted", ["jpeg", "jpg", "png", "raw"])
async def test_every_format_is_the_engines_picture(served: Served, wanted: str) -> None:
    answer = await served.world.generate(served.tenant, served.endpoint, response_format=wanted)
    assert answer.status_code == 200, answer.text
    [item] = answer.json()["data"]
    content = base64.b64decode(item["b64_json"])
    assert (item["width"], item["height"], item["seed"]) == (16, 8, 11)
    if wanted in {"raw", "png"}:
        image = Image.open(BytesIO(content)).tobytes() if wanted == "png" else content
        assert image == bytes([11, 4, 0]) * 16 * 8
    else:
        assert Image.open(BytesIO(content)).format == "JPEG"


async def test_guidance_not_named_is_the_models_own_and_zero_is_zero(served: Served) -> None:
    for change in ({}, {"guidance_scale": None}, {"guidance_scale": 0}, {"guidance_scale": 2.5}):
        answer = await served.world.generate(served.tenant, served.endpoint, **change)
        assert answer.status_code == 200, answer.text
    assert [asked.guidance for asked in served.engine.asked] == [None, None, 0, 2.5]


async def test_the_adapter_steps_and_seed_are_the_engines(served: Served) -> None:
    model = f"{served.endpoint}:ink"
    await served.world.generate(served.tenant, model, seed=2**64 - 1, num_inference_steps=7)
    [asked] = served.engine.asked
    assert (asked.adapter, asked.seed, asked.steps) == ("ink", 2**64 - 1, 7)


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"num_inference_steps": 0}, 422, "num_inference_steps"),
        ({"num_inference_steps": 51}, 422, "num_inference_steps"),
        ({"guidance_scale": -1}, 422, "guidance_scale"),
        ({"seed": 2**64}, 422, "seed"),
        ({"prompt": "x" * 10_001}, 422, "prompt"),
        ({"control_images": [{"image": "!"}]}, 422, "control_images"),
        ({"model": "{endpoint}:nope"}, 404, "model"),
    ],
)
async def test_what_the_container_refuses_is_refused_in_its_words(
    served: Served, change: dict[str, object], status: int, param: str
) -> None:
    model = str(change.pop("model", "{endpoint}")).format(endpoint=served.endpoint)
    answer = await served.world.generate(served.tenant, model, **change)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["param"] == param
    assert error["code"] != "bad_replica_answer"


async def test_a_container_that_drains_hands_its_requests_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "_PROBE_SECONDS", 0.01)
    world = served.world
    served.engine.state = "stopped"
    world.launcher.born_ready = True
    answer = await world.generate(served.tenant, served.endpoint)
    assert answer.status_code == 200
    assert served.engine.asked == []
    assert len(world.launcher.launched) == 2


async def test_a_replica_that_does_not_take_a_request_is_asked_until_it_does(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_ELSEWHERE_SECONDS", 0.0)
    monkeypatch.setattr(fleet, "_PROBE_SECONDS", 1e9)
    served.engine.state = "stopped"
    moved = served.world.gateway.metrics.moved.labels("lost")

    async def asked_often() -> bool:
        return bool(moved._value.get() > 5)

    asked = asyncio.create_task(served.world.generate(served.tenant, served.endpoint))
    await served.world.until(asked_often)
    served.engine.state = "ready"
    assert (await asked).status_code == 200
    assert len(served.world.launcher.launched) == 1


async def test_a_stream_ends_with_the_picture_of_the_plain_answer(served: Served) -> None:
    plain = await served.world.generate(served.tenant, served.endpoint, response_format="png")
    streamed = await served.world.client.post(
        "/dedicated/v1/images/generations",
        json={**BODY, "model": served.endpoint, "response_format": "png", "stream": True},
        headers=served.tenant.headers | {"accept": "text/event-stream"},
    )
    frames = [frame.splitlines() for frame in streamed.text.split("\n\n") if frame]
    names = [name for name, _ in frames]
    assert "event: progress" in names
    assert names[-1] == "event: finished"
    assert json.loads(frames[-1][1].removeprefix("data: "))["data"] == plain.json()["data"]
    assert [asked.guidance for asked in served.engine.asked] == [None, None]


async def test_teams_that_share_a_container_are_clients_of_their_own(served: Served) -> None:
    world = served.world
    other = await world.tenant("other")
    endpoint = await world.endpoint(other)
    shared = next(iter(world.network.containers.values()))
    world.network.containers |= dict.fromkeys(world.network.containers, shared)
    for tenant, model in ((served.tenant, served.endpoint), (other, endpoint)):
        assert (await world.generate(tenant, model)).status_code == 200
    one, two = (asked.tenant for asked in served.engine.asked)
    assert one != two
    assert served.tenant.id not in one


async def test_several_pictures_come_in_one_answer(served: Served) -> None:
    answer = await served.world.generate(served.tenant, served.endpoint, n=3, size="16x8")
    assert [item["seed"] for item in answer.json()["data"]] == [11, 12, 13]
