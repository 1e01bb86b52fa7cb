"""Edits and control images over HTTP: JSON and forms, counts, weights, and faults by field."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2
import pytest
from friendli_engine.request import Pixels
from msgspec.structs import replace
from PIL import Image
from server.fakes import INFO, FakeEngine

GENERATE, EDIT = "/v1/images/generations", "/v1/images/edits"


def png(colour: str = "red", size: tuple[int, int] = (8, 8)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def given(colour: str = "red") -> dict[str, str]:
    return {"image": "data:image/png;base64," + base64.b64encode(png(colour)).decode()}


RED, BLUE = Pixels(8, 8, b"\xff\0\0" * 64), Pixels(8, 8, b"\0\0\xff" * 64)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(replace(INFO, edits=True, controlnets=("edges", "layout")))


async def post(client: httpx2.AsyncClient, path: str, **body: Any) -> httpx2.Response:
    return await client.post(path, json={"prompt": "a"} | body)


@pytest.mark.parametrize(
    ("image", "seen"), [(given(), (RED,)), ([given(), given("blue")], (RED, BLUE))]
)
async def test_an_edit_takes_one_picture_or_several(
    client: httpx2.AsyncClient, engine: FakeEngine, image: Any, seen: tuple[Pixels, ...]
) -> None:
    answer = await post(client, EDIT, image=image, num_inference_steps=3, response_format="jpeg")
    assert answer.json().keys() == {"image", "seed", "width", "height", "format"}
    assert (engine.asked[0].images, engine.asked[0].steps) == (seen, 3)


async def test_a_model_that_takes_one_picture_says_so(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.info = replace(INFO, edits=True, max_images=1)
    assert (await post(client, EDIT, image=[given()])).status_code == 200
    refused = await post(client, EDIT, image=[given(), given("blue")])
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "image")
    assert "one picture" in refused.json()["message"]


@pytest.mark.parametrize("field", ["image", "image[]"])
@pytest.mark.parametrize("count", [1, 2])
async def test_an_edit_may_be_a_form(
    client: httpx2.AsyncClient, engine: FakeEngine, field: str, count: int
) -> None:
    files = [(field, ("a.png", png(), "image/png"))] * count
    data = {"prompt": "a", "n": "2", "num_inference_steps": "3", "size": "auto", "model": "ink"}
    answer = await client.post(EDIT, data=data, files=files)
    assert len(answer.json()["data"]) == 2
    [asked, _] = engine.asked
    assert (asked.images, asked.steps, asked.adapter) == ((RED,) * count, 3, "ink")


async def test_a_file_wins_over_a_text_of_its_name(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    data = {"prompt": "a", "image": "text"}
    assert (await client.post(EDIT, data=data, files={"image": png()})).status_code == 200
    assert engine.asked[0].images == (RED,)


async def test_a_streamed_edit_has_openais_names(client: httpx2.AsyncClient) -> None:
    answer = await post(client, EDIT, image=given(), stream=True)
    assert "event: image_edit.completed" in answer.text


@pytest.mark.parametrize(
    ("how", "status", "param"),
    [
        ({"data": {"prompt": "a"}}, 415, None),
        ({"data": {"prompt": "a"}, "files": {"other": b"x"}}, 422, "image"),
        ({"files": {"image": png()}}, 422, "prompt"),
        ({"data": {"prompt": "a"}, "files": {"image": b"no picture"}}, 422, "image"),
        ({"data": {"prompt": "a", "n": "many"}, "files": {"image": png()}}, 422, "n"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, None),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            None,
        ),
    ],
)
async def test_a_form_that_cannot_be_is_refused(
    client: httpx2.AsyncClient, how: dict[str, Any], status: int, param: str | None
) -> None:
    answer = await client.post(EDIT, **how)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"image": None},
        {"image": []},
        {"image": "x"},
        {"image": [given()] * 9},
        {"image": {"image": "%%%"}},
        {"image": {"image": "http://127.0.0.1:1/a.png"}},
        {"image": {"image": base64.b64encode(b"text").decode()}},
    ],
)
async def test_a_picture_that_cannot_be_is_a_422_that_names_image(
    client: httpx2.AsyncClient, engine: FakeEngine, body: dict[str, Any]
) -> None:
    answer = await post(client, EDIT, **body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "image")
    assert engine.asked == []


async def test_a_stream_with_a_bad_picture_is_refused_before_it_begins(
    client: httpx2.AsyncClient,
) -> None:
    body = {"prompt": "a", "image": {"image": "%%%"}, "stream": True}
    answer = await client.post(EDIT, json=body, headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_base64_image")


@pytest.mark.requirement("S4.control")
async def test_control_images_follow_the_controlnets_with_their_weights(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    images = [given(), given("blue")]
    await post(client, GENERATE, control_images=images, controlnet_weights=[0.5, 1])
    await post(client, GENERATE, control_images=images[:1])
    assert [request.control_images for request in engine.asked] == [(RED, BLUE), (RED,)]
    assert [request.control_weights for request in engine.asked] == [(0.5, 1.0), ()]


@pytest.mark.parametrize("nothing", [{}, {"control_images": None}, {"control_images": []}])
async def test_no_control_images_are_none(
    client: httpx2.AsyncClient, engine: FakeEngine, nothing: dict[str, Any]
) -> None:
    assert (await post(client, GENERATE, **nothing)).status_code == 200
    assert engine.asked[0].control_images == ()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"control_images": [given()] * 3}, "control_images"),
        ({"control_images": [{"image": ""}]}, "control_images"),
        ({"control_images": [given()], "controlnet_weights": [1, 1]}, "controlnet_weights"),
        ({"control_images": [given()], "controlnet_weights": [1.1]}, "controlnet_weights"),
        ({"control_images": [given()], "controlnet_weights": [-0.1]}, "controlnet_weights"),
        ({"controlnet_weights": [1]}, "controlnet_weights"),
    ],
)
async def test_control_that_cannot_be_is_a_422_that_names_the_field(
    client: httpx2.AsyncClient, body: dict[str, Any], param: str
) -> None:
    answer = await post(client, GENERATE, **body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)


async def test_a_model_without_controlnets_works_from_control_images_if_it_edits(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.info = replace(INFO, edits=True)
    await post(client, GENERATE, control_images=[given()])
    assert engine.asked[0].images == (RED,)


async def test_a_model_that_can_neither_says_so(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.info = INFO
    answers = [
        await post(client, GENERATE, control_images=[given()]),
        await post(client, EDIT, image=given()),
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert [answer.json()["error"]["param"] for answer in answers] == ["control_images", "image"]


@pytest.mark.requirement("S4.mask")
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
async def test_a_mask_comes_beside_one_picture(
    client: httpx2.AsyncClient, engine: FakeEngine, form: bool
) -> None:
    engine.info = replace(INFO, edits=False, inpaints=True)
    if form:
        files = {"image": png(), "mask": png("white")}
        answer = await client.post(EDIT, data={"prompt": "a"}, files=files)
    else:
        answer = await post(client, EDIT, image=[given()], mask=given("white"))
    assert answer.status_code == 200, answer.text
    assert engine.asked[0].images == (RED,)
    assert engine.asked[0].mask == Pixels(8, 8, b"\xff" * 192)


def masked(mask: bytes, times: int = 1) -> dict[str, Any]:
    """A form with a picture and so many masks."""
    files = [("image", png()), *[("mask", mask)] * times]
    return {"data": {"prompt": "a"}, "files": files}


@pytest.mark.requirement("S4.mask")
@pytest.mark.parametrize(
    ("how", "code"),
    [
        (masked(png(size=(8, 9))), "invalid_request"),
        (masked(b"no picture"), "unsupported_image_media_type"),
        (masked(png(), times=2), "invalid_request"),
        ({"json": {"prompt": "a", "image": given(), "mask": "aGk="}}, "invalid_request"),
        ({"json": {"prompt": "a", "image": given(), "mask": {}}}, "invalid_request"),
        ({"json": {"prompt": "a", "image": given(), "mask": [given()]}}, "invalid_request"),
        (
            {"json": {"prompt": "a", "image": given(), "mask": {"image": "?"}}},
            "invalid_base64_image",
        ),
        (
            {"json": {"prompt": "a", "image": given(), "mask": {"image": "http://10.0.0.1/"}}},
            "invalid_image_url",
        ),
    ],
    ids=["size", "no picture", "two", "text", "empty", "list", "base64", "url"],
)
async def test_a_mask_that_cannot_be_is_refused_by_name(
    client: httpx2.AsyncClient, engine: FakeEngine, how: dict[str, Any], code: str
) -> None:
    engine.info = replace(engine.info, inpaints=True)
    answer = await client.post(EDIT, **how)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (422, "mask", code)
    assert engine.asked == []


async def test_a_model_that_paints_into_no_mask_says_so(client: httpx2.AsyncClient) -> None:
    answer = await client.post(EDIT, **masked(png()))
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "mask")
    assert "leave the mask out" in answer.json()["message"]
