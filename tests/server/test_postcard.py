"""The whole container as a user starts it: a process, its engine, the model inside."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from official import official_python, run_official
from PIL import Image, ImageChops, ImageStat
from server.test_official_client import EXAMPLE

__all__ = ["official_python"]

PATH, EDIT = "/v1/images/generations", "/v1/images/edits"
PATIENCE = 300.0


@dataclass
class Container:
    """`friendli serve` in a process of its own."""

    process: subprocess.Popen[str]
    url: str

    def post(self, path: str = PATH, /, **body: Any) -> httpx2.Response:
        body = {"prompt": "a red car in the snow", "num_inference_steps": 4} | body
        return httpx2.post(self.url + path, json=body, timeout=PATIENCE)

    def picture(self, path: str = PATH, /, **body: Any) -> Image.Image:
        answer = self.post(path, **body)
        assert answer.status_code == 200, answer.text
        return Image.open(io.BytesIO(base64.b64decode(answer.json()["image"])))

    def worker(self) -> int:
        """The id of the engine's process."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        children = [pid for thread in threads for pid in (thread / "children").read_text().split()]
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
        return next(int(pid) for pid, text in commands.items() if "friendli_engine.process" in text)


def start() -> Container:
    command = [sys.executable, "-m", "friendli_server", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--metrics-port", "0", "--no-spare"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stdout
    line = process.stdout.readline()
    found = re.fullmatch(r"Listening on (http://127\.0\.0\.1:\d+)\n", line)
    assert found, line
    return Container(process, found[1])


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    running = start()
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.mark.requirement("S4.generate", "S4.port")
def test_a_prompt_gives_a_jpeg_of_the_models_size(container: Container) -> None:
    picture = container.picture()
    assert (picture.format, picture.size) == ("JPEG", (256, 256))
    assert len(set(picture.convert("L").resize((32, 32)).tobytes())) > 16


@pytest.mark.requirement("S1.example", "S1.official")
async def test_the_official_clients_example_gets_a_real_picture(
    container: Container, official_python: Path
) -> None:
    printed = await asyncio.to_thread(run_official, official_python, EXAMPLE, container.url)
    picture = Image.open(io.BytesIO(base64.b64decode(printed)))
    assert (picture.format, picture.size) == ("JPEG", (256, 256))


@pytest.mark.requirement("S1.seed", "engine.reproducible")
async def test_the_same_seed_gives_the_same_bytes_whatever_else_runs(container: Container) -> None:
    asked = {"seed": 7, "response_format": "raw"}
    alone = (await asyncio.to_thread(container.post, **asked)).json()
    others = [{"prompt": f"a blue house {n}", "num_inference_steps": 2 + n} for n in range(4)]
    together = await asyncio.gather(
        *(asyncio.to_thread(container.post, **body) for body in (asked, *others))
    )
    assert together[0].json() == alone


@pytest.mark.requirement("S4.guidance")
def test_guidance_changes_the_picture(container: Container) -> None:
    weak, strong = [
        container.picture(seed=7, guidance_scale=scale).tobytes() for scale in (1.5, 8.0)
    ]
    assert weak != strong


def drawn(box: tuple[int, int, int, int], size: tuple[int, int] = (256, 256)) -> dict[str, str]:
    """A white picture with a red box in it, as requests send it."""
    picture = Image.new("RGB", size, "white")
    picture.paste((200, 30, 30), box)
    picture.save(out := io.BytesIO(), "PNG")
    return {"image": base64.b64encode(out.getvalue()).decode()}


@pytest.mark.requirement("S4.control")
@pytest.mark.parametrize("count", [1, 2])
def test_control_images_steer_and_with_weight_0_are_as_none(
    container: Container, count: int
) -> None:
    asked: dict[str, Any] = {"seed": 7, "control_images": [drawn((40, 90, 220, 200))] * count}
    free, steered = [
        container.picture(**asked, controlnet_weights=[weight] * count).tobytes()
        for weight in (0.0, 1.0)
    ]
    assert free == container.picture(seed=7).tobytes()
    assert steered != free


@pytest.mark.requirement("S4.edit")
def test_an_edit_of_any_picture_is_one_of_the_models_size_and_follows_the_words(
    container: Container,
) -> None:
    body = {"prompt": "make it night", "image": drawn((40, 60, 150, 120), (256, 192)), "seed": 7}
    edited = container.picture(EDIT, **body)
    assert edited.size == (256, 256)
    assert edited.tobytes() != container.picture(EDIT, **body | {"prompt": "snow"}).tobytes()


@pytest.mark.requirement("S4.mask")
def test_a_mask_says_where_an_edit_paints(container: Container) -> None:
    # where a box is drawn it is too dark to be painted on
    above, below = (0, 0, 256, 64), (0, 160, 256, 256)
    given = {"image": drawn((40, 170, 220, 240)), "mask": drawn((0, 96, 256, 256))}
    one, other = [
        container.picture(EDIT, prompt="a night sky", seed=seed, **given) for seed in (7, 8)
    ]

    def far(box: tuple[int, int, int, int]) -> float:
        apart = ImageChops.difference(one.crop(box), other.crop(box))
        return sum(ImageStat.Stat(apart).mean)

    assert far(below) < far(above) / 2


@pytest.mark.requirement("S1.model")
def test_each_adapter_draws_in_its_own_way(container: Container) -> None:
    listed = httpx2.get(f"{container.url}/v1/models", timeout=PATIENCE).json()["data"]
    routes = [card["id"] for card in listed]
    assert routes[0] == "postcard"
    assert "sketch" in routes[1:]
    seen = {container.picture(seed=7, model=route).tobytes() for route in routes}
    assert len(seen) == len(routes)


def test_events_tell_every_step(container: Container) -> None:
    body = {"prompt": "a boat", "num_inference_steps": 5, "stream": True}
    headers = {"accept": "text/event-stream"}
    answer = httpx2.post(container.url + PATH, json=body, headers=headers, timeout=PATIENCE)
    assert re.findall(r'"step":(\d),"steps":5', answer.text) == list("12345")
    last = answer.text.strip().split("\n\n")[-1]
    assert json.loads(last.partition("data: ")[2])["format"] == "jpeg"


async def test_a_killed_engine_comes_back_and_the_unanswered_are_answered(
    container: Container,
) -> None:
    asking = [
        asyncio.create_task(asyncio.to_thread(container.post, seed=n, num_inference_steps=50))
        for n in range(3)
    ]
    async with httpx2.AsyncClient(base_url=container.url, timeout=PATIENCE) as client:
        while (await client.get("/health")).status_code != 200:
            pass
        os.kill(container.worker(), signal.SIGKILL)
        assert (await client.get("/health/live")).status_code == 200
        assert [answer.status_code for answer in await asyncio.gather(*asking)] == [200] * 3
        assert (await client.get("/health")).status_code == 200


def test_a_signal_under_load_ends_it_with_status_0() -> None:
    leaving = start()
    body = json.dumps({"prompt": "a", "num_inference_steps": 50, "stream": True})
    headers = {"accept": "text/event-stream", "content-type": "application/json"}
    asked = httpx2.stream(
        "POST", leaving.url + PATH, content=body, headers=headers, timeout=PATIENCE
    )
    with asked as answer:
        lines = answer.iter_lines()
        assert next(lines)
        leaving.process.send_signal(signal.SIGTERM)
        assert "event: finished" in list(lines)
    leaving.process.communicate(timeout=PATIENCE)
    assert leaving.process.returncode == 0
