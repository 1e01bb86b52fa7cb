"""The page in front of the real engine and the model that ships inside."""

from __future__ import annotations

import friendli_postcard
import pytest
from friendli_engine.client import EngineClient
from friendli_server.settings import ContainerSettings
from playground.conftest import serving, visiting
from playground.visitor import ask, settle, unfold
from playwright.async_api import BrowserContext, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_embedded_model_makes_a_picture_on_the_page(context: BrowserContext) -> None:
    async with EngineClient(friendli_postcard.path(), threads=1) as engine:
        settings = ContainerSettings(metrics_port=None)
        async with serving(engine, settings) as address, visiting(context, address) as page:
            await unfold(page)
            await page.get_by_label("Steps", exact=True).fill("4")
            await ask(page)
            await settle(page, pictures=1)
            picture = page.locator(".stage img")
            colours = await picture.evaluate(
                """(img) => {
                    const canvas = new OffscreenCanvas(img.naturalWidth, img.naturalHeight);
                    const pen = canvas.getContext("2d");
                    pen.drawImage(img, 0, 0);
                    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
                    return new Set(new Uint32Array(data.buffer)).size;
                }"""
            )
            assert colours > 1000
            await expect(page.locator(".server")).to_contain_text(engine.info.id)
