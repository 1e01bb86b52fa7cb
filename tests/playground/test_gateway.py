"""The same page in front of the gateway: a token, endpoints instead of adapters, its own paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import uvicorn
from dedicated.conftest import Tenant, World
from dedicated.fakes import FakeLauncher, Network
from friendli_server.container.serve import listen, url
from friendli_server.dedicated import operator
from friendli_server.dedicated.app import create_app
from friendli_server.dedicated.gateway import open_gateway
from friendli_server.dedicated.settings import GatewaySettings
from PIL import Image
from playground.conftest import visiting
from playground.test_snippets import RUNS, copied, require_tools, run
from playground.visitor import ask, settle, unfold
from playwright.async_api import BrowserContext, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(tmp_path: Path) -> AsyncIterator[tuple[World, str]]:
    """A gateway in front of fake containers, listening on loopback."""
    database = f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"
    await operator.migrate(database)
    listener = listen("127.0.0.1", 0)
    settings = GatewaySettings(
        database=database,
        results=str(tmp_path / "results"),
        public_url=url(listener),
        tick_seconds=0.05,
    )
    network = Network()
    launcher = FakeLauncher(network)
    http = httpx2.AsyncClient(transport=network)
    async with open_gateway(settings, launcher=launcher, http=http) as opened:
        app = create_app(opened)
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        async with httpx2.AsyncClient(base_url=url(listener)) as client:
            yield World(opened, client, launcher, network, app), url(listener)
        server.should_exit = server.force_exit = True
        await serving


async def team_with_endpoint(world: World) -> tuple[Tenant, str]:
    tenant = await world.tenant()
    return tenant, await world.endpoint(tenant)


@pytest.mark.requirement("playground.gateway")
async def test_a_token_opens_the_page_and_an_endpoint_draws(
    gateway: tuple[World, str], context: BrowserContext
) -> None:
    world, address = gateway
    tenant, endpoint = await team_with_endpoint(world)
    async with visiting(context, address) as page:
        await page.get_by_label("API key").fill(tenant.token)
        await page.get_by_label("API key").press("Tab")
        await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
        await unfold(page)
        await expect(page.get_by_label("Endpoint")).to_have_value(endpoint)
        await page.get_by_label("Steps", exact=True).fill("4")
        await ask(page, "a red kite")
        await settle(page, pictures=1)
        size = "(img) => [img.naturalWidth, img.naturalHeight]"
        assert await page.locator(".stage img").evaluate(size) == [24, 16]
        await expect(page.get_by_text("Engine room")).to_have_count(0)
        await expect(page.get_by_role("tab", name="Command line")).to_have_count(0)


@pytest.mark.parametrize("name", [name for name in RUNS if name != "Command line"])
async def test_a_snippet_for_an_endpoint_makes_the_picture(
    gateway: tuple[World, str],
    context: BrowserContext,
    tmp_path: Path,
    name: str,
) -> None:
    require_tools(name)
    world, address = gateway
    tenant, _ = await team_with_endpoint(world)
    async with visiting(context, address) as page:
        await page.get_by_label("API key").fill(tenant.token)
        await page.get_by_label("API key").press("Tab")
        await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
        await page.get_by_label("Prompt", exact=True).fill("a red kite")
        text = await copied(page, name)
        assert tenant.token not in text
    (tmp_path / RUNS[name][1]).write_text(text, encoding="utf-8")
    await run(RUNS[name], tmp_path, token=tenant.token)
    with Image.open(tmp_path / "picture.jpg") as made:
        assert made.size == (24, 16)
