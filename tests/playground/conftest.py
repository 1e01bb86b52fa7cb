"""A container with the playground on loopback, and real Chromium in front of it.

All of it lives in one event loop for the whole session, so that the browser starts once.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
import uvicorn
from friendli_server.container.app import create_app
from friendli_server.container.engine import Engine
from friendli_server.container.serve import listen, url
from friendli_server.settings import ContainerSettings
from playground.painter import Painter
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
"""Milliseconds that an expected change may take on a busy machine."""
expect.set_options(timeout=PATIENCE)
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; tests that need it are skipped where it is not installed, but never in CI."""
    if not CHROMIUM:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed: apt-get install chromium")
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def serving(engine: Engine, settings: ContainerSettings) -> AsyncIterator[str]:
    """The URL of a real server with the playground."""
    app = create_app(engine, settings)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
    server, listener = uvicorn.Server(config), listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve([listener]))
    yield url(listener)
    server.should_exit = server.force_exit = True
    await running


@dataclass
class Visit:
    """A browser page and what must not have happened on it."""

    page: Page
    origin: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note script errors and requests to anywhere else."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, address: str) -> None:
        if not address.startswith((self.origin, "data:", "blob:")):
            self.foreign.append(address)

    async def violations(self) -> list[str]:
        """Breaches of the content security policy since the page was loaded."""
        found: list[str] = await self.page.evaluate("window.violations")
        return found


@asynccontextmanager
async def visiting(context: BrowserContext, address: str) -> AsyncIterator[Page]:
    """A fresh page at `address` that turns out to have broken no rule."""
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    await page.add_init_script(WATCH)
    visit = Visit(page, origin=address.partition("#")[0].rstrip("/"))
    visit.watch()
    await page.goto(address)
    yield page
    if not page.is_closed():
        assert await visit.violations() == []
        await page.close()
    assert (visit.errors, visit.foreign) == ([], [])


@pytest.fixture
def engine() -> Painter:
    return Painter()


@pytest.fixture(autouse=True)
def _no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test goes into the history of who runs it."""
    monkeypatch.setenv("FRIENDLI_HISTORY", "off")


@pytest.fixture
def settings() -> ContainerSettings:
    """Overridden by tests that need others."""
    return ContainerSettings(metrics_port=None)


@pytest_asyncio.fixture(loop_scope="session")
async def address(engine: Painter, settings: ContainerSettings) -> AsyncIterator[str]:
    async with serving(engine, settings) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser with nothing in its memory."""
    context = await browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, address: str) -> AsyncIterator[Page]:
    """The playground, opened; broken rules fail the test at its end."""
    async with visiting(context, address) as page:
        yield page
