"""Pictures that go in: to edit, to steer; the sheet to draw on; before and after; engine room."""

from __future__ import annotations

import io

import msgspec
import pytest
from friendli_engine.protocol import Stats
from PIL import Image, ImageDraw
from playground.conftest import visiting
from playground.painter import INFO, Painter
from playground.test_access import grave_findings
from playground.visitor import ask, settle, unfold
from playwright.async_api import BrowserContext, FilePayload, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


def disc() -> FilePayload:
    """A white disc on black, as a PNG file."""
    image = Image.new("RGB", (96, 96))
    ImageDraw.Draw(image).ellipse((24, 24, 72, 72), fill="white")
    encoded = io.BytesIO()
    image.save(encoded, "png")
    return {"name": "disc.png", "mimeType": "image/png", "buffer": encoded.getvalue()}


def at(pixels: object, x: int, y: int) -> tuple[int, ...]:
    """A pixel of what the engine was given."""
    data, width = pixels.data, pixels.width  # type: ignore[attr-defined]
    return tuple(data[3 * (y * width + x) : 3 * (y * width + x) + 3])


@pytest.mark.requirement("playground.edit")
async def test_a_picture_made_here_can_be_edited_and_compared_with_before(
    page: Page, engine: Painter
) -> None:
    await ask(page)
    await settle(page, pictures=1)
    await page.locator(".stage .made").click()
    await page.get_by_role("dialog").get_by_role("button", name="Edit").click()
    await page.get_by_label("Prompt", exact=True).fill("Make it a negative")
    await page.get_by_role("button", name="Edit", exact=False).first.click()
    await engine.until(lambda: len(engine.asked) == 2)
    await settle_edit(page)
    first, edit = engine.asked
    assert edit.prompt == "Make it a negative"
    assert (edit.images[0].width, edit.images[0].height) == (256, 256)
    assert first.images == ()
    await page.locator(".stage .made").click()
    slider = page.get_by_role("dialog").get_by_label("Before and after")
    await slider.fill("80")
    old = page.get_by_role("dialog").get_by_alt_text("Before the edit")
    assert await old.evaluate("(img) => getComputedStyle(img).clipPath") == "inset(0px 20% 0px 0px)"
    assert await grave_findings(page) == []


async def settle_edit(page: Page) -> None:
    """Wait until the edit is there and the form takes the next."""
    await expect(page.locator(".stage .made")).to_have_count(1)
    await expect(page.locator(".composer .main")).to_contain_text("Edit")


@pytest.mark.requirement("playground.control")
async def test_the_edges_of_a_dropped_picture_steer(page: Page, engine: Painter) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    await drop(page, "Control: edges")
    await page.get_by_role("button", name="Take its edges").click()
    zone = page.get_by_role("region", name="Control: edges")
    await zone.get_by_label("Weight").fill("0.5")
    await ask(page, "a moon")
    await settle(page, pictures=1)
    [asked] = engine.asked
    assert asked.control_weights == (0.5,)
    [edges] = asked.control_images
    assert at(edges, 48, 48) == (0, 0, 0)  # inside the disc
    assert at(edges, 4, 4) == (0, 0, 0)  # outside
    assert max(at(edges, x, 48)[0] for x in range(18, 30)) > 200  # its rim


