"""Pictures of the page in the command line's history: on this machine, where it is wanted."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import httpx2
import pytest
from friendli.cli.history import settings
from friendli.cli.history.store import Entry
from friendli_server.container.app import create_app
from friendli_server.playground import history
from friendli_server.settings import ContainerSettings
from playground.painter import Painter
from playground.test_snippets import picture_file
from playground.visitor import unfold
from playwright.async_api import Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
HERE = {"origin": "http://127.0.0.1:8000", "content-type": "application/json"}
ASKED = {"prompt": "a hill", "num_inference_steps": 3, "guidance_scale": 2.5, "seed": 7}


def picture(**asked: object) -> bytes:
    """What the page sends."""
    jpeg = base64.b64encode(b"\xff\xd8\xff picture").decode()
    size = {"width": 4, "height": 2, "seconds": 0.5, "server": "http://127.0.0.1:8000"}
    return json.dumps({"asked": ASKED | asked, "jpeg": jpeg, **size}).encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history that is kept."""
    monkeypatch.setenv("FRIENDLI_HISTORY", str(tmp_path / "history"))
    return tmp_path / "history"


def kept() -> list[Entry]:
    """What `friendli history` lists."""
    opened = settings.opened()
    assert opened
    with opened as found:
        return found.entries()


def waiting(folder: Path) -> list[Path]:
    """Everything that the server left for it."""
    return [*folder.glob("inbox/*")]


def content(files: tuple[str, ...]) -> bytes:
    """Of the only file."""
    [only] = files
    return Path(only).read_bytes()


async def post(content: bytes, *, peer: str = "127.0.0.1", **headers: str) -> httpx2.Response:
    app = create_app(Painter(), ContainerSettings(metrics_port=None))
    transport = httpx2.ASGITransport(app, client=(peer, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        return await client.post(history.PATH, content=content, headers=HERE | headers)


@pytest.mark.requirement("playground.history")
async def test_pictures_of_the_page_are_in_the_history_of_the_command_line(
    page: Page, engine: Painter, folder: Path
) -> None:
    await expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    await unfold(page, "Pictures in")
    await page.get_by_label("File: Picture to edit").set_input_files(files=[picture_file()])
    async with page.expect_response(lambda answer: history.PATH in answer.url) as answer:
        await page.get_by_label("Prompt", exact=True).fill("a blue hill")
        await page.get_by_label("Prompt", exact=True).press("Enter")
    assert await (await answer.value).json() == {"kept": True}
    [entry] = kept()
    [asked] = engine.asked
    assert (entry.wish.prompt, entry.wish.seed) == ("a blue hill", asked.seed)
    assert (entry.wish.steps, entry.wish.guidance) == (asked.steps, asked.guidance)
    assert (entry.width, entry.height) == (64, 64)
    assert entry.path.read_bytes().startswith(b"\xff\xd8\xff")
    assert content(entry.wish.image).startswith(b"\x89PNG")
    assert len(kept()) == 1, "what was taken in waits no longer"


async def test_what_waits_is_taken_in_with_all_its_parameters(folder: Path) -> None:
    control = {"image": "data:image/png;base64," + base64.b64encode(b"\x89PNG lines").decode()}
    steered = {"model": "ink", "control_images": [control], "controlnet_weights": [0.5]}
    painted = {"image": control, "mask": control}
    for asked in ({"prompt": "first", **painted}, {"prompt": "second", **steered}):
        assert (await post(picture(**asked))).json() == {"kept": True}
    assert (folder / "inbox").stat().st_mode & 0o077 == 0
    second, first = kept()
    assert (first.wish.prompt, second.wish.prompt) == ("first", "second")
    assert first.made <= second.made
    assert (second.wish.model, second.wish.weight) == ("ink", (0.5,))
    assert content(second.wish.control) == b"\x89PNG lines"
    assert content(first.wish.mask) == content(first.wish.image) == b"\x89PNG lines"
    assert waiting(folder) == []


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.7", {}),
        ("127.0.0.1", {"origin": "http://evil.example"}),
        ("127.0.0.1", {"origin": "http://localhost:9999"}),
        ("127.0.0.1", {"origin": ""}),
        ("127.0.0.1", {"origin": "http://pictures.example", "host": "pictures.example"}),
    ],
)
async def test_nobody_elses_pictures_are_kept(
    folder: Path, peer: str, headers: dict[str, str]
) -> None:
    answer = await post(picture(), peer=peer, **headers)
    assert answer.status_code == 421 or answer.json() == {"kept": False}
    assert waiting(folder) == []


async def test_nothing_is_kept_where_the_history_is_off_or_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await post(picture())).json() == {"kept": False}
    monkeypatch.delenv("FRIENDLI_HISTORY")
    assert (await post(picture())).json() == {"kept": False}


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"{}", 422), (picture(seed="x"), 422), (picture(image={"path": "/"}), 422)],
)
async def test_what_is_no_picture_is_refused_by_name(
    folder: Path, content: bytes, status: int
) -> None:
    answer = await post(content)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert waiting(folder) == []


async def test_no_more_wait_than_a_history_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_FILES", 2)
    for prompt in ("first", "second", "third"):
        await post(picture(prompt=prompt))
    assert [entry.wish.prompt for entry in kept()] == ["third", "second"]


async def test_a_file_that_cannot_be_read_stops_nothing(folder: Path) -> None:
    await post(picture())
    (folder / "inbox" / "1-damaged.json").write_text("{")
    assert [entry.wish.prompt for entry in kept()] == ["a hill"]
    assert waiting(folder) == []
