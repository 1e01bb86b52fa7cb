"""A picture watched as it comes, through the gateway: steps, previews, and the public answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from friendli import AsyncFriendli, models

from .conftest import BODY, Tenant, World

PATH = "/dedicated/v1/images/generations"
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return await world.tenant()


@pytest.fixture
async def endpoint(world: World, tenant: Tenant) -> str:
    return await world.endpoint(tenant)


async def stream(world: World, tenant: Tenant, model: str, **changes: Any) -> httpx2.Response:
    return await world.client.post(
        PATH,
        json={**BODY, "model": model, "stream": True, **changes},
        headers=tenant.headers | EVENTS,
    )


def events(answer: httpx2.Response) -> list[tuple[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    frames = [frame.split("\n") for frame in answer.text.split("\n\n") if frame]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in frames
    ]


@pytest.mark.requirement("stream.gateway")
async def test_the_last_event_is_the_plain_answer(
    world: World, tenant: Tenant, endpoint: str
) -> None:
    heard = events(await stream(world, tenant, endpoint))
    assert [name for name, _ in heard] == ["progress", "preview", "finished"]
    assert heard[0][1] == {"step": 1, "steps": 4, "eta": 0.5}
    [item] = heard[-1][1]["data"]
    plain = (await world.generate(tenant, endpoint)).json()["data"][0]
    assert item.keys() == plain.keys()
    pictures = [(await world.client.get(url)).content for url in (item["url"], plain["url"])]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("wanted", ["png", "jpeg", "jpg", "raw"])
async def test_the_picture_may_come_in_the_stream(
    world: World, tenant: Tenant, endpoint: str, wanted: str
) -> None:
    heard = events(await stream(world, tenant, endpoint, response_format=wanted))
    plain = (await world.generate(tenant, endpoint, response_format=wanted)).json()
    assert heard[-1][1]["data"] == plain["data"]


async def test_guidance_not_named_is_the_models_own(
    world: World, tenant: Tenant, endpoint: str
) -> None:
    await stream(world, tenant, endpoint)
    assert world.launcher.launched[0].bodies[0]["guidance_scale"] is None


@pytest.mark.parametrize(
    ("change", "status"),
    [({"num_inference_steps": 99}, 422), ({"n": 2}, 422), ({"model": "depzzzzzzzzzzzz"}, 404)],
)
async def test_what_is_wrong_with_a_request_is_said_before_the_stream(
    world: World, tenant: Tenant, endpoint: str, change: dict[str, Any], status: int
) -> None:
    answer = await stream(world, tenant, **{"model": endpoint, **change})
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


async def test_a_replica_that_breaks_off_is_replaced_within_the_stream(
    world: World, tenant: Tenant, endpoint: str
) -> None:
    world.launcher.launched[0].breaks = True
    heard = events(await stream(world, tenant, endpoint))
    names = [name for name, _ in heard]
    assert names == ["progress", "preview", "progress", "preview", "finished"]


async def test_a_failure_on_the_way_is_the_last_event(
    world: World, tenant: Tenant, endpoint: str
) -> None:
    world.launcher.launched[0].fails = "nan_detected"
    name, error = events(await stream(world, tenant, endpoint))[-1]
    assert (name, error["error"]["code"]) == ("error", "nan_detected")
    assert error["request_id"]


async def test_a_stream_is_counted_and_recorded_like_any_picture(
    world: World, tenant: Tenant, endpoint: str
) -> None:
    await stream(world, tenant, endpoint)
    world.launcher.launched[0].fails = "nan_detected"
    await stream(world, tenant, endpoint)
    report = await world.client.get("/dedicated/v1/team/usage", headers=tenant.headers)
    assert report.json()["images"] == 1


@pytest.mark.requirement("stream.gateway")
async def test_the_sdk_streams_an_endpoints_picture(
    world: World, tenant: Tenant, endpoint: str
) -> None:
    async with AsyncFriendli(
        token=tenant.token, server_url="http://gateway", async_client=world.client
    ) as friendli:
        image = friendli.dedicated.image
        async with image.stream(model=endpoint, prompt="p", seed=3) as followed:
            *before, last = [event async for event in followed]
        assert [type(event) for event in before] == [models.ProgressEvent, models.PreviewEvent]
        assert isinstance(last, models.DedicatedFinishedEvent)
        assert last.data[0].seed == 3
        steps: list[int] = []
        edited = await image.edit(
            model=endpoint,
            prompt="p",
            image={"image": "aGk="},
            on_progress=lambda event: steps.append(event.step),
        )
    assert (steps, len(edited.data)) == ([1], 1)


async def test_leaving_a_stream_frees_the_container(
    world: World, tenant: Tenant, endpoint: str
) -> None:
    container = world.launcher.launched[0]
    container.held = True
    left = asyncio.Event()
    body = httpx2.Request(
        "POST", "http://gateway", json={**BODY, "model": endpoint, "stream": True}
    ).content
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, object]:
        for message in messages:
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        pass

    async def asked() -> bool:
        return len(container.bodies) == 1

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
        "headers": [
            (b"authorization", f"Bearer {tenant.token}".encode()),
            (b"content-type", b"application/json"),
            (b"accept", b"text/event-stream"),
        ],
    }
    async with asyncio.TaskGroup() as group:
        group.create_task(world.app(scope, receive, send))
        await world.until(asked)
        left.set()
    assert (container.cancelled, container.finished) == (1, 0)
