"""The documentation's calls, through the official client and through ours, over the network."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from friendli_server import heartbeat
from friendli_server.container.serve import listen, url
from friendli_server.dedicated.serve import Server
from official import official_python, run_official

from .conftest import BODY, ENDPOINTS, World, WorldMaker

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
    world = await make_world(public_url=url(listener), wake_seconds=60.0)
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


async def test_a_client_that_gives_up_soon_hears_from_an_endpoint_that_wakes(
    served: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.05)
    world, address = served
    tenant = await world.tenant()
    endpoint = await world.endpoint(tenant)
    await world.client.put(f"{ENDPOINTS}/{endpoint}/sleep", headers=tenant.headers)
    await world.until(lambda: stopped(world))
    world.launcher.born_ready = False
    body = json.dumps({**BODY, "model": endpoint}).encode()
    split = urlsplit(address)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    writer.write(
        f"POST /dedicated/v1/images/generations HTTP/1.1\r\nhost: {split.netloc}\r\n"
        f"authorization: Bearer {tenant.token}\r\ncontent-type: application/json\r\n"
        f"user-agent: speakeasy-sdk/python 0.16.3\r\ncontent-length: {len(body)}\r\n\r\n"
        "".encode()
        + body
    )
    heard = [await status(reader), await status(reader)]
    assert heard == [102, 102]
    await world.until(lambda: launched_again(world))
    world.launcher.launched[-1].ready = True
    while (last := await status(reader)) == 102:
        pass
    assert last == 200
    writer.close()


async def status(reader: asyncio.StreamReader) -> int:
    """The status of the next answer, interim or not."""
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1])


async def stopped(world: World) -> bool:
    return len(world.launcher.stopped) == 1


async def launched_again(world: World) -> bool:
    return len(world.launcher.launched) == 2
