"""The documentation's calls, through the official client and through ours, over the network."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from friendli_server.container.serve import listen, url
from friendli_server.dedicated.serve import Server
from official import official_python, run_official

from .conftest import World, WorldMaker

__all__ = ["official_python"]

CALLS = """
import json, sys
from friendli import SyncFriendli

token, address, endpoint, team = sys.argv[1:]
prompt = (
    "An orange Lamborghini driving down a hill road at night with a beautiful ocean view in the "
    "background."
)
with SyncFriendli(token=token, server_url=address) as friendli:
    image = friendli.dedicated.image
    old = image.generate(model=endpoint, num_inference_steps=10, prompt=prompt)
    new = image.generate(
        model=endpoint,
        prompt=prompt,
        num_inference_steps=10,
        control_images=[{"image": "https://example.com/cat.png"}],
        x_friendli_team=team,
        response_format="png",
    )
    edited = image.edit(
        image={"image": "https://example.com/cat.png"},
        prompt="Add a red sports car in the foreground.",
        model=endpoint,
        num_inference_steps=20,
        guidance_scale=0,
        response_format="jpeg",
    )
    results = (old, new, edited)
    print(json.dumps([f"{type(r).__name__} {type(r.data[0]).__name__}" for r in results]))
    print(old.data[0].url)
    print(friendli.dedicated.endpoint.get_status(endpoint_id=endpoint).status)
    print(list(friendli.dedicated.endpoint.list().data))
"""


@pytest.fixture
async def served(make_world: WorldMaker) -> AsyncIterator[tuple[World, str]]:
    """A gateway that listens on loopback, and its address."""
    listener = listen("127.0.0.1", 0)
    world = await make_world(public_url=url(listener))
    server = Server(world.gateway, greeting="")
    serving = asyncio.create_task(server.serve([listener]))
    yield world, url(listener)
    server.should_exit = server.force_exit = True
    await serving


@pytest.mark.requirement("S2.generate", "S3.generate", "S3.edit")
async def test_the_official_client_makes_the_documented_calls(
    served: tuple[World, str], official_python: Path
) -> None:
    await documented_calls(served, partial(run_official, official_python, CALLS))


@pytest.mark.requirement("S2.generate", "S3.generate", "S3.edit")
async def test_our_client_makes_the_documented_calls(served: tuple[World, str]) -> None:
    def ours(*arguments: str) -> str:
        command = [sys.executable, "-c", CALLS, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    await documented_calls(served, ours)


async def documented_calls(served: tuple[World, str], run: Callable[..., str]) -> None:
    world, address = served
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    printed = await asyncio.to_thread(run, tenant.token, address, endpoint, tenant.id)
    kinds, link, status, listed = printed.strip().splitlines()
    success = "DedicatedImageGenerateSuccess"
    assert json.loads(kinds) == [
        f"{success} URLImageItem",
        f"{success} B64ImageItem",
        f"{success} B64ImageItem",
    ]
    assert (await world.client.get(link)).headers["content-type"] == "image/jpeg"
    assert status.endswith("RUNNING")
    assert endpoint in listed
