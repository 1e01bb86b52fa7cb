"""Making pictures on the page: asking, watching, cancelling, comparing, being refused."""

from __future__ import annotations

import asyncio

import pytest
from friendli_engine.errors import EngineError
from friendli_server.settings import ContainerSettings
from playground.conftest import visiting
from playground.painter import Painter
from playground.visitor import PROMPT, ask, settle, unfold
from playwright.async_api import BrowserContext, Page, expect
from pydantic import SecretStr

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("playground.page")
async def test_a_prompt_and_enter_make_a_picture(page: Page, engine: Painter) -> None:
    await ask(page)
    await settle(page, pictures=1)
    [request] = engine.asked
    assert (request.prompt, request.steps, request.guidance) == (PROMPT, 20, 3.5)
    picture = page.locator(".stage img")
    assert await picture.evaluate("(img) => [img.naturalWidth, img.naturalHeight]") == [256, 256]
    assert f"seed {request.seed}" in str(await picture.get_attribute("alt"))
    await expect(page.locator(".gallery img")).to_have_count(1)


async def test_steps_and_previews_are_shown_while_the_picture_is_made(
    page: Page, engine: Painter
) -> None:
    engine.gate = asyncio.Semaphore(0)
    await ask(page)
    await expect(page.locator(".stage")).to_contain_text("2 ahead")
    for _ in range(6):
        engine.gate.release()
    await expect(page.get_by_role("progressbar", name="Steps")).to_have_attribute("value", "6")
    await expect(page.locator(".stage")).to_contain_text("6/20")
    source = str(await page.locator(".stage .preview").get_attribute("src"))
    assert source.startswith("data:image/jpeg;base64,")
    for _ in range(14):
        engine.gate.release()
    await settle(page, pictures=1)


async def test_cancelling_stops_the_work_on_the_server(page: Page, engine: Painter) -> None:
    engine.gate = asyncio.Semaphore(0)
    await ask(page)
    await expect(page.locator(".stage")).to_contain_text("2 ahead")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".stage")).to_contain_text("cancelled")
    await engine.until(lambda: len(engine.cancelled) == 1)
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()


async def test_escape_cancels_too(page: Page, engine: Painter) -> None:
    engine.gate = asyncio.Semaphore(0)
    await ask(page)
    await expect(page.locator(".stage")).to_contain_text("2 ahead")
    await page.keyboard.press("Escape")
    await engine.until(lambda: len(engine.cancelled) == 1)


async def test_closing_the_tab_stops_the_work_on_the_server(page: Page, engine: Painter) -> None:
    engine.gate = asyncio.Semaphore(0)
    await ask(page)
    await engine.until(lambda: engine.asked)
    await page.close()
    await engine.until(lambda: len(engine.cancelled) == 1)


async def test_lists_of_values_fill_a_grid(page: Page, engine: Painter) -> None:
    await unfold(page)
    await page.get_by_role("switch", name="Compare").check()
    await page.get_by_label("Steps", exact=True).fill("2, 4")
    await page.get_by_label("Guidance", exact=True).fill("1.5, 7")
    await page.get_by_label("Seed", exact=True).fill("7-9")
    await ask(page)
    await settle(page, pictures=12)
    made = {(r.seed, r.guidance, r.steps) for r in engine.asked}
    assert made == {(s, g, n) for s in (7, 8, 9) for g in (1.5, 7.0) for n in (2, 4)}
    heads = await page.locator(".stage thead th").all_text_contents()
    assert heads == ["seed 7", "seed 8", "seed 9"]
    rows = await page.locator(".stage tbody th").all_text_contents()
    assert rows[0] == "guidance 1.5, steps 2"
    assert rows[-1] == "guidance 7, steps 4"
    corner = page.locator(".stage tbody tr").last.locator("img").first
    assert "seed 7, 4 steps, guidance 7" in str(await corner.get_attribute("alt"))


