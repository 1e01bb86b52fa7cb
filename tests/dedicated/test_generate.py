"""POST /dedicated/v1/images/generations: what comes in, the container is asked, what comes out."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image

from .conftest import BODY, World


async def test_a_picture_comes_back_as_a_link_that_shows_it(world: World) -> None:
    tenant = await world.tenant()
    answer = await world.generate(tenant, await world.endpoint(tenant))
    assert answer.status_code == 200, answer.text
    [item] = answer.json()["data"]
    assert item["response_format"] == "url"
    assert item["seed"] == 11
    shown = await world.client.get(item["url"])
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/jpeg"
    image = Image.open(BytesIO(shown.content))
    assert (image.format, image.size) == ("JPEG", (item["width"], item["height"]))


@pytest.mark.requirement("S2.formats")
@pytest.mark.parametrize("wanted", ["jpeg", "jpg", "png", "raw"])
async def test_every_format_comes_back_in_the_answer(world: World, wanted: str) -> None:
    tenant = await world.tenant()
    answer = await world.generate(tenant, await world.endpoint(tenant), response_format=wanted)
    [item] = answer.json()["data"]
    assert item["response_format"] == wanted
    assert "url" not in item
    content = base64.b64decode(item["b64_json"])
    if wanted == "raw":
        assert len(content) == item["width"] * item["height"] * 3
    else:
        image = Image.open(BytesIO(content))
        assert image.format == {"png": "PNG"}.get(wanted, "JPEG")
        assert image.size == (item["width"], item["height"])


async def test_png_has_exactly_the_pixels_of_raw(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    raw, png = [
        (await world.generate(tenant, endpoint, response_format=wanted)).json()["data"][0]
        for wanted in ("raw", "png")
    ]
    decoded = Image.open(BytesIO(base64.b64decode(png["b64_json"])))
    assert decoded.tobytes() == base64.b64decode(raw["b64_json"])


@pytest.mark.requirement("S2.model")
async def test_the_container_is_asked_for_the_adapter_behind_the_colon(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant, adapters={"ink": "org/ink"})
    await world.generate(tenant, f"{endpoint}:ink", guidance_scale=2.5)
    await world.generate(tenant, endpoint)
    with_adapter, without = world.launcher.launched[0].bodies
    assert with_adapter["model"] == "ink"
    assert with_adapter["guidance_scale"] == 2.5
    assert "model" not in without


async def test_control_images_and_weights_reach_the_container_as_they_came(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    images = [{"image": "https://example.com/cat.png"}, {"image": "aGk="}]
    answer = await world.generate(
        tenant, endpoint, control_images=images, controlnet_weights=[1, 0.5]
    )
    assert answer.status_code == 200
    [asked] = world.launcher.launched[0].bodies
    assert asked["control_images"] == images
    assert asked["controlnet_weights"] == [1, 0.5]


async def test_without_a_seed_one_is_drawn_that_javascript_can_hold(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    seeds = [
        (await world.generate(tenant, endpoint, seed=None)).json()["data"][0]["seed"]
        for _ in range(4)
    ]
    assert len(set(seeds)) == 4
    assert all(0 <= seed <= 2**53 - 1 for seed in seeds)
    assert [asked["seed"] for asked in world.launcher.launched[0].bodies] == seeds


async def test_a_repeated_key_names_the_same_job_for_one_team_and_not_for_another(
    world: World,
) -> None:
    one, two = await world.tenant("one"), await world.tenant("two")
    models = {one.id: await world.endpoint(one), two.id: await world.endpoint(two)}
    items = []
    for tenant in (one, one, two):
        answer = await world.client.post(
            "/dedicated/v1/images/generations",
            json={"prompt": "p", "model": models[tenant.id]},
            headers=tenant.headers | {"idempotency-key": "k-1"},
        )
        items.append(answer.json()["data"][0])
    assert items[0]["seed"] == items[1]["seed"] != items[2]["seed"]
    paths = [item["url"].partition("?")[0] for item in items]
    assert paths[0] == paths[1] != paths[2]
    first, second = [launched.keys for launched in world.launcher.launched]
    assert len(set(first)) == 1
    assert not set(first) & set(second)


async def test_steps_default_to_twenty(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    await world.client.post(
        "/dedicated/v1/images/generations",
        json={"prompt": "p", "model": endpoint},
        headers=tenant.headers,
    )
    assert world.launcher.launched[0].bodies[0]["num_inference_steps"] == 20


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"num_inference_steps": 51}, "num_inference_steps"),
        ({"num_inference_steps": "10"}, "num_inference_steps"),
        ({"num_inference_steps": True}, "num_inference_steps"),
        ({"prompt": None}, "prompt"),
        ({"response_format": "tiff"}, "response_format"),
        ({"seed": 1.5}, "seed"),
        ({"control_images": ["x"]}, "control_images"),
    ],
)
async def test_a_bad_value_is_refused_by_name(
    world: World, change: dict[str, object], param: str
) -> None:
    tenant = await world.tenant()
    answer = await world.generate(tenant, await world.endpoint(tenant), **change)
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == param
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("model", ["", ":ink", "dep123:"])
async def test_a_model_that_names_no_endpoint_or_an_empty_adapter_is_refused(
    world: World, model: str
) -> None:
    tenant = await world.tenant()
    answer = await world.generate(tenant, model)
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == "model"


async def test_an_unknown_adapter_is_a_404_that_names_model(world: World) -> None:
    tenant = await world.tenant()
    answer = await world.generate(tenant, await world.endpoint(tenant) + ":nope")
    assert answer.status_code == 404
    assert answer.json()["error"]["param"] == "model"


async def test_only_json_is_taken(world: World) -> None:
    tenant = await world.tenant()
    answer = await world.client.post(
        "/dedicated/v1/images/generations",
        content=str(BODY),
        headers=tenant.headers | {"content-type": "text/plain"},
    )
    assert answer.status_code == 415


async def test_openais_client_gets_what_it_looks_for(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    plain = (await world.generate(tenant, endpoint)).json()
    inline = (await world.generate(tenant, endpoint, response_format="b64_json")).json()
    assert plain["created"] > 1_700_000_000
    assert plain["data"][0]["url"]
    picture = Image.open(BytesIO(base64.b64decode(inline["data"][0]["b64_json"])))
    assert picture.format == "PNG"


@pytest.mark.parametrize(
    "image", [{"image": "https://example.com/cat.png"}, [{"image": "aGk="}, {"image": "aG8="}]]
)
async def test_an_edit_hands_one_picture_or_several_to_the_container(
    world: World, image: object
) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    answer = await world.client.post(
        "/dedicated/v1/images/edits",
        json={"model": endpoint, "prompt": "add a car", "image": image, "guidance_scale": 0},
        headers=tenant.headers,
    )
    assert answer.status_code == 200, answer.text
    [asked] = world.launcher.launched[0].bodies
    assert asked["image"] == image
    assert (asked["guidance_scale"], asked["num_inference_steps"]) == (0, 20)


async def test_guidance_that_is_not_named_is_left_to_the_model(world: World) -> None:
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    for change in ({}, {"guidance_scale": None}, {"guidance_scale": 0}):
        await world.generate(tenant, endpoint, **change)
    asked = [body.get("guidance_scale") for body in world.launcher.launched[0].bodies]
    assert asked == [None, None, 0]


async def test_a_gateway_that_drains_keeps_nobody_waiting_for_a_replica(world: World) -> None:
    tenant = await world.tenant()
    world.launcher.born_ready = False
    endpoint = await world.endpoint(tenant, running=False)
    world.gateway.draining.set()
    assert (await world.generate(tenant, endpoint)).status_code == 503
    assert (await world.client.get("/health")).status_code == 503
