"""What a visitor of the page does again and again."""

from __future__ import annotations

from playwright.async_api import Page, expect

PROMPT = "A red sports car in the snow at night"


async def ask(page: Page, prompt: str = PROMPT) -> None:
    """Write the prompt and press Enter, once the page says that the model is ready."""
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await page.get_by_label("Prompt", exact=True).fill(prompt)
    await page.get_by_label("Prompt", exact=True).press("Enter")


async def settle(page: Page, *, pictures: int) -> None:
    """Wait until the run has ended with so many pictures."""
    await expect(page.locator(".stage .made")).to_have_count(pictures)
    await expect(page.get_by_role("button", name="Generate")).to_be_visible()


async def unfold(page: Page, name: str = "Settings") -> None:
    """Open a folded part of the form."""
    await page.locator("summary", has_text=name).click()
