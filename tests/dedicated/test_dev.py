"""`friendli dedicated serve --dev`: what it prints runs as it stands, with either client."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from friendli_server.dedicated.dev import prepare
from official import official_python, run_official
from PIL import Image
from sdk.live_postcard import CAT, picture
from sdk.test_docs import SEEDS

from .conftest import ENDPOINTS, World
from .fakes import FakeContainer
from .processes import GatewayProcess, serving, start_gateway

__all__ = ["official_python"]
CLIENT = "with SyncFriendli(\n"


class Dev:
    """A gateway started with `--dev`, and the program that it printed."""

    def __init__(self, gateway: GatewayProcess, snippet: str) -> None:
        self.gateway, self.snippet = gateway, snippet
        [self.token] = re.findall(r'token="(flp_\w+)"', snippet)
        [self.endpoint] = re.findall(r'model="(\w+)"', snippet)

    def filled(self, example: str) -> str:
        """A seed's example with our address, endpoint and token, and a picture for a network."""
        server = f'{CLIENT}    server_url="{self.gateway.url}",\n'
        for name, value in {
            CLIENT: server,
            'os.getenv("FRIENDLI_TOKEN", "")': f'"{self.token}"',
            "(endpoint-id)": self.endpoint,
            CAT: picture(),
            "print(res)": "print(res.data[0].url)",
        }.items():
            example = example.replace(name, value)
        return example


@asynccontextmanager
async def started(folder: Path, *flags: str) -> AsyncIterator[Dev]:
    gateway = await start_gateway(folder / "log", "--dev", "--metrics-port", "0", *flags)
    try:
        yield Dev(gateway, await gateway.greeting("    print("))
    finally:
        status = await gateway.stop()
    assert status == 0


async def shown(url: str) -> Image.Image:
    """The picture behind a link."""
    async with httpx2.AsyncClient() as client:
        return Image.open(io.BytesIO((await client.get(url)).raise_for_status().content))


@pytest.fixture
def clients(official_python: Path) -> list[Path]:
    """Interpreters with our client and with theirs."""
    return [Path(sys.executable), official_python]


@pytest.mark.requirement("gateway.dev")
async def test_the_printed_program_runs_as_it_stands_with_either_client(
    tmp_path: Path, clients: list[Path]
) -> None:
    async with (
        serving(FakeContainer()) as address,
        started(tmp_path, "--replica", f"fake={address}") as dev,
    ):
        programs = (asyncio.to_thread(run_official, client, dev.snippet) for client in clients)
        for url in await asyncio.gather(*programs):
            assert (await shown(url.strip())).format == "JPEG"
    assert (tmp_path / "friendli-dedicated.db").exists()
    assert any((tmp_path / "friendli-results").glob("*/*.jpg"))


@pytest.mark.requirement("gateway.dev")
async def test_a_second_start_has_the_same_endpoint_and_ends_the_first_token(world: World) -> None:
    first, second = [await prepare(world.gateway.database, model="fake") for _ in range(2)]
    assert first.endpoint_id == second.endpoint_id
    statuses = []
    for setup in (first, second):
        bearer = {"authorization": f"Bearer {setup.token}"}
        statuses.append((await world.client.get(ENDPOINTS, headers=bearer)).status_code)
    assert statuses == [401, 200]


@pytest.mark.slow
@pytest.mark.requirement("gateway.dev", "S2.generate", "S3.generate", "S3.edit")
async def test_the_seeds_examples_draw_with_the_postcard_it_starts(
    tmp_path: Path, clients: list[Path]
) -> None:
    async with started(tmp_path) as dev:
        for example in (seed.read_text(encoding="utf-8") for seed in SEEDS):
            for client in clients if ".dedicated." in example else ():
                url = await asyncio.to_thread(run_official, client, dev.filled(example))
                drawn = await shown(url.strip())
                assert (drawn.format, drawn.size) == ("JPEG", (256, 256))
                low, high = zip(*drawn.convert("RGB").getextrema(), strict=True)
                assert max(high) - min(low) > 50, "a flat picture is none"
