"""Makes the pictures of docs/playground.md anew, with the embedded model.

Run it from the repository: `PYTHONPATH=tests ./x run python -m playground.screenshots`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import friendli_postcard
from friendli_engine.client import EngineClient
from friendli_server.settings import ContainerSettings
from playground.conftest import CHROMIUM, FLAGS, PATIENCE, serving, visiting
from playground.visitor import ask, settle, unfold
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

OUT = Path(__file__).parents[2] / "docs" / "images"


async def compare(page: Page) -> None:
    """Ask for nine pictures: three step counts, three seeds."""
    await unfold(page)
    await page.get_by_role("switch", name="Compare").check()
    await page.get_by_label("Steps", exact=True).fill("4, 10, 20")
    await page.get_by_label("Guidance", exact=True).fill("3.5")
    await ask(page)


async def light(context: BrowserContext, address: str) -> None:
    """One picture, then a comparison while it fills."""
    async with visiting(context, address) as page:
        await ask(page)
        await settle(page, pictures=1)
        await page.screenshot(path=OUT / "playground-picture.png")
        await compare(page)
        await page.locator(".stage .made").nth(2).wait_for(timeout=2 * PATIENCE)
        await page.screenshot(path=OUT / "playground-grid.png", full_page=True)


async def dark(context: BrowserContext, address: str) -> None:
    """A picture of a comparison, opened."""
    async with visiting(context, address) as page:
        await compare(page)
        await settle(page, pictures=9)
        await page.locator(".stage .made").last.click()
        await page.screenshot(path=OUT / "playground-dark.png", animations="disabled")


async def phone(context: BrowserContext, address: str) -> None:
    """One picture on a narrow screen."""
    async with visiting(context, address) as page:
        await ask(page, "A yellow rocket over the desert at night")
        await settle(page, pictures=1)
        await page.screenshot(path=OUT / "playground-phone.png")


async def all_of_them(browser: Browser, address: str) -> None:
    """Every picture of the page, one after the other."""
    wide, narrow = ViewportSize(width=1180, height=800), ViewportSize(width=390, height=780)
    await light(await browser.new_context(viewport=wide, reduced_motion="reduce"), address)
    night = await browser.new_context(viewport=wide, color_scheme="dark", reduced_motion="reduce")
    await dark(night, address)
    await phone(await browser.new_context(viewport=narrow, device_scale_factor=2), address)


async def main() -> None:
    """Serve Postcard, open Chromium, take the pictures."""
    settings = ContainerSettings(metrics_port=None)
    async with (
        EngineClient(friendli_postcard.path()) as engine,
        serving(engine, settings) as address,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        await all_of_them(browser, address)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
