"""OpenAI's own client at `…/dedicated/v1`: generate, edit by form, several at once, streams."""

from __future__ import annotations

import base64
from collections import Counter
from io import BytesIO

import pytest
from openai import AsyncOpenAI, UnprocessableEntityError
from PIL import Image

from .conftest import BODY, Tenant, World


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return await world.tenant()


@pytest.fixture
async def model(world: World, tenant: Tenant) -> str:
    return await world.endpoint(tenant)


@pytest.fixture
def openai(world: World, tenant: Tenant) -> AsyncOpenAI:
    return AsyncOpenAI(
        api_key=tenant.token,
        base_url="http://gateway/dedicated/v1",
        http_client=world.client,
        max_retries=0,
    )


def png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "png")
    return out.getvalue()


def kind(encoded: str | None) -> str | None:
    return Image.open(BytesIO(base64.b64decode(encoded or ""))).format


@pytest.mark.requirement("openai.gateway")
async def test_generate_by_link_and_in_the_answer(
    world: World, openai: AsyncOpenAI, model: str
) -> None:
    linked = await openai.images.generate(model=model, prompt="a red kite")
    assert linked.created > 0
    [item] = linked.data or []
    assert (await world.client.get(item.url or "")).headers["content-type"] == "image/jpeg"
    inline = await openai.images.generate(
        model=model, prompt="a red kite", response_format="b64_json", size="1024x1024"
    )
    assert [kind(item.b64_json) for item in inline.data or []] == ["PNG"]
    assert world.launcher.launched[0].bodies[-1]["size"] == "1024x1024"


async def test_several_pictures_differ_and_each_has_its_link_and_its_line(
    world: World, openai: AsyncOpenAI, model: str, tenant: Tenant
) -> None:
    made = await openai.images.generate(model=model, prompt="a red kite", n=3)
    urls = [item.url or "" for item in made.data or []]
    pictures = {(await world.client.get(url)).content for url in urls}
    assert len(set(urls)) == len(pictures) == 3
    usage = await world.client.get("/dedicated/v1/team/usage", headers=tenant.headers)
    report = usage.json()
    assert (report["images"], report["steps"]) == (3, 60)


async def test_output_format_names_the_kind_of_file(
    world: World, openai: AsyncOpenAI, model: str
) -> None:
    linked = await openai.images.generate(model=model, prompt="p", output_format="png")
    [item] = linked.data or []
    assert (await world.client.get(item.url or "")).headers["content-type"] == "image/png"
    inline = await openai.images.generate(
        model=model, prompt="p", output_format="jpeg", response_format="b64_json"
    )
    assert [kind(item.b64_json) for item in inline.data or []] == ["JPEG"]


@pytest.mark.requirement("openai.gateway")
@pytest.mark.parametrize("count", [1, 2])
async def test_an_edit_comes_as_a_form(
    world: World, openai: AsyncOpenAI, model: str, count: int
) -> None:
    files = [(f"{i}.png", png()) for i in range(count)]
    made = await openai.images.edit(
        model=model,
        image=files if count > 1 else files[0],
        prompt="make it blue",
        response_format="b64_json",
        n=2,
    )
    assert Counter(kind(item.b64_json) for item in made.data or []) == {"PNG": 2}
    sent = world.launcher.launched[0].bodies[-1]
    given = sent["image"] if count > 1 else [sent["image"]]
    assert [base64.b64decode(item["image"]) for item in given] == [png()] * count
    assert (sent["prompt"], sent["n"]) == ("make it blue", 2)


async def test_a_form_sent_again_is_the_same_job(
    world: World, openai: AsyncOpenAI, model: str
) -> None:
    headers = {"idempotency-key": "k"}
    urls = []
    for _ in range(2):
        made = await openai.images.edit(
            model=model, image=("a.png", png()), prompt="p", extra_headers=headers
        )
        urls += [(item.url or "").partition("?")[0] for item in made.data or []]
    assert urls[0] == urls[1]
    keys = world.launcher.launched[0].keys
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("change", "param"),
    [({"n": 0}, "n"), ({"n": 11}, "n"), ({"output_format": "webp"}, "output_format")],
)
async def test_what_cannot_be_is_refused_by_name(
    openai: AsyncOpenAI, model: str, change: dict[str, object], param: str
) -> None:
    with pytest.raises(UnprocessableEntityError) as caught:
        await openai.images.generate(model=model, prompt="p", **change)  # type: ignore[call-overload]
    assert caught.value.param == param


@pytest.mark.requirement("gateway.mask")
async def test_a_mask_comes_as_a_file_of_the_form(
    world: World, openai: AsyncOpenAI, model: str
) -> None:
    await openai.images.edit(
        model=model, image=("a.png", png()), mask=("m.png", png()), prompt="a hat"
    )
    sent = world.launcher.launched[0].bodies[-1]
    assert base64.b64decode(sent["mask"]["image"]) == png()


async def test_a_mask_that_is_none_is_refused_by_name(
    world: World, model: str, tenant: Tenant
) -> None:
    answer = await world.client.post(
        "/dedicated/v1/images/edits",
        headers=tenant.headers,
        json={**BODY, "model": model, "image": {"image": "aGk="}, "mask": "aGk="},
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "mask")


@pytest.mark.requirement("openai.gateway")
async def test_a_stream_has_partial_images_and_the_completed_one(
    openai: AsyncOpenAI, model: str
) -> None:
    events = [
        event
        async for event in await openai.images.generate(
            model=model, prompt="p", stream=True, partial_images=2
        )
    ]
    assert [event.type for event in events] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert [kind(event.b64_json) for event in events] == ["JPEG", "PNG"]


async def test_an_edit_streams_too(openai: AsyncOpenAI, model: str) -> None:
    stream = await openai.images.edit(model=model, image=("a.png", png()), prompt="p", stream=True)
    assert [event.type async for event in stream] == ["image_edit.completed"]
