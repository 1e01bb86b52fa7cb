"""Every snippet is copied from the page, run as it stands, and makes the picture it says."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
from pathlib import Path

import pytest
from friendli_server.settings import ContainerSettings
from PIL import Image
from playground.painter import Painter
from playground.visitor import unfold
from playwright.async_api import FilePayload, Page, expect
from pydantic import SecretStr

pytestmark = pytest.mark.asyncio(loop_scope="session")
AWKWARD = 'It\'s "awkward": $HOME `x` \\n {prompt} café 🌻 </script>'
RUNS = {
    "curl": ["sh", "snippet.sh"],
    "Python SDK": [sys.executable, "snippet.py"],
    "openai-python": [sys.executable, "snippet.py"],
    "JavaScript": ["node", "snippet.mjs"],
    "Command line": ["sh", "snippet.sh"],
}
SURROUNDINGS = {
    "FRIENDLI_HISTORY": "off",
    "NO_PROXY": "127.0.0.1",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
}
TOOLS = {"curl": ("curl", "jq"), "JavaScript": ("node",)}


@pytest.fixture(params=[(), ("sesame",)], ids=["open", "keyed"])
def settings(request: pytest.FixtureRequest) -> ContainerSettings:
    return ContainerSettings(metrics_port=None, api_key=[SecretStr(key) for key in request.param])


def require_tools(name: str) -> None:
    """Skip where a snippet's program is not installed; fail in CI."""
    missing = [tool for tool in TOOLS.get(name, ()) if not shutil.which(tool)]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {missing}")
    if missing:
        pytest.skip(f"not installed: {missing}")


async def run(command: list[str], folder: Path, *, token: str = "sesame") -> None:
    """Run a snippet in `folder`; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **SURROUNDINGS, "FRIENDLI_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()


async def copied(page: Page, name: str) -> str:
    """The snippet that the copy button puts on the clipboard."""
    await unfold(page, "Code")
    await page.get_by_role("tab", name=name).click()
    await page.get_by_role("button", name="Copy").click()
    await expect(page.locator(".copy")).to_contain_text("Copied")
    text: str = await page.evaluate("navigator.clipboard.readText()")
    return text


@pytest.mark.parametrize("name", list(RUNS))
async def test_a_copied_snippet_makes_the_picture(
    page: Page, engine: Painter, settings: ContainerSettings, tmp_path: Path, name: str
) -> None:
    require_tools(name)
    if settings.api_key:
        await page.get_by_label("API key").fill("sesame")
        await page.get_by_label("API key").press("Tab")
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page)
    await page.get_by_label("Prompt", exact=True).fill(AWKWARD)
    await page.get_by_label("Steps", exact=True).fill("3")
    await page.get_by_label("Guidance", exact=True).fill("2.5")
    await page.get_by_label("Seed", exact=True).fill("12345")
    await page.get_by_label("Adapter").select_option("ink")
    text = await copied(page, name)
    assert "sesame" not in text
    (tmp_path / RUNS[name][1]).write_text(text, encoding="utf-8")
    await run(RUNS[name], tmp_path)
    [asked] = engine.asked
    assert (asked.prompt, asked.adapter) == (AWKWARD, "ink")
    assert (asked.steps, asked.guidance, asked.seed) == (3, 2.5, 12345)
    with Image.open(tmp_path / "picture.jpg") as made:
        assert (made.format, made.size) == ("JPEG", (256, 256))


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("curl", "Picture to edit"),
        *((name, slot) for name in RUNS for slot in ("Where to paint", "Control: layout")),
    ],
)
@pytest.mark.parametrize("settings", [()], indirect=True, ids=["open"])
async def test_a_snippet_reads_the_pictures_that_go_in_from_files(
    page: Page, engine: Painter, tmp_path: Path, name: str, slot: str
) -> None:
    require_tools(name)
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await page.get_by_label("Prompt", exact=True).fill("a hill")
    await unfold(page, "Pictures in")
    for each in ("Picture to edit", slot) if slot == "Where to paint" else (slot,):
        await page.get_by_label(f"File: {each}").set_input_files(files=[picture_file()])
        await expect(page.get_by_role("region", name=each).get_by_role("img")).to_be_visible()
    text = await copied(page, name)
    for link in await page.locator(".code a[download]").all():
        async with page.expect_download() as saved:
            await link.click()
        download = await saved.value
        await download.save_as(tmp_path / download.suggested_filename)
    (tmp_path / RUNS[name][1]).write_text(text, encoding="utf-8")
    await run(RUNS[name], tmp_path)
    [asked] = engine.asked
    assert asked.prompt == "a hill"
    if slot != "Control: layout":
        assert [image.data[:3] for image in asked.images] == [bytes((200, 30, 40))]
        assert bool(asked.mask) == (slot == "Where to paint")
    else:
        assert list(asked.control_weights) == [0, 1]
        assert asked.control_images[1].data[:3] == bytes((200, 30, 40))
    with Image.open(tmp_path / "picture.jpg") as made:
        assert made.format == "JPEG"


def picture_file() -> FilePayload:
    """A red PNG, as a person would choose it."""
    encoded = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 40)).save(encoded, "png")
    return {"name": "red.png", "mimeType": "image/png", "buffer": encoded.getvalue()}