async def drop(page: Page, zone: str) -> None:
    """Drop the disc on a slot."""
    data = await page.evaluate_handle(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "disc.png", {type: "image/png"}));
            return transfer;
        }""",
        list(disc()["buffer"]),
    )
    region = page.get_by_role("region", name=zone)
    await region.dispatch_event("drop", {"dataTransfer": data})
    await expect(region.get_by_role("img")).to_be_visible()


async def test_a_layout_is_drawn_in_the_browser(page: Page, engine: Painter) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    zone = page.get_by_role("region", name="Control: layout")
    await zone.get_by_role("button", name="Draw").click()
    await zone.get_by_role("button", name="sea").click()
    sheet = zone.get_by_role("img", name="Sheet to draw layout on")
    await sheet.scroll_into_view_if_needed()
    box = await sheet.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + 5, middle)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] - 5, middle, steps=8)
    await page.mouse.up()
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9)
    await zone.get_by_role("button", name="Undo").click()
    await zone.get_by_role("button", name="Use it").click()
    await ask(page, "a coast")
    await settle(page, pictures=1)
    [asked] = engine.asked
    blank, layout = asked.control_images
    assert list(asked.control_weights) == [0, 1]  # the net before it is switched off
    assert at(blank, 0, 0) == (0, 0, 0)
    assert at(layout, 128, 20) == (0x70, 0xC5, 0xE8)  # sky, which covers the sheet
    assert at(layout, 128, 128) == (0x1F, 0x5F, 0xBF)  # the stroke of sea
    assert at(layout, 128, 230) == (0x70, 0xC5, 0xE8)  # a dot of it, taken back


async def test_settings_of_a_steered_picture_bring_its_control_back(
    page: Page, engine: Painter
) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    await page.get_by_label("File: Control: edges").set_input_files(files=[disc()])
    await ask(page, "a moon")
    await settle(page, pictures=1)
    zone = page.get_by_role("region", name="Control: edges")
    await zone.get_by_role("button", name="Remove").click()
    await page.locator(".stage .made").click()
    await page.get_by_role("button", name="Use settings").click()
    await expect(zone.get_by_role("img")).to_be_visible()
    await ask(page, "a moon")
    await engine.until(lambda: len(engine.asked) == 2)
    assert engine.asked[0].control_images == engine.asked[1].control_images


async def give(page: Page, slot: str, size: tuple[int, int] = (96, 96)) -> None:
    """Choose a file for a slot: the disc, or white of that size."""
    file = disc()
    if size != (96, 96):
        Image.new("L", size, "white").save(encoded := io.BytesIO(), "png")
        file = {**file, "buffer": encoded.getvalue()}
    await page.get_by_label(f"File: {slot}").set_input_files(files=[file])


@pytest.mark.requirement("playground.mask")
async def test_what_is_painted_over_is_edited_and_nothing_else(page: Page, engine: Painter) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    zone = page.get_by_role("region", name="Where to paint")
    await expect(zone).to_have_count(0)  # there is no picture yet
    await give(page, "Picture to edit")
    await zone.get_by_role("button", name="Paint").click()
    await expect(zone.get_by_role("button", name="Use it")).to_be_disabled()
    await paint(page, at_x=0.75)
    await zone.get_by_role("button", name="Clear").click()
    await expect(zone.get_by_role("button", name="Use it")).to_be_disabled()
    await zone.get_by_label("Brush").fill("50")
    await paint(page, at_x=0.25)
    await zone.get_by_label("Brush").fill("20")
    await paint(page, at_x=0.65)
    await zone.get_by_role("button", name="Undo").click()
    assert await grave_findings(page) == []
    await zone.get_by_role("button", name="Use it").click()
    await expect(zone.get_by_alt_text("The mask")).to_be_visible()
    await page.get_by_label("Prompt", exact=True).fill("a negative")
    await page.get_by_label("Prompt", exact=True).press("Enter")
    await settle_edit(page)
    [asked] = engine.asked
    assert asked.mask
    assert (asked.mask.width, asked.mask.height) == (96, 96)
    assert at(asked.mask, 24, 48) == (255, 255, 255)  # below the stroke, which is half as wide
    assert at(asked.mask, 80, 48) == (0, 0, 0)  # cleared
    assert at(asked.mask, 60, 48) == (0, 0, 0)  # taken back


async def paint(page: Page, *, at_x: float) -> None:
    """Stroke over the picture from its top to its bottom."""
    glass = page.get_by_role("img", name="The picture, to paint on")
    await glass.scroll_into_view_if_needed()
    box = await glass.bounding_box()
    assert box
    x = box["x"] + at_x * box["width"]
    await page.mouse.move(x, box["y"] + 2)
    await page.mouse.down()
    await page.mouse.move(x, box["y"] + box["height"] - 2, steps=8)
    await page.mouse.up()


@pytest.mark.requirement("playground.mask")
async def test_a_mask_is_a_file_too_and_comes_back_with_the_settings(
    page: Page, engine: Painter
) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    zone = page.get_by_role("region", name="Where to paint")
    await give(page, "Picture to edit")
    await give(page, "Where to paint", (96, 40))
    await expect(page.get_by_role("alert")).to_contain_text("another shape")
    await give(page, "Where to paint", (48, 48))
    await expect(zone.get_by_alt_text("The mask")).to_be_visible()
    for _ in range(2):
        await page.get_by_label("Prompt", exact=True).fill("a negative")
        await page.get_by_label("Prompt", exact=True).press("Enter")
        await settle_edit(page)
        await page.get_by_role("region", name="Picture to edit").get_by_text("Remove").click()
        await expect(zone).to_have_count(0)
        await page.locator(".stage .made").click()
        await page.get_by_role("button", name="Use settings").click()
        await expect(zone.get_by_alt_text("The mask")).to_be_visible()
    first, again = engine.asked
    assert first.mask == again.mask
    assert first.mask
    assert (first.mask.width, set(first.mask.data)) == (96, {255})


async def test_only_a_model_that_can_is_offered_a_mask(
    context: BrowserContext, engine: Painter, address: str
) -> None:
    engine.info = msgspec.structs.replace(INFO, inpaints=False)
    async with visiting(context, address) as page:
        await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
        await unfold(page, "Pictures in")
        await give(page, "Picture to edit")
        await expect(page.get_by_alt_text("To edit")).to_be_visible()
        await expect(page.get_by_role("region", name="Where to paint")).to_have_count(0)


async def test_a_file_that_is_no_picture_is_told(page: Page) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    text: FilePayload = {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    await page.get_by_label("File: Picture to edit").set_input_files(files=[text])
    await expect(page.get_by_role("alert")).to_contain_text("no picture")


async def test_the_new_parts_have_no_grave_findings(page: Page) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    await page.get_by_label("File: Control: edges").set_input_files(files=[disc()])
    await (
        page.get_by_role("region", name="Control: layout")
        .get_by_role("button", name="Draw")
        .click()
    )
    await unfold(page, "Engine room")
    await expect(page.locator(".room dl")).to_be_visible()
    assert await grave_findings(page) == []


async def test_a_model_that_only_draws_shows_no_slots(
    context: BrowserContext, engine: Painter, address: str
) -> None:
    engine.info = msgspec.structs.replace(INFO, edits=False, inpaints=False, controlnets=())
    async with visiting(context, address) as page:
        await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
        await expect(page.get_by_text("Pictures in")).to_have_count(0)


@pytest.mark.requirement("playground.room")
async def test_the_engine_room_shows_how_forwards_are_shared(page: Page, engine: Painter) -> None:
    engine.told = Stats(forwards=10, rows=10)
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Engine room")
    await expect(page.locator(".room dl")).to_contain_text("idle")
    engine.told = Stats(forwards=20, rows=45, step_seconds=0.042, finished=7)
    await expect(page.locator(".room dl")).to_contain_text("3.5")
    await expect(page.locator(".room dl")).to_contain_text("42 ms")
    await expect(page.locator(".room dl")).to_contain_text("7")
