"""`friendli mcp` as a real MCP client sees it, over standard input and output."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from cli.conftest import Watched
from PIL import Image

pytest.importorskip("mcp", reason="the extra mcp is not installed")
from mcp import ClientSession, StdioServerParameters, stdio_client, types

CODE = "from friendli.cli import main; main()"


@asynccontextmanager
async def session(container: str, folder: Path) -> AsyncIterator[ClientSession]:
    """A client that talks to `friendli mcp`."""
    arguments = ["-c", CODE, "mcp", "--server", container, "--folder", str(folder)]
    started = StdioServerParameters(
        command=sys.executable, args=arguments, env=dict(os.environ), cwd=Path.cwd()
    )
    async with stdio_client(started) as (read, write), ClientSession(read, write) as client:
        await client.initialize()
        yield client


def picture_of(result: types.CallToolResult) -> bytes:
    assert not result.is_error, result.content
    image, text = result.content
    assert isinstance(image, types.ImageContent)
    assert isinstance(text, types.TextContent)
    content = base64.b64decode(image.data)
    assert Path(text.text.partition(" (seed")[0]).read_bytes() == content
    return content


@pytest.fixture
def red() -> str:
    Image.new("RGB", (12, 10), "red").save("red.png")
    return str(Path("red.png").resolve())


@pytest.fixture
def white() -> str:
    Image.new("L", (12, 10), 255).save("white.png")
    return str(Path("white.png").resolve())


@pytest.mark.requirement("mcp.tools")
async def test_a_client_makes_and_edits_pictures(
    container: str, engine: Watched, red: str, white: str, tmp_path: Path
) -> None:
    steps: list[float] = []
    engine.info = msgspec.structs.replace(engine.info, inpaints=True)

    async def stepped(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with session(container, tmp_path / "out") as client:
        listed = await client.list_tools()
        assert {tool.name for tool in listed.tools} == {"generate_image", "edit_image"}
        made = await client.call_tool(
            "generate_image",
            {"prompt": "a cat", "steps": 3, "seed": 7, "model": "ink"},
            progress_callback=stepped,
        )
        assert picture_of(made).startswith(b"\xff\xd8\xff")
        asked = {"image": red, "mask": white, "prompt": "blue", "steps": 2}
        edited = await client.call_tool("edit_image", asked)
        assert picture_of(edited).startswith(b"\xff\xd8\xff")
        refused = await client.call_tool("generate_image", {"prompt": "x", "model": "inc"})
        assert refused.is_error
        assert isinstance(refused.content[0], types.TextContent)
        assert "no model or adapter" in refused.content[0].text
    generated, edit = engine.asked
    assert (generated.prompt, generated.steps, generated.seed) == ("a cat", 3, 7)
    assert generated.adapter == "ink"
    assert len(edit.images) == 1
    assert edit.mask
    assert set(edit.mask.data) == {255}
    assert steps
