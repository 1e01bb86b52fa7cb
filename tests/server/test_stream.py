"""Server-sent events, and what happens when the client leaves."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import httpx2
import pytest
from friendli_engine.errors import OutOfMemoryError
from PIL import Image
from server.fakes import FakeEngine

PATH = "/v1/images/generations"
EVENTS = {"accept": "text/event-stream"}


def parse(text: str) -> list[tuple[str, Any]]:
    """(name, data) of every event."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data[6:])) for name, data in blocks]


async def stream(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    return await client.post(PATH, json={"prompt": "a", "stream": True} | body, headers=EVENTS)


async def test_events_tell_queue_steps_and_then_the_plain_answer(
    client: httpx2.AsyncClient,
) -> None:
    answer = await stream(client, seed=1, num_inference_steps=2, preview_every=0)
    assert answer.headers["content-type"].startswith("text/event-stream")
    body = {"prompt": "a", "seed": 1, "num_inference_steps": 2, "response_format": "jpeg"}
    plain = await client.post(PATH, json=body)
    assert parse(answer.text) == [
        ("queued", {"position": 0, "eta": 0.5}),
        ("progress", {"step": 1, "steps": 2, "eta": 0.1}),
        ("progress", {"step": 2, "steps": 2, "eta": 0.1}),
        ("finished", plain.json()),
    ]


async def test_a_failure_after_the_stream_began_is_its_last_event(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.fails = OutOfMemoryError("It does not fit.")
    answer = await stream(client)
    name, data = parse(answer.text)[-1]
    assert (answer.status_code, name, data["message"]) == (200, "error", "It does not fit.")
    assert data["request_id"] == answer.headers["x-request-id"]


async def test_a_bad_request_is_refused_before_the_stream_begins(
    client: httpx2.AsyncClient,
) -> None:
    assert (await stream(client, num_inference_steps=99)).status_code == 422


async def test_without_the_accept_header_the_events_are_openais(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    body = {"prompt": "a", "stream": True, "partial_images": 2, "num_inference_steps": 9}
    answer = await client.post(PATH, json=body)
    events = parse(answer.text)
    partial, done = "image_generation.partial_image", "image_generation.completed"
    assert [name for name, _ in events] == [partial, partial, done]
    assert [data["type"] for _, data in events] == [name for name, _ in events]
    assert [data.get("partial_image_index") for _, data in events] == [0, 1, None]
    assert events[-1][1]["usage"]["total_tokens"] == 0
    assert Image.open(io.BytesIO(base64.b64decode(events[-1][1]["b64_json"]))).size == (16, 8)


async def test_previews_are_small_jpegs(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    answer = await stream(client, num_inference_steps=2, preview_every=1)
    previews = [data for name, data in parse(answer.text) if name == "preview"]
    assert [data["step"] for data in previews] == [1, 2]
    image = Image.open(io.BytesIO(base64.b64decode(previews[0]["image"])))
    assert image.format == "JPEG"
    assert image.size == (previews[0]["width"], previews[0]["height"])


async def test_a_stream_has_about_eight_previews_unless_told_otherwise(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    await stream(client, num_inference_steps=20)
    assert engine.asked[0].preview_every == 3
    refused = await stream(client, preview_every=-1)
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "preview_every")


@pytest.mark.requirement("S4.cancel")
@pytest.mark.parametrize("headers", [{}, EVENTS])
async def test_a_client_that_leaves_stops_the_work_within_a_step(
    remote: httpx2.AsyncClient, engine: FakeEngine, headers: dict[str, str]
) -> None:
    engine.gate = asyncio.Semaphore(0)
    body = {"prompt": "a", "stream": True}
    asking = asyncio.create_task(remote.post(PATH, json=body, headers=headers))
    await engine.until(lambda: engine.running)
    engine.gate.release()
    await engine.until(lambda: engine.steps_run == 1)
    asking.cancel()
    await engine.until(lambda: engine.cancelled)
    assert engine.steps_run == 1


async def test_twenty_four_clients_leave_and_the_one_who_stays_is_served(
    remote: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.gate = asyncio.Semaphore(0)
    leaving = [asyncio.create_task(remote.post(PATH, json={"prompt": "l"})) for _ in range(24)]
    staying = asyncio.create_task(remote.post(PATH, json={"prompt": "s", "num_inference_steps": 3}))
    await engine.until(lambda: engine.running == 25)
    for task in leaving:
        task.cancel()
    await engine.until(lambda: len(engine.cancelled) == 24)
    for _ in range(3):
        engine.gate.release()
    assert (await staying).status_code == 200
    assert engine.steps_run == 3
