"""Edits, control images and adapters through the whole server and the real engine.

The model is tiny and random, so nothing but its inputs decides what a picture looks like.
"""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from friendli_engine.client import InlineClient
from friendli_server.container.app import application
from friendli_server.container.serve import engine_of
from friendli_server.container.service import Service
from friendli_server.intake.decode import Decoder
from friendli_server.settings import ContainerSettings
from PIL import Image
from server.kontext import ADAPTERS, CONTROLNETS, POISON, lay_out
from server.running import EDIT, GENERATE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]
PLAIN = {"prompt": "a red car", "seed": 7, "num_inference_steps": 3, "response_format": "raw"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(
    tmp_path_factory: pytest.TempPathFactory, decoder: Decoder
) -> AsyncIterator[httpx2.AsyncClient]:
    """A server whose engine is a thread; what lies in the model's directory is found by it."""
    model = lay_out(tmp_path_factory.mktemp("models") / "kontext")
    settings = ContainerSettings(model=str(model))
    async with engine_of(settings, InlineClient) as engine:
        service = Service(engine, settings)
        service.intake.decoder = decoder
        transport = httpx2.ASGITransport(application(service))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


def file(colour: str, size: tuple[int, int] = (32, 32)) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize(size).save(out, "PNG")
    Image.blend(Image.open(out), Image.new("RGB", size, colour), 0.7).save(
        out := io.BytesIO(), "PNG"
    )
    return out.getvalue()


def given(colour: str, size: tuple[int, int] = (32, 32)) -> dict[str, str]:
    return {"image": base64.b64encode(file(colour, size)).decode()}


async def made(client: httpx2.AsyncClient, path: str = GENERATE, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=PLAIN | body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def pixels(client: httpx2.AsyncClient, path: str = GENERATE, **body: Any) -> bytes:
    return base64.b64decode((await made(client, path, **body))["image"])


def far(one: bytes, other: bytes) -> float:
    """The mean difference of two pictures' values."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


@pytest.mark.requirement("S4.control")
@pytest.mark.parametrize("count", [1, 2])
async def test_each_control_image_steers_and_its_weight_says_how_much(
    client: httpx2.AsyncClient, count: int
) -> None:
    images = [given("red"), given("blue")][:count]
    others = [given("green"), given("white")][:count]

    async def weighted(images: list[dict[str, str]], weight: float) -> bytes:
        weights = [weight] * count
        return await pixels(client, control_images=images, controlnet_weights=weights)

    # stock pipelines draw noise for the control image, so weight 0 is the one to compare with
    free = await weighted(images, 0.0)
    little, much = await weighted(images, 0.3), await weighted(images, 1.0)
    assert 0 < far(free, little) < far(free, much)
    assert await weighted(others, 0.0) == free
    assert await weighted(others, 1.0) not in (free, much)
    assert await pixels(client, control_images=images) == much


@pytest.mark.requirement("S4.control")
async def test_each_weight_belongs_to_its_controlnet(client: httpx2.AsyncClient) -> None:
    red, blue = given("red"), given("blue")

    async def weighed(images: list[dict[str, str]], weights: list[float]) -> bytes:
        return await pixels(client, control_images=images, controlnet_weights=weights)

    assert await weighed([red, blue], [1, 0]) == await weighed([red, red], [1, 0])
    assert await weighed([red, blue], [1, 0]) != await weighed([blue, blue], [1, 0])
    assert await weighed([red, blue], [0, 1]) == await weighed([blue, blue], [0, 1])
    assert await weighed([red, blue], [0, 1]) != await weighed([red, red], [0, 1])


@pytest.mark.requirement("S4.edit")
async def test_an_edit_depends_on_its_picture_its_words_and_its_guidance(
    client: httpx2.AsyncClient,
) -> None:
    plain: dict[str, Any] = {"image": given("red"), "guidance_scale": 3.5}
    others: list[dict[str, Any]] = [
        {"image": given("blue")},
        {"prompt": "a blue house"},
        {"guidance_scale": 8.0},
        {"seed": 8},
        {"model": "ink"},
    ]
    asked = [plain, *(plain | other for other in others)]
    seen = {await pixels(client, EDIT, **body) for body in asked}
    assert len(seen) == len(asked)
    assert await pixels(client, EDIT, **plain) in seen


@pytest.mark.requirement("S4.edit")
async def test_every_picture_of_an_edit_counts_and_so_does_their_order(
    client: httpx2.AsyncClient,
) -> None:
    red, blue = given("red"), given("blue")
    seen = [
        await pixels(client, EDIT, image=images)
        for images in (red, [red], [red, red], [red, blue], [blue, red], [red, blue, red])
    ]
    assert seen[0] == seen[1]
    assert len(set(seen[1:])) == 5
    assert await made(client, EDIT, image=[given("red", (8, 800)), given("blue", (800, 8))] * 4)


@pytest.mark.requirement("S4.edit")
@pytest.mark.parametrize("field", ["image", "image[]"])
@pytest.mark.parametrize("colours", [["red"], ["red", "blue"]])
async def test_a_form_makes_the_same_as_the_json(
    client: httpx2.AsyncClient, field: str, colours: list[str]
) -> None:
    files = [(field, (f"{colour}.png", file(colour), "image/png")) for colour in colours]
    texts = {name: str(value) for name, value in PLAIN.items()}
    answer = await client.post(EDIT, data=texts, files=files)
    assert answer.status_code == 200, answer.text
    images = [given(colour) for colour in colours]
    assert base64.b64decode(answer.json()["image"]) == await pixels(client, EDIT, image=images)


async def test_an_edit_has_the_shape_of_its_picture(client: httpx2.AsyncClient) -> None:
    answer = await made(client, EDIT, image=given("red", (64, 32)))
    assert (answer["width"], answer["height"]) == (32, 16)
    assert len(base64.b64decode(answer["image"])) == 32 * 16 * 3


async def test_a_streamed_edit_ends_with_the_plain_answer(client: httpx2.AsyncClient) -> None:
    body = PLAIN | {"image": given("red"), "stream": True}
    answer = await client.post(EDIT, json=body, headers={"accept": "text/event-stream"})
    names = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names[0] == "queued"
    assert names.count("progress") == 3
    assert names[-1] == "finished"
    assert (await made(client, EDIT, image=given("red")))["image"] in answer.text


@pytest.mark.requirement("S1.model")
async def test_adapters_beside_the_model_have_their_own_style(client: httpx2.AsyncClient) -> None:
    seen = {await pixels(client, model=route) for route in (None, *ADAPTERS)}
    assert len(seen) == 3
    assert await pixels(client, model="") in seen
    assert await pixels(client, model="tiny") in seen


@pytest.mark.requirement("S4.models")
async def test_the_list_of_models_says_what_each_can_do(client: httpx2.AsyncClient) -> None:
    base, *adapters = (await client.get("/v1/models")).json()["data"]
    assert [card["id"] for card in adapters] == list(ADAPTERS)
    assert {card["parent"] for card in adapters} == {base["id"]} == {"tiny"}
    assert base["defaults"] == {"num_inference_steps": 4, "guidance_scale": 3.5, "size": "32x32"}
    assert base["controls"] == list(CONTROLNETS)
    assert (base["generates"], base["edits"], base["max_images"]) == (True, True, 8)
    assert (base["inpaints"], base["parent"], base["size_multiple"]) == (True, None, 16)


def covered(alpha: int) -> bytes:
    """A mask as OpenAI's clients send it: transparent (0) where to paint."""
    out = io.BytesIO()
    Image.new("RGBA", (32, 32), (0, 0, 0, alpha)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.requirement("S4.mask")
async def test_what_a_mask_leaves_stays_and_what_it_covers_is_painted_anew(
    client: httpx2.AsyncClient,
) -> None:
    async def painted(mask: bytes, seed: int) -> bytes:
        texts = {name: str(value) for name, value in (PLAIN | {"seed": seed}).items()}
        files = {"image": file("red"), "mask": mask}
        answer = await client.post(EDIT, data=texts, files=files)
        assert answer.status_code == 200, answer.text
        return base64.b64decode(answer.json()["image"])

    kept = await painted(covered(255), 1)
    assert kept == await painted(covered(255), 2)
    anew = await painted(covered(0), 1)
    assert len({kept, anew, await painted(covered(0), 2)}) == 3
    same = {"image": given("red"), "mask": {"image": base64.b64encode(covered(0)).decode()}}
    assert await pixels(client, EDIT, **same | {"seed": 1}) == anew


async def test_a_mask_belongs_to_one_picture(client: httpx2.AsyncClient) -> None:
    body = PLAIN | {"image": [given("red"), given("blue")], "mask": given("white")}
    answer = await client.post(EDIT, json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "image")
    assert "beside a mask" in answer.json()["message"]


async def test_a_request_that_becomes_nan_fails_alone(client: httpx2.AsyncClient) -> None:
    answer = await client.post(GENERATE, json=PLAIN | {"prompt": f"a car at {POISON}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "nan_detected")
    assert await pixels(client)
