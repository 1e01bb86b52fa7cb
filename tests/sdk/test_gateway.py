"""Our client against the real gateway of dedicated endpoints, in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from dedicated.conftest import *  # noqa: F403  # its fixtures, whichever they need
from dedicated.conftest import Tenant, World
from friendli import AsyncFriendli, models
from friendli.picture import kind_of

ADVANCED = {"tokenizer_skip_special_tokens": True, "tokenizer_add_special_tokens": True}


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return await world.tenant()


@pytest.fixture
async def friendli(world: World, tenant: Tenant) -> AsyncIterator[AsyncFriendli]:
    async with AsyncFriendli(
        token=tenant.token, server_url="http://gateway", async_client=world.client
    ) as friendli:
        yield friendli


async def create(friendli: AsyncFriendli, world: World) -> str:
    """A running endpoint, made through our client."""
    status = await friendli.dedicated.endpoint.create(
        project_id="",
        name="pictures",
        instance_option_id="local",
        advanced=ADVANCED,
        hf_model_repo="fake",
        autoscaling_policy={"min_replica": 1, "max_replica": 1},
    )
    assert status.id is not None
    await world.status(status.id, "RUNNING")
    return status.id


async def test_an_endpoint_made_through_the_sdk_draws(
    friendli: AsyncFriendli, world: World
) -> None:
    endpoint = await create(friendli, world)
    res = await friendli.dedicated.image.generate(
        model=endpoint, prompt="a red kite", response_format="png", seed=2**63 + 1
    )
    [item] = res.data
    assert isinstance(item, models.B64ImageItem)
    assert kind_of(item.content) == "png"
    assert item.seed == 2**63 + 1
    assert item.to_pil().size == (item.width, item.height)


async def test_raw_pixels_of_an_endpoint_are_a_picture(
    friendli: AsyncFriendli, world: World
) -> None:
    endpoint = await create(friendli, world)
    asked: Any = {"model": endpoint, "prompt": "a red kite", "seed": 5}
    raw, png = [
        (await friendli.dedicated.image.generate(**asked, response_format=wanted)).data[0]
        for wanted in ("raw", "png")
    ]
    assert raw.width is not None
    assert raw.height is not None
    assert len(raw.content) == raw.width * raw.height * 3
    assert raw.to_pil().tobytes() == png.to_pil().convert("RGB").tobytes()


async def test_the_default_answer_is_an_address(friendli: AsyncFriendli, world: World) -> None:
    endpoint = await create(friendli, world)
    res = await friendli.dedicated.image.generate(model=endpoint, prompt="a red kite")
    [item] = res.data
    assert isinstance(item, models.URLImageItem)
    assert kind_of((await world.client.get(item.url)).content) is not None


async def test_edits_pass_through(friendli: AsyncFriendli, world: World) -> None:
    endpoint = await create(friendli, world)
    source = await friendli.dedicated.image.generate(
        model=endpoint, prompt="a red kite", response_format="png"
    )
    res = await friendli.dedicated.image.edit(
        model=endpoint, prompt="blue", image=source.data[0].content, response_format="jpeg"
    )
    assert kind_of(res.data[0].content) == "jpeg"


async def test_the_life_of_an_endpoint(friendli: AsyncFriendli, world: World) -> None:
    endpoint = friendli.dedicated.endpoint
    name = await create(friendli, world)
    assert (await endpoint.get_status(endpoint_id=name)).status == "RUNNING"
    assert (await endpoint.get_spec(endpoint_id=name)).name == "pictures"
    assert name in (await endpoint.list(limit=5)).data
    spec = await endpoint.update(endpoint_id=name, name="renamed")
    assert spec.name == "renamed"
    assert (await endpoint.get_version_history(endpoint_id=name)).data
    await endpoint.sleep(endpoint_id=name)
    await world.status(name, "SLEEPING")
    await endpoint.wake(endpoint_id=name)
    await world.status(name, "RUNNING")
    await endpoint.terminate(endpoint_id=name)
    await world.status(name, "TERMINATED")
    await endpoint.delete(endpoint_id=name)
    assert name not in (await endpoint.list()).data


async def test_refusals_tell_why(friendli: AsyncFriendli, world: World) -> None:
    endpoint = await create(friendli, world)
    with pytest.raises(models.SDKError) as unknown:
        await friendli.dedicated.image.generate(model="dep000000000000", prompt="p")
    assert unknown.value.status_code == 404
    with pytest.raises(models.SDKError) as steps:
        await friendli.dedicated.image.generate(
            model=endpoint, prompt="p", num_inference_steps=99, validate=False
        )
    assert steps.value.status_code == 422
    assert steps.value.error["param"] == "num_inference_steps"
    with pytest.raises(models.SDKError) as team:
        await friendli.dedicated.image.generate(
            model=endpoint, prompt="p", x_friendli_team="another"
        )
    assert team.value.status_code in {401, 403, 404}