async def test_pictures_of_a_grid_are_made_at_once_and_cancelled_together(
    page: Page, engine: Painter
) -> None:
    engine.gate = asyncio.Semaphore(0)
    await unfold(page)
    await page.get_by_role("switch", name="Compare").check()
    await page.get_by_label("Seed", exact=True).fill("1-9")
    await ask(page)
    await engine.until(lambda: len(engine.asked) == 6)  # what a browser sends at once
    await page.get_by_role("button", name="Cancel").click()
    await engine.until(lambda: len(engine.cancelled) == 6)
    await expect(page.locator(".stage .cancelled")).to_have_count(9)
    assert len(engine.asked) == 6


async def test_a_comparison_without_seeds_uses_one_for_all(page: Page, engine: Painter) -> None:
    await unfold(page)
    await page.get_by_role("switch", name="Compare").check()
    await page.get_by_label("Seed", exact=True).fill("")
    await page.get_by_label("Steps", exact=True).fill("1, 2, 3")
    await ask(page)
    await settle(page, pictures=3)
    assert len({request.seed for request in engine.asked}) == 1


@pytest.mark.parametrize(
    ("field", "text", "fault"),
    [
        ("Steps", "0", "Between 1 and 50."),
        ("Steps", "2.5", "Whole numbers only."),
        ("Steps", "5, 10", "One number only."),
        ("Guidance", "much", "Numbers like 5, 10, 20 or 1-4."),
        ("Seed", "9007199254740993", "Whole numbers only."),
    ],
)
async def test_a_bad_value_is_named_beside_its_field_and_nothing_is_asked(
    page: Page, engine: Painter, field: str, text: str, fault: str
) -> None:
    await unfold(page)
    await page.get_by_label(field, exact=True).fill(text)
    await ask(page)
    box = page.get_by_label(field, exact=True)
    await expect(box).to_have_attribute("aria-invalid", "true")
    await expect(box).to_have_accessible_description(fault)
    assert engine.asked == []


async def test_an_empty_prompt_is_named(page: Page, engine: Painter) -> None:
    await ask(page, "  ")
    await expect(page.get_by_text("Say what the picture should show.")).to_be_visible()
    assert engine.asked == []


async def test_an_error_of_the_server_is_told_with_its_request_id(
    page: Page, engine: Painter
) -> None:
    engine.fails = EngineError("The oven is cold.")
    await ask(page)
    await expect(page.get_by_role("alert")).to_contain_text("The oven is cold.")
    await expect(page.get_by_role("alert")).to_contain_text("(request ")
    await expect(page.locator(".stage")).to_contain_text("failed")


async def test_markup_in_a_prompt_stays_text(page: Page) -> None:
    hostile = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
    await ask(page, hostile)
    await settle(page, pictures=1)
    await page.locator(".stage .made").click()
    await expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text(hostile)
    assert await page.evaluate("window.hurt") is None


async def test_a_model_that_is_loading_is_waited_for(
    context: BrowserContext, engine: Painter, address: str
) -> None:
    engine.state = "starting"
    async with visiting(context, address) as page:
        await expect(page.get_by_text("The model is loading…")).to_be_visible()
        await expect(page.get_by_role("button", name="Generate")).to_be_disabled()
        engine.state = "ready"
        await expect(page.get_by_role("button", name="Generate")).to_be_enabled()


async def test_the_adapters_of_the_model_can_be_picked(page: Page, engine: Painter) -> None:
    await unfold(page)
    await page.get_by_label("Adapter").select_option("neon")
    await ask(page)
    await settle(page, pictures=1)
    assert [request.adapter for request in engine.asked] == ["neon"]


class TestWithAKey:
    """A server that wants an API key."""

    @pytest.fixture
    def settings(self) -> ContainerSettings:
        return ContainerSettings(metrics_port=None, api_key=[SecretStr("sesame")])

    async def test_the_page_asks_for_the_key_and_keeps_it_out_of_the_code(
        self, page: Page, engine: Painter
    ) -> None:
        await page.get_by_label("API key").fill("sesame")
        await page.get_by_label("API key").press("Tab")
        await ask(page)
        await settle(page, pictures=1)
        assert len(engine.asked) == 1
        await unfold(page, "Code")
        await expect(page.locator("pre")).to_contain_text("Bearer $FRIENDLI_TOKEN")
        assert "sesame" not in await page.content()
        assert "sesame" not in page.url
