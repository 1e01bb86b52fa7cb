"""The documentation against a container in a process of its own, drawing with Postcard."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from friendli import SyncFriendli, models
from friendli.picture import kind_of
from sdk.test_docs import ROOT, blocks

pytestmark = pytest.mark.slow
BLOCKS = [
    block
    for block in blocks(ROOT / "docs/sdk-container-image.md") + blocks(ROOT / "docs/sdk.md")
    if "image.edit(" not in block  # Postcard draws; it edits nothing
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "friendli_server", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            found = (re.search(r"http://\S+", line) for line in server.stdout)
            yield next(match.group() for match in found if match)
        finally:
            server.terminate()


def test_the_same_seed_draws_the_same_picture_streamed_or_not(url: str) -> None:
    steps: list[int] = []
    with SyncFriendli(server_url=url) as friendli:
        plain, followed = (
            friendli.container.image.generate(
                prompt="A red car in the snow", num_inference_steps=3, seed=1, on_progress=told
            )
            for told in (None, lambda event: steps.append(event.step))
        )
    assert plain.content == followed.content
    assert kind_of(plain.content) == "jpeg"
    assert plain.to_pil().size == (plain.width, plain.height) == (256, 256)
    assert steps == [1, 2, 3]


def test_leaving_a_stream_frees_the_place(url: str) -> None:
    with SyncFriendli(server_url=url) as friendli:
        with friendli.container.image.stream(prompt="p", num_inference_steps=50) as events:
            assert not isinstance(next(events), models.FinishedEvent)
        res = friendli.container.image.generate(prompt="p", num_inference_steps=1)
    assert res.content


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_examples_of_the_documentation_draw(
    block: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRIENDLI_BASE_URL", url)
    exec(compile(block, "docs", "exec"), {"__name__": "__main__"})
    for saved in tmp_path.iterdir():
        assert kind_of(saved.read_bytes())


def test_the_engine_draws_without_a_server(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["offline_engine.py", "a red car in the snow"])
    runpy.run_path(str(ROOT / "examples/offline_engine.py"), run_name="__main__")
    assert "a red car in the snow: 256 × 256" in capfd.readouterr().out


def has(url: str, what: str) -> bool:
    """Whether the model that ships inside can do it."""
    return bool(httpx2.get(f"{url}/v1/models").json()["data"][0][what])


@pytest.mark.parametrize(
    ("name", "needs"), [("edit", "edits"), ("control", "controls"), ("adapters", "id")]
)
def test_examples_that_edit_and_steer_draw_with_the_model_inside(
    name: str, needs: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has(url, needs):
        pytest.skip(f"Postcard has no {needs} yet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRIENDLI_BASE_URL", url)
    runpy.run_path(str(ROOT / f"examples/{name}.py"), run_name="__main__")
    saved = list(tmp_path.iterdir())
    assert saved
    assert len({path.read_bytes() for path in saved}) == len(saved)
