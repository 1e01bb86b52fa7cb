"""One path, several clients: whose shape is answered, and what each of them may ask."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import httpx2
import pytest
from huggingface_hub import InferenceClient
from msgspec.structs import replace
from PIL import Image
from server.fakes import INFO, FakeEngine

PATH = "/v1/images/generations"


async def post(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    answer = await client.post(PATH, json={"prompt": "a"} | body)
    assert answer.status_code == 200, answer.text
    return answer


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"response_format": "jpeg"}, {"image", "seed", "width", "height", "format"}),
        (
            {"response_format": "raw", "size": "16x16"},
            {"image", "seed", "width", "height", "format"},
        ),
        ({"response_format": "b64_json"}, {"created", "data", "output_format", "size"}),
        ({"n": 1}, {"created", "data", "output_format", "size"}),
        ({"size": "auto"}, {"created", "data", "output_format", "size"}),
        ({"quality": "high"}, {"created", "data", "output_format", "size"}),
        ({"model": None}, {"image", "created", "data"}),
        ({"num_inference_steps": 8, "seed": 1}, {"image", "created", "data"}),
    ],
)
async def test_the_fields_of_a_request_decide_the_shape_of_its_answer(
    client: httpx2.AsyncClient, body: dict[str, Any], keys: set[str]
) -> None:
    answer = (await post(client, **body)).json()
    if keys == {"image", "created", "data"}:
        assert keys < answer.keys()
        assert answer["data"][0]["b64_json"] == answer["image"]
    else:
        assert answer.keys() == keys


async def test_openai_clients_get_the_models_own_steps_and_guidance(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.info = replace(INFO, steps=7)
    await post(client, n=1)
    await post(client, n=1, num_inference_steps=3, guidance_scale=0)
    await post(client)
    asked = [(request.steps, request.guidance) for request in engine.asked]
    assert asked == [(7, None), (3, 0), (20, 0)]


async def test_n_pictures_have_consecutive_seeds(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    data = (await post(client, n=3, seed=2**64 - 1)).json()["data"]
    assert [item["seed"] for item in data] == [2**64 - 1, 0, 1]
    assert len({item["b64_json"] for item in data}) == 3
    assert len({request.id for request in engine.asked}) == 3


async def test_friendlis_shape_holds_one_picture(client: httpx2.AsyncClient) -> None:
    answer = await client.post(PATH, json={"prompt": "a", "n": 2, "response_format": "jpeg"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "n")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_the_file_is_of_the_format_asked_for_and_tells_how_it_was_made(
    client: httpx2.AsyncClient, kind: str
) -> None:
    answer = (await post(client, output_format=kind, seed=5, num_inference_steps=3)).json()
    image = opened(base64.b64decode(answer["data"][0]["b64_json"]))
    assert (image.format, answer["output_format"], answer["size"]) == (kind.upper(), kind, "16x8")
    assert told_by(image).startswith(
        "a\nSteps: 3, CFG scale: 3.5, Seed: 5, Size: 16x8, Model: fake"
    )


def told_by(image: Image.Image) -> str:
    if image.format == "PNG":
        return str(image.info["parameters"])
    comment = image.getexif().get_ifd(0x8769)[0x9286]
    return bytes(comment).removeprefix(b"UNICODE\0").decode("utf-16-be")


async def test_a_prompt_in_any_script_survives_in_the_file(client: httpx2.AsyncClient) -> None:
    answer = (await post(client, prompt="雪中的红色汽车", output_format="webp")).json()
    assert told_by(opened(base64.b64decode(answer["data"][0]["b64_json"]))).startswith("雪中的")


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ("auto", (16, 8)),
        ("32x64", (32, 64)),
        ("1024x1024", (8, 8)),
        ("1536x1024", (8, 8)),
    ],
)
async def test_sizes_are_exact_and_hard_coded_ones_shrink_to_what_the_model_can(
    client: httpx2.AsyncClient, engine: FakeEngine, size: str, made: tuple[int, int]
) -> None:
    engine.info = replace(INFO, max_pixels=64 * 64)
    answer = (await post(client, size=size)).json()
    assert answer["size"] == f"{made[0]}x{made[1]}"


async def test_a_size_beyond_the_model_is_refused(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.info = replace(INFO, max_pixels=64 * 64)
    answer = await client.post(PATH, json={"prompt": "a", "size": "128x128"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "size")


async def test_fields_without_effect_are_named(client: httpx2.AsyncClient) -> None:
    answer = await post(client, quality="hd", user="me", negative="ugly")
    assert answer.headers["x-ignored-parameters"] == "negative, quality, user"


async def test_strange_keys_do_not_break_the_header(client: httpx2.AsyncClient) -> None:
    answer = await post(client, **{"a\r\nb": 1, "é" * 300: 2, "fine": 3})
    assert answer.headers["x-ignored-parameters"] == "fine"


async def test_a_link_leads_to_the_picture_and_only_a_link_is_given(
    client: httpx2.AsyncClient,
) -> None:
    [item] = (await post(client, response_format="url")).json()["data"]
    assert item.keys() == {"url", "seed"}
    fetched = await client.get(item["url"])
    assert fetched.headers["content-type"] == "image/png"
    assert "sandbox" in fetched.headers["content-security-policy"]
    assert opened(fetched.content).size == (16, 8)
    assert (await client.get(item["url"] + "x")).status_code == 404


async def test_the_models_are_listed(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/v1/models")).json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["fake", "ink", "neon"]
    assert {model["object"] for model in listed["data"]} == {"model"}


@pytest.mark.parametrize(
    ("accept", "kind"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("*/*", "PNG")]
)
async def test_hugging_faces_task_is_answered_with_a_file(
    client: httpx2.AsyncClient, engine: FakeEngine, accept: str, kind: str
) -> None:
    parameters = {"num_inference_steps": 4, "seed": 9, "width": 32, "height": 16, "extra": 1}
    body = {"inputs": "a", "parameters": parameters}
    answer = await client.post("/", json=body, headers={"accept": accept})
    image = opened(answer.content)
    assert (image.format, image.size) == (kind, (32, 16))
    assert (engine.asked[0].steps, engine.asked[0].seed) == (4, 9)


async def test_hugging_faces_own_client_gets_its_picture(address: str, engine: FakeEngine) -> None:
    def ask() -> Image.Image:
        client = InferenceClient(base_url=address)
        return client.text_to_image("a", num_inference_steps=3, seed=4, width=32, height=16)

    picture = await asyncio.to_thread(ask)
    assert (picture.format, picture.size, engine.asked[0].seed) == ("PNG", (32, 16), 4)


@pytest.mark.parametrize(
    "body", [{}, {"inputs": 3}, {"inputs": "a", "parameters": {"width": 8}}, {"prompt": "a"}]
)
async def test_hugging_faces_task_refuses_in_the_envelope(
    client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await client.post("/", json=body)
    assert answer.status_code == 422
    assert json.loads(answer.text)["error"]["message"]
