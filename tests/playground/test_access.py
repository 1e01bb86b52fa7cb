"""The page for everybody: assistive technology, keyboard only, dark, narrow."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playground.conftest import visiting
from playground.painter import Painter
from playground.visitor import ask, settle, unfold
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
GRAVE = {"serious", "critical"}


async def grave_findings(page: Page) -> list[str]:
    """Rules of axe-core that the page breaks seriously, with the elements at fault."""
    still = "document.getAnimations().forEach((animation) => animation.finish?.())"
    await page.evaluate(f"try {{ {still} }} catch {{}}")
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes']]}"
        for rule in found
        if rule["impact"] in GRAVE
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_grave_in_any_state(
    browser: Browser, address: str, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    async with visiting(context, address) as page:
        await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
        assert await grave_findings(page) == []
        await unfold(page)
        await page.get_by_label("Steps", exact=True).fill("99")
        await unfold(page, "Code")
        await ask(page)
        assert await grave_findings(page) == []
        await page.get_by_role("switch", name="Compare").check()
        await page.get_by_label("Steps", exact=True).fill("1, 2")
        await ask(page)
        await settle(page, pictures=6)
        assert await grave_findings(page) == []
        await page.locator(".stage .made").first.click()
        assert await grave_findings(page) == []
    await context.close()


async def test_what_happens_is_announced(page: Page, engine: Painter) -> None:
    news = page.locator("body > [role=status]")
    await ask(page)
    await expect(news).to_have_text("The picture is finished.")
    assert len(engine.asked) == 1


async def test_everything_can_be_done_without_a_mouse(page: Page, engine: Painter) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    await page.keyboard.type("a hill")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("at dawn")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Steps", exact=True)).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Home")
    await expect(page.get_by_label("Steps", exact=True)).to_have_value("1")
    await page.get_by_label("Prompt", exact=True).press("Enter")
    await settle(page, pictures=1)
    assert (engine.asked[0].prompt, engine.asked[0].steps) == ("a hill\nat dawn", 1)
    await page.locator(".stage .made").press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.locator(".stage .made")).to_be_focused()


async def test_arrow_keys_walk_through_the_languages(page: Page) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await page.get_by_label("Prompt", exact=True).fill("a hill")
    await unfold(page, "Code")
    await page.get_by_role("tab", name="curl").press("ArrowLeft")
    await expect(page.get_by_role("tab", name="Command line")).to_be_focused()
    await expect(page.get_by_role("tabpanel")).to_contain_text("friendli generate")


async def test_nothing_overflows_on_a_phone(browser: Browser, address: str) -> None:
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    async with visiting(context, address) as page:
        await unfold(page)
        await unfold(page, "Code")
        await ask(page, "a hill " * 20)
        await settle(page, pictures=1)
        widths = "[document.documentElement.scrollWidth, innerWidth]"
        assert await page.evaluate(widths) == [360, 360]
        await page.locator(".stage .made").click()
        dialog = page.get_by_role("dialog")
        assert await dialog.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    await context.close()
