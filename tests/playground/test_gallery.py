"""What the page remembers: the gallery, the address, and the parameters inside its pictures."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx2
import pytest
from friendli_server.settings import ContainerSettings
from playground.conftest import visiting
from playground.painter import Painter
from playground.visitor import PROMPT, ask, settle, unfold
from playwright.async_api import BrowserContext, FilePayload, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIELDS = ("Steps", "Guidance", "Seed")
DROP = """async (bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], "dropped"));
    document.body.dispatchEvent(new DragEvent("dragover", { bubbles: true, dataTransfer: data }));
    document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: data }));
}"""


async def form(page: Page) -> list[str]:
    """The form's values: prompt, steps, guidance, seed."""
    boxes = [page.get_by_label(name, exact=True) for name in ("Prompt", *FIELDS)]
    return [await box.input_value() for box in boxes]


async def picture(address: str, **body: object) -> bytes:
    """A picture by the plain API."""
    async with httpx2.AsyncClient(base_url=address) as client:
        answer = (await client.post("/v1/images/generations", json=body)).json()
    return base64.b64decode(answer["image"] if "image" in answer else answer["data"][0]["b64_json"])


async def make_two(page: Page) -> None:
    """Two pictures: "first" and, newer, "second"."""
    for number, prompt in enumerate(("first", "second"), start=1):
        await ask(page, prompt)
        await expect(page.locator(".gallery img")).to_have_count(number)
        await settle(page, pictures=1)


async def test_the_gallery_survives_a_reload_until_it_is_cleared(page: Page) -> None:
    await make_two(page)
    await page.reload()
    await expect(page.locator(".gallery img")).to_have_count(2)
    newest = page.locator(".gallery img").first
    assert str(await newest.get_attribute("alt")).startswith("second")
    assert await newest.evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 256
    await page.get_by_role("button", name="Clear…").click()
    await page.get_by_role("button", name="Delete all 2 pictures").click()
    empty = page.get_by_text("Pictures you make are kept here")
    await expect(empty).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await expect(empty).to_be_visible()


async def test_a_picture_opens_with_its_parameters_and_can_be_deleted(
    page: Page, engine: Painter
) -> None:
    await make_two(page)
    await page.locator(".gallery .made").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading")).to_have_text("second")
    await expect(dialog).to_contain_text(str(engine.asked[1].seed))
    await expect(dialog).to_contain_text("256 × 256")
    await page.keyboard.press("ArrowRight")
    await expect(dialog.get_by_role("heading")).to_have_text("first")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator(".gallery img")).to_have_count(1)


async def test_a_picture_is_made_again_with_its_settings_or_with_a_new_seed(
    page: Page, engine: Painter
) -> None:
    await make_two(page)
    await page.locator(".gallery .made").last.click()
    await page.get_by_role("button", name="Use settings").click()
    await page.get_by_role("button", name="Generate").click()
    await expect(page.locator(".gallery img")).to_have_count(3)
    await page.locator(".gallery .made").first.click()
    await page.get_by_role("button", name="New seed").click()
    await expect(page.locator(".gallery img")).to_have_count(4)
    first, _, again, varied = engine.asked
    assert (again.prompt, again.seed) == (first.prompt, first.seed)
    assert varied.prompt == first.prompt
    assert varied.seed != first.seed


async def test_the_address_holds_the_form(
    page: Page, context: BrowserContext, address: str
) -> None:
    await unfold(page)
    await page.get_by_label("Prompt", exact=True).fill("café & crème, 100 %")
    for name, value in zip(FIELDS, ("7", "2.5", "42"), strict=True):
        await page.get_by_label(name, exact=True).fill(value)
    link = await page.evaluate("location.hash")
    async with visiting(context, address + link) as other:
        await unfold(other)
        assert await form(other) == ["café & crème, 100 %", "7", "2.5", "42"]


async def test_the_form_begins_with_the_defaults_of_the_api(page: Page) -> None:
    await unfold(page)
    assert await form(page) == ["", "20", "3.5", ""]


async def test_a_downloaded_picture_fills_the_form_again(page: Page, tmp_path: Path) -> None:
    await page.goto(
        page.url + "#prompt=A+hill%2C+Steps%3A+2&num_inference_steps=3&seed=5&model=ink"
    )
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await page.get_by_label("Prompt", exact=True).press("Enter")
    await settle(page, pictures=1)
    await page.locator(".stage .made").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    file = tmp_path / (await download.value).suggested_filename
    await (await download.value).save_as(file)
    assert file.name == "a-hill-steps-2-5.jpg"
    await page.goto("about:blank")
    await page.go_back()
    await page.get_by_label("Prompt", exact=True).fill("")
    await page.get_by_label("Picture file").set_input_files(file)
    await unfold(page)
    await expect(page.get_by_label("Prompt", exact=True)).to_have_value("A hill, Steps: 2")
    assert await form(page) == ["A hill, Steps: 2", "3", "3.5", "5"]
    await expect(page.get_by_label("Adapter")).to_have_value("ink")


@pytest.mark.parametrize("kind", ["jpeg", "png"])
async def test_a_dropped_picture_from_any_client_fills_the_form(
    page: Page, address: str, kind: str
) -> None:
    asked = {"prompt": "Été 🌻", "seed": 11, "num_inference_steps": 2, "guidance_scale": 1.5}
    made = await picture(address, **asked, output_format=kind)
    await unfold(page)
    await page.evaluate(DROP, list(made))
    await expect(page.get_by_label("Prompt", exact=True)).to_have_value("Été 🌻")
    assert await form(page) == ["Été 🌻", "2", "1.5", "11"]


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xff", b"\xff\xd8\xff\xe1\xff\xffExif\0\0"],
    ids=["empty", "text", "png", "jpeg"],
)
async def test_a_file_without_parameters_is_refused_and_the_form_stays(
    page: Page, data: bytes
) -> None:
    await page.get_by_label("Prompt", exact=True).fill(PROMPT)
    payload = FilePayload(name="file.png", mimeType="image/png", buffer=data)
    await page.get_by_label("Picture file").set_input_files(payload)
    await expect(page.get_by_role("alert")).to_contain_text("holds no settings")
    await expect(page.get_by_label("Prompt", exact=True)).to_have_value(PROMPT)


class TestWithoutMetadata:
    """A server that writes nothing into its pictures."""

    @pytest.fixture
    def settings(self) -> ContainerSettings:
        return ContainerSettings(metrics_port=None, metadata=False)

    async def test_its_pictures_fill_no_form(self, page: Page, address: str) -> None:
        await page.evaluate(DROP, list(await picture(address, prompt="a hill")))
        await expect(page.get_by_role("alert")).to_contain_text("holds no settings")
