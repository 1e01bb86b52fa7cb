"""Events of a job under way, and leaving it early."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from friendli import AsyncFriendli, SyncFriendli, models
from pydantic import ValidationError
from sdk.conftest import QUICK, Run, run_async, run_sync
from sdk.stub import Reply, Stub, events

QUEUED = ("queued", {"position": 2, "eta": 1.2})
STEP = ("progress", {"step": 3, "steps": 10, "eta": 0.4})
PREVIEW = ("preview", {"step": 3, "image": "aGk=", "width": 8, "height": 8})
DONE = ("finished", {"image": "aGkh", "seed": 5, "width": 64, "height": 64, "format": "jpeg"})
FAILED = (
    "error",
    {"message": "out of memory", "error": {"message": "out of memory", "type": "server_error"}},
)


def collect(stub: Stub, kind: str, **given: Any) -> list[Any]:
    """All events, through either client."""
    config = {"server_url": stub.url, "retry_config": QUICK}
    if kind == "sync":
        return run_sync(lambda f: list(f.container.image.stream(**given)), **config)  # type: ignore[no-any-return]

    async def listed(f: AsyncFriendli) -> list[Any]:
        return [event async for event in f.container.image.stream(**given)]

    return run_async(listed, **config)  # type: ignore[no-any-return]


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_events_come_in_order_and_typed(stub: Stub, kind: str) -> None:
    stub.replies = [events(QUEUED, STEP, ("later-invention", {}), PREVIEW, DONE)]
    queued, step, preview, done = collect(stub, kind, prompt="p")
    assert isinstance(queued, models.QueuedEvent)
    assert (queued.position, queued.eta) == (2, 1.2)
    assert isinstance(step, models.ProgressEvent)
    assert (step.step, step.steps, step.eta) == (3, 10, 0.4)
    assert isinstance(preview, models.PreviewEvent)
    assert (preview.content, preview.width) == (b"hi", 8)
    assert isinstance(done, models.FinishedEvent)
    assert (done.content, done.seed, done.format) == (b"hi!", 5, "jpeg")


def test_a_stream_is_asked_for_by_key_and_header(stub: Stub, kind: str) -> None:
    stub.replies = [events(DONE)]
    collect(stub, kind, prompt="p", seed=3)
    request = stub.requests[0]
    assert request.headers["accept"] == "text/event-stream"
    assert request.json == {
        "prompt": "p",
        "num_inference_steps": 20,
        "guidance_scale": 0.0,
        "seed": 3,
        "stream": True,
    }


def test_an_image_makes_it_an_edit(stub: Stub, kind: str) -> None:
    stub.replies = [events(DONE)]
    collect(stub, kind, prompt="p", image="https://example.com/cat.png")
    assert stub.requests[0].path == "/v1/images/edits"
    assert stub.requests[0].json["image"] == {"image": "https://example.com/cat.png"}


def test_a_mask_is_an_edits_and_needs_its_picture(stub: Stub, kind: str) -> None:
    stub.replies = [events(DONE)]
    cat = "https://example.com/cat.png"
    with pytest.raises(ValidationError) as caught:
        collect(stub, kind, prompt="p", mask=cat)
    assert [fault["loc"] for fault in caught.value.errors()] == [("image",)]
    assert stub.requests == []
    collect(stub, kind, prompt="p", image=cat, mask=cat)
    assert stub.requests[0].json["mask"] == {"image": cat}


def test_a_failure_in_the_stream_is_raised(stub: Stub, kind: str) -> None:
    stub.replies = [events(STEP, FAILED)]
    with pytest.raises(models.SDKError, match="out of memory") as caught:
        collect(stub, kind, prompt="p")
    assert caught.value.error["type"] == "server_error"


def test_a_refusal_before_the_stream_is_raised_with_its_body(stub: Stub, kind: str) -> None:
    stub.replies = [Reply({"message": "bad prompt"}, status=422)]
    with pytest.raises(models.SDKError, match="bad prompt") as caught:
        collect(stub, kind, prompt="p")
    assert caught.value.status_code == 422


def test_opening_a_stream_is_tried_again(stub: Stub, kind: str) -> None:
    stub.replies = [Reply({}, status=503), events(DONE)]
    assert len(collect(stub, kind, prompt="p")) == 1
    assert len(stub.requests) == 2


def test_a_server_that_does_not_stream_still_finishes(stub: Stub, kind: str) -> None:
    stub.replies = [Reply({"image": "aGkh"})]
    [done] = collect(stub, kind, prompt="p")
    assert isinstance(done, models.FinishedEvent)
    assert done.content == b"hi!"


def test_an_answer_that_is_neither_stream_nor_json_is_an_sdk_error(stub: Stub, kind: str) -> None:
    stub.replies = [Reply(b"<html>", headers={"content-type": "text/html"})]
    with pytest.raises(models.SDKError, match="Unexpected response"):
        collect(stub, kind, prompt="p")


def test_a_large_picture_fits_an_event(stub: Stub, kind: str) -> None:
    stub.replies = [events(("finished", {"image": "A" * 3_000_000}))]
    [done] = collect(stub, kind, prompt="p")
    assert len(done.image) == 3_000_000


def test_nothing_is_sent_before_the_first_event_is_wanted(stub: Stub) -> None:
    with SyncFriendli(server_url=stub.url) as friendli:
        friendli.container.image.stream(prompt="p")
    assert stub.requests == []


def test_leaving_the_block_closes_the_connection(stub: Stub) -> None:
    stub.replies = [events(STEP, stay=True)]
    with SyncFriendli(server_url=stub.url) as friendli:
        with friendli.container.image.stream(prompt="p") as stream:
            assert isinstance(next(stream), models.ProgressEvent)
            assert not stub.gone.is_set()
        assert stub.gone.wait(10)


def test_close_closes_the_connection(stub: Stub) -> None:
    stub.replies = [events(STEP, stay=True)]
    with SyncFriendli(server_url=stub.url) as friendli:
        stream = friendli.container.image.stream(prompt="p")
        next(stream)
        stream.close()
        assert stub.gone.wait(10)
        assert list(stream) == []


async def test_leaving_the_asynchronous_block_closes_the_connection(stub: Stub) -> None:
    stub.replies = [events(STEP, stay=True)]
    async with AsyncFriendli(server_url=stub.url) as friendli:
        async with friendli.container.image.stream(prompt="p") as stream:
            assert isinstance(await anext(stream), models.ProgressEvent)
        assert await asyncio.to_thread(stub.gone.wait, 10)


async def test_cancelling_the_task_closes_the_connection(stub: Stub) -> None:
    stub.replies = [events(STEP, stay=True)]
    async with AsyncFriendli(server_url=stub.url) as friendli:
        first = asyncio.Event()

        async def follow() -> None:
            async with friendli.container.image.stream(prompt="p") as stream:
                async for _ in stream:
                    first.set()

        task = asyncio.create_task(follow())
        await first.wait()
        task.cancel()
        assert await asyncio.to_thread(stub.gone.wait, 10)


def test_on_progress_hears_each_step_and_the_picture_returns(run: Run, stub: Stub) -> None:
    stub.replies = [events(QUEUED, STEP, PREVIEW, DONE)]
    heard: list[models.ProgressEvent] = []
    res = run(lambda f: f.container.image.generate(prompt="p", on_progress=heard.append))
    assert [event.step for event in heard] == [3]
    assert isinstance(res, models.ContainerImageGenerateSuccess)
    assert res.content == b"hi!"


def test_on_progress_works_for_edits(run: Run, stub: Stub) -> None:
    stub.replies = [events(STEP, DONE)]
    heard: list[models.ProgressEvent] = []
    image = {"image": "https://example.com/cat.png"}
    run(lambda f: f.container.image.edit(prompt="p", image=image, on_progress=heard.append))
    assert len(heard) == 1
    assert stub.requests[0].path == "/v1/images/edits"


def test_a_stream_without_an_end_says_so(run: Run, stub: Stub) -> None:
    stub.replies = [events(STEP)]
    with pytest.raises(models.NoResponseError, match="before the picture"):
        run(lambda f: f.container.image.generate(prompt="p", on_progress=print))
