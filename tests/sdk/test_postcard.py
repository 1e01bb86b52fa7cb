"""The documentation against a container and a gateway in processes of their own, with Postcard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from friendli import SyncFriendli, models
from friendli.picture import kind_of
from sdk import live_postcard
from sdk.live_postcard import Gateway
from sdk.test_docs import ROOT, SEEDS, blocks

pytestmark = pytest.mark.slow
PAGES = sorted([*ROOT.glob("docs/sdk*.md"), ROOT / "docs/migration.md"])
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page))
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with live_postcard.container() as url:
        yield url


@pytest.fixture(scope="module")
def gateway(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with live_postcard.gateway(url, tmp_path_factory.mktemp("gateway")) as served:
        yield served


@pytest.fixture(scope="module")
def abilities(url: str) -> dict[str, bool]:
    """What this Postcard can do beside drawing: asked, not looked up."""
    image = {"image": live_postcard.picture()}
    with SyncFriendli(server_url=url) as friendli:
        draw = friendli.container.image
        edit = partial(draw.edit, image=image)
        control = partial(draw.generate, control_images=[image])
        return {"edit": _works(edit), "control": _works(control)}


def _works(attempt: Callable[..., models.ContainerImageGenerateSuccess]) -> bool:
    try:
        return bool(attempt(prompt="p", num_inference_steps=1).content)
    except models.SDKError as refused:
        if refused.status_code != 422:
            raise
        return False


def runnable(code: str, abilities: dict[str, bool]) -> str:
    """The example, with a picture that needs no network; skipped if Postcard cannot do it."""
    for word, ability in (("image.edit(", "edit"), ("control_images=", "control")):
        if word in code and not abilities[ability]:
            pytest.skip(f"this Postcard cannot {ability}")
    return code.replace(live_postcard.CAT, live_postcard.picture())


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
    assert plain.to_pil().size == (plain.width, plain.height)
    assert steps == [1, 2, 3]


@pytest.mark.parametrize("edits", [False, True], ids=["generate", "edit"])
def test_leaving_a_stream_cancels_the_job_on_the_server(url: str, edits: bool) -> None:
    given: Any = {"image": live_postcard.picture()} if edits else {}
    finished = idle(url)["finished"]
    with SyncFriendli(server_url=url) as friendli:
        with friendli.container.image.stream(prompt="p", num_inference_steps=50, **given) as events:
            assert any(isinstance(event, models.ProgressEvent) for event in events)
        res = friendli.container.image.generate(prompt="p", num_inference_steps=1)
    assert res.content
    assert idle(url, finished=finished + 1)["finished"] == finished + 1


def idle(url: str, *, finished: int = 0) -> dict[str, int]:
    """What the engine says once it has finished so many pictures and makes none."""
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        told: dict[str, int] = httpx2.get(f"{url}/v1/engine", timeout=60).json()
        if told["active"] == told["queued"] == 0 and told["finished"] >= finished:
            return told
        time.sleep(0.2)
    raise AssertionError("the engine is not idle")


def test_an_endpoint_draws_the_containers_picture(url: str, gateway: Gateway) -> None:
    asked: Any = {"prompt": "A lighthouse", "num_inference_steps": 3, "seed": 1}
    with SyncFriendli(token=gateway.token, server_url=gateway.url) as friendli:
        made = friendli.dedicated.image.generate(model="(endpoint-id)", guidance_scale=3.5, **asked)
        with friendli.dedicated.image.stream(
            model="(endpoint-id)", guidance_scale=3.5, **asked
        ) as events:
            *_, last = events
        direct = friendli.container.image.generate(server_url=url, guidance_scale=3.5, **asked)
    assert isinstance(last, models.DedicatedFinishedEvent)
    assert made.data[0].content == last.data[0].content == direct.content


@pytest.mark.requirement("docs.live")
@pytest.mark.parametrize("block", BLOCKS)
def test_examples_of_the_documentation_draw(
    block: str,
    url: str,
    gateway: Gateway,
    abilities: dict[str, bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRIENDLI_BASE_URL", gateway.url if ".dedicated." in block else url)
    monkeypatch.setenv("FRIENDLI_TOKEN", gateway.token)
    code = runnable(block, abilities).replace("(team-id)", gateway.team)
    exec(compile(code, "docs", "exec"), {"__name__": "__main__"})
    for saved in tmp_path.iterdir():
        assert kind_of(saved.read_bytes())


@pytest.mark.requirement("docs.live")
@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_the_seeds_examples_draw(
    seed: Path,
    url: str,
    gateway: Gateway,
    abilities: dict[str, bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = runnable(seed.read_text(encoding="utf-8"), abilities)
    monkeypatch.setenv("FRIENDLI_BASE_URL", gateway.url if ".dedicated." in code else url)
    monkeypatch.setenv("FRIENDLI_TOKEN", gateway.token)
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(code, seed.name, "exec"), names)
    res = names["res"]
    made = res.data[0] if isinstance(res, models.DedicatedImageGenerateSuccess) else res
    assert isinstance(made, models.URLImageItem | models.ContainerImageGenerateSuccess)
    saved = made.save(tmp_path / f"{seed.stem}.jpg")
    assert kind_of(saved.read_bytes()) == "jpeg"
    low, high = zip(*made.to_pil().convert("RGB").getextrema(), strict=True)
    assert max(high) - min(low) > 50, "a flat picture is none"
